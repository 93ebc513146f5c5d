"""Self mode: a search, a request, an answer; and everything that must not come of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.ports import Conflict, NotVisible, Principal
from matching.application.accept_request import AcceptRequest, accept_request
from matching.application.answer_searches import answers_to, claim_searches, finish_searches
from matching.application.ask_for_match import AskForMatch, ask_for_match
from matching.application.check_requests import check_requests
from matching.application.close_impossible_requests import close_impossible_requests
from matching.application.decline_request import DeclineRequest, decline_request
from matching.application.expire_requests import expire_requests
from matching.application.mode_views import request_view
from matching.application.remind_of_requests import remind_of_requests
from matching.application.start_search import StartSearch, start_search
from matching.application.withdraw_request import WithdrawRequest, withdraw_request
from matching.domain.facts import Direction, Line, PairType, Role, Snapshot
from matching.domain.match_request import MOST_OPEN_REQUESTS, AskingSide, MatchRequest, RequestState
from matching.domain.pair import PairState
from matching.domain.rules import HardRules
from matching.domain.search import MOST_FOUND, Search, SearchState
from matching.domain.suitability import Suitable, as_browsed, suitable_for

from .fakes import NOW, PROGRAM, FakeUnitOfWork, cohort_of, known_participation, known_person, participant
from .worlds import RULES, mentee, mentor, participation, person, snapshot


def self_mode(mentors: int, mentees: int, **settings: Any) -> FakeUnitOfWork:
    """A cohort whose mentees find their own mentors."""
    uow = cohort_of(mentors, mentees)
    held = uow.known_programs.held
    held[PROGRAM] = replace(held[PROGRAM], **{"mode": "self", **settings})
    return uow


async def searched(uow: FakeUnitOfWork, number: int) -> Search:
    """Somebody searches, and the worker answers."""
    uow.principal = participant(number)
    search = await start_search(StartSearch(participation(number)), uow)
    claimed = await claim_searches(uow)
    assert claimed is not None
    await finish_searches(claimed, answers_to(claimed), uow)
    return search


async def asked(uow: FakeUnitOfWork, asker: int, partner: int) -> MatchRequest:
    """Somebody searches, unless they have, and asks; the worker finds nothing against it."""
    uow.principal = participant(asker)
    if await uow.searches.latest_answered(participation(asker)) is None:
        await searched(uow, asker)
    request = await ask_for_match(AskForMatch(participation(asker), participation(partner)), uow)
    await check_requests(uow, patience=60)
    return request


async def accept(uow: FakeUnitOfWork, request: MatchRequest, number: int) -> MatchRequest:
    uow.principal = participant(number)
    return await accept_request(AcceptRequest(request.request_id), uow)


def found(search: Search) -> list[UUID]:
    return [one.participation_id for one in search.found]


@pytest.mark.requirement("R0-30", "R0-14", "R1-09")
async def test_a_mentee_finds_their_own_mentor_and_the_pair_is_told_as_every_pair() -> None:
    uow = self_mode(2, 1)
    request = await asked(uow, 101, 1)
    assert (request.state, uow.named("PairFormed")) == (RequestState.OPEN, [])
    uow.later(days=2)
    await accept(uow, request, 1)
    proposed, formed = (uow.named(name)[0] for name in ("PairProposed", "PairFormed"))
    assert proposed.run_id == formed.run_id == request.request_id
    assert (formed.mentor_id, formed.mentee_id, formed.formed_at) == (person(1), person(101), uow.now)
    assert [said.sequence for said in uow.published] == [1, 2]
    (pair,) = uow.pairs.held.values()
    assert (pair.state, pair.pair_id, pair.mentee.accepted_at) == (PairState.FORMED, request.pair_id, NOW)
    assert request.state is RequestState.ACCEPTED


@pytest.mark.requirement("R1-09")
async def test_the_asker_cannot_answer_for_the_other() -> None:
    uow = self_mode(1, 1)
    request = await asked(uow, 101, 1)
    for answer in (
        accept_request(AcceptRequest(request.request_id), uow),
        decline_request(DeclineRequest(request.request_id), uow),
    ):
        with pytest.raises(Conflict, match="the other answers"):
            await answer
    uow.principal = participant(1)
    with pytest.raises(Conflict, match="You are asked"):
        await withdraw_request(WithdrawRequest(request.request_id), uow)


async def test_others_find_no_request_and_the_one_asked_none_before_it_is_checked() -> None:
    uow = self_mode(2, 1)
    await searched(uow, 101)
    request = await ask_for_match(AskForMatch(participation(101), participation(1)), uow)
    for nobody in (participant(1), participant(2), Principal("x", None, None, frozenset({"participant"}))):
        uow.principal = nobody
        for command in (
            accept_request(AcceptRequest(request.request_id), uow),
            decline_request(DeclineRequest(request.request_id), uow),
            withdraw_request(WithdrawRequest(request.request_id), uow),
        ):
            with pytest.raises(NotVisible):
                await command
    assert request_view(request, person(101)).words == ()
    await check_requests(uow, patience=60)
    view = request_view(request, person(1))
    assert (view.partner_id, view.topics, view.role) == (person(101), ("technology.ai",), Role.MENTOR)
    assert request_view(request, person(101)).partner_id is None


@pytest.mark.requirement("R0-30", "RX-01")
@pytest.mark.parametrize("pair_type", PairType)
@pytest.mark.parametrize("asking", [None, *AskingSide])
async def test_the_program_says_whose_requests_begin_a_pair(asking: AskingSide | None, pair_type: PairType) -> None:
    uow = self_mode(1, 1, asking_side=asking)
    uow.known_programs.held[PROGRAM] = replace(
        uow.known_programs.held[PROGRAM], rules=replace(RULES, pair_type=pair_type, direction=Direction.EXPERTISE)
    )
    expected = {AskingSide.MENTEE: {101}, AskingSide.MENTOR: {1}, AskingSide.BOTH: {1, 101}}
    unsaid = AskingSide.BOTH if pair_type is PairType.RECIPROCAL else AskingSide.MENTEE
    for asker, partner in ((101, 1), (1, 101)):
        if asker in expected[asking or unsaid]:
            request = await asked(uow, asker, partner)
            await withdraw_request(WithdrawRequest(request.request_id), uow)
        else:
            with pytest.raises(Conflict, match="the other side asks"):
                await asked(uow, asker, partner)


@pytest.mark.requirement("S9")
async def test_the_same_request_is_not_sent_twice_nor_across() -> None:
    uow = self_mode(1, 1)
    uow.known_programs.held[PROGRAM] = replace(
        uow.known_programs.held[PROGRAM], rules=replace(RULES, pair_type=PairType.RECIPROCAL)
    )
    await asked(uow, 101, 1)
    with pytest.raises(Conflict, match="You have asked"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)
    await searched(uow, 1)
    with pytest.raises(Conflict, match="has asked you"):
        await ask_for_match(AskForMatch(participation(1), participation(101)), uow)
    assert len(uow.requests.held) == 1


@pytest.mark.requirement("S9")
async def test_after_a_decline_nobody_is_asked_again_and_no_reason_is_told() -> None:
    uow = self_mode(1, 1)
    request = await asked(uow, 101, 1)
    uow.principal = participant(1)
    for _ in range(2):
        assert (await decline_request(DeclineRequest(request.request_id), uow)).state is RequestState.DECLINED
    assert not {"reason", "declined_by"} & set(request_view(request, person(101)).__slots__)
    uow.principal = participant(101)
    with pytest.raises(Conflict, match="have answered"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)


@pytest.mark.requirement("S9")
async def test_withdrawing_and_asking_again_has_an_end() -> None:
    uow = self_mode(1, 1)
    await searched(uow, 101)
    for _ in range(2):
        request = await ask_for_match(AskForMatch(participation(101), participation(1)), uow)
        await withdraw_request(WithdrawRequest(request.request_id), uow)
    with pytest.raises(Conflict, match="as often as you may"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)


@pytest.mark.requirement("S9")
async def test_nobody_asks_everybody() -> None:
    uow = self_mode(MOST_OPEN_REQUESTS + 1, 1)
    await searched(uow, 101)
    for number in range(1, MOST_OPEN_REQUESTS + 1):
        await ask_for_match(AskForMatch(participation(101), participation(number)), uow)
    with pytest.raises(Conflict, match="as many open requests"):
        await ask_for_match(AskForMatch(participation(101), participation(MOST_OPEN_REQUESTS + 1)), uow)
    first = next(iter(uow.requests.held.values()))
    await withdraw_request(WithdrawRequest(first.request_id), uow)
    await ask_for_match(AskForMatch(participation(101), participation(MOST_OPEN_REQUESTS + 1)), uow)


@pytest.mark.requirement("I6")
async def test_of_two_answers_for_the_last_place_the_second_is_told() -> None:
    uow = self_mode(2, 1)
    first, second = await asked(uow, 101, 1), await asked(uow, 101, 2)
    await accept(uow, first, 1)
    with pytest.raises(Conflict, match="found somebody else"):
        await accept(uow, second, 2)
    assert len(uow.pairs.held) == 1


@pytest.mark.requirement("I6")
async def test_capacity_is_looked_at_when_somebody_asks() -> None:
    uow = self_mode(1, 2)
    await accept(uow, await asked(uow, 101, 1), 1)
    await searched(uow, 102)
    with pytest.raises(Conflict, match="This person has no free place"):
        await ask_for_match(AskForMatch(participation(102), participation(1)), uow)
    uow.known_people.held[person(2)] = known_person(2)
    uow.known_participations.put(known_participation(2, Role.MENTOR))
    uow.later(minutes=2)
    await searched(uow, 101)
    with pytest.raises(Conflict, match="You have no free place"):
        await ask_for_match(AskForMatch(participation(101), participation(2)), uow)


async def test_an_optional_second_mentor_may_be_asked_where_the_program_says_so() -> None:
    uow = self_mode(2, 1, mentors_per_mentee=2)
    first, second = await asked(uow, 101, 1), await asked(uow, 101, 2)
    await accept(uow, first, 1)
    await accept(uow, second, 2)
    assert len(uow.pairs.held) == 2


@pytest.mark.requirement("R3-25")
async def test_who_is_excluded_is_not_found_and_looks_unknown_when_asked() -> None:
    uow = self_mode(3, 1)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(101))
    uow.known_people.held[person(2)] = known_person(2, team="red")
    uow.known_people.held[person(101)] = known_person(101, grade_rank=8, team="red")
    search = await searched(uow, 101)
    assert found(search) == [participation(3)]
    for stranger in (participation(1), participation(2), UUID(int=4711)):
        with pytest.raises(NotVisible, match="no such participation"):
            await ask_for_match(AskForMatch(participation(101), stranger), uow)


@pytest.mark.requirement("R3-25", "N2")
async def test_a_conflict_that_comes_after_the_question_ends_it_without_a_reason() -> None:
    uow = self_mode(1, 1)
    request = await asked(uow, 101, 1)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(101), sequence=2)
    await uow.requests.uncheck([person(1)])
    with pytest.raises(Conflict, match="being looked at"):
        await accept(uow, request, 1)
    await check_requests(uow, patience=60)
    assert (request.state, uow.pairs.held) == (RequestState.CLOSED, {})
    with pytest.raises(Conflict, match="The request is closed"):
        await accept(uow, request, 1)


async def test_an_application_that_changes_is_looked_at_before_the_answer() -> None:
    uow = self_mode(1, 1)
    request = await asked(uow, 101, 1)
    uow.known_participations.put(known_participation(1, Role.MENTOR, offers={"trends.esg": 3}, sequence=2))
    with pytest.raises(Conflict, match="being looked at"):
        await accept(uow, request, 1)
    await check_requests(uow, patience=60)
    assert request.state is RequestState.CLOSED


async def test_what_a_change_set_touches_waits_for_all_of_it() -> None:
    uow = self_mode(1, 1)
    await searched(uow, 101)
    request = await ask_for_match(AskForMatch(participation(101), participation(1)), uow)

    async def arriving(people: Any, patience: float) -> dict[UUID, frozenset[UUID]]:
        assert {person(1), person(101)} <= set(people)
        return {person(1): frozenset({UUID(int=5)})}

    uow.guard.arriving = arriving  # type: ignore[method-assign]
    await check_requests(uow, patience=60)
    assert (request.checked, request.shown_at, request.state) == (False, None, RequestState.OPEN)


async def test_a_request_expires_at_its_time_and_is_reminded_of_once_before() -> None:
    uow = self_mode(1, 1, request_days=10, request_reminder_days=4)
    request = await asked(uow, 101, 1)
    uow.later(days=3, hours=23)
    await remind_of_requests(uow)
    assert request.reminded_at is None
    uow.later(hours=1)
    await remind_of_requests(uow)
    reminded = request.reminded_at
    uow.later(days=1)
    await remind_of_requests(uow)
    assert request.reminded_at == reminded == NOW + timedelta(days=4)
    uow.later(days=4, hours=23)
    await expire_requests(uow)
    assert request.version == 1
    uow.later(hours=1)
    with pytest.raises(Conflict, match="expired"):
        await accept(uow, request, 1)
    await expire_requests(uow)
    assert request.state is RequestState.EXPIRED


async def test_each_is_told_what_concerns_them_and_nothing_else() -> None:
    uow = self_mode(3, 1, request_days=10, request_reminder_days=4)
    accepted, declined, unanswered = [await asked(uow, 101, number) for number in (1, 2, 3)]
    uow.principal = participant(2)
    await decline_request(DeclineRequest(declined.request_id), uow)
    uow.later(days=4)
    await remind_of_requests(uow)
    await accept(uow, accepted, 1)
    uow.later(days=6)
    await expire_requests(uow)
    told = [(notice.pair_id, notice.kind.value, notice.addressee_id) for notice in uow.notices.held]
    assert told == [
        (accepted.request_id, "request_received", person(1)),
        (declined.request_id, "request_received", person(2)),
        (unanswered.request_id, "request_received", person(3)),
        (declined.request_id, "request_declined", person(101)),
        (accepted.request_id, "request_reminder", person(1)),
        (unanswered.request_id, "request_reminder", person(3)),
        (accepted.request_id, "request_accepted", person(101)),
        (unanswered.request_id, "request_ended", person(101)),
        (unanswered.request_id, "request_ended", person(3)),
    ]


async def test_who_withdraws_from_the_cohort_is_asked_no_more() -> None:
    uow = self_mode(1, 1)
    request = await asked(uow, 101, 1)
    await close_impossible_requests(uow)
    assert request.version == 1
    uow.known_participations.put(known_participation(1, Role.MENTOR, state="withdrawn", sequence=2))
    await close_impossible_requests(uow)
    assert request.state is RequestState.CLOSED


@pytest.mark.requirement("R0-30")
async def test_only_the_side_that_asks_in_this_program_asks() -> None:
    uow = self_mode(1, 1)
    await searched(uow, 1)
    with pytest.raises(Conflict, match="the other side asks"):
        await ask_for_match(AskForMatch(participation(1), participation(101)), uow)


async def test_where_hr_matches_nobody_searches() -> None:
    uow = cohort_of(1, 1)
    search = await searched(uow, 101)
    assert (search.state, search.found) == (SearchState.REFUSED, ())
    with pytest.raises(Conflict, match="HR matches"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)


async def test_nobody_asks_without_having_searched_or_for_somebody_else() -> None:
    uow = self_mode(1, 2)
    uow.principal = participant(101)
    with pytest.raises(Conflict, match="not searched"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)
    for command in (
        ask_for_match(AskForMatch(participation(102), participation(1)), uow),
        start_search(StartSearch(participation(102)), uow),
    ):
        with pytest.raises(NotVisible):
            await command


async def test_searches_have_a_pause_and_grow_old() -> None:
    uow = self_mode(1, 1)
    await searched(uow, 101)
    with pytest.raises(Conflict, match="just searched"):
        await start_search(StartSearch(participation(101)), uow)
    uow.later(days=7)
    with pytest.raises(Conflict, match="too old"):
        await ask_for_match(AskForMatch(participation(101), participation(1)), uow)
    first = await start_search(StartSearch(participation(101)), uow)
    assert await start_search(StartSearch(participation(101)), uow) is first


@pytest.mark.requirement("R0-30")
async def test_a_search_shows_the_best_first_coarsely_and_when_somebody_was_last_active() -> None:
    uow = self_mode(2, 1)
    uow.known_participations.put(known_participation(1, Role.MENTOR, offers={"technology.ai": 1}, sequence=2))
    uow.searches.active = {participation(2): date(2025, 2, 6)}
    search = await searched(uow, 101)
    assert found(search) == [participation(2), participation(1)]
    best, other = search.found
    assert (best.last_active_week, other.last_active_week) == (date(2025, 2, 3), None)
    assert all(part % 100 == 0 for part in (*best.parts.values(), *other.parts.values()))
    assert (best.offers, best.shared_languages) == ({"technology.ai": 5}, ("en",))
    assert set(best.__slots__) == {
        "participation_id", "offers", "asks", "shared_languages", "parts", "words", "last_active_week",
    }  # fmt: skip


async def test_equal_fits_are_ordered_by_the_published_rule_not_by_chance_nor_by_id() -> None:
    everybody = [mentor(number) for number in range(1, 30)]
    cohort = snapshot(mentee(101), mentee(102), *everybody)
    shuffled = snapshot(mentee(102), mentee(101), *everybody[::-1])
    orders = []
    for world in (cohort, shuffled):
        for own in sorted(world.mentees, key=lambda one: one.participation_id):
            listed = suitable_for(own, world, HardRules(world), most=MOST_FOUND)
            orders.append([one.participation_id for one in listed])
    assert orders[:2] == orders[2:]
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])
    assert (
        suitable_for(cohort.mentees[0], cohort, HardRules(cohort), most=3)
        == suitable_for(cohort.mentees[0], cohort, HardRules(cohort), most=MOST_FOUND)[:3]
    )


async def test_a_fit_that_is_shown_does_not_tell_what_the_other_has_ranked() -> None:
    rules = replace(RULES, weights=replace(RULES.weights, preferences=50))
    plain = snapshot(mentee(101), mentor(1), mentor(2), rules=rules)

    def listed(world: Snapshot) -> list[Suitable]:
        return suitable_for(world.mentees[0], world, HardRules(world), most=9)

    best, last = (one.participation_id for one in listed(plain))
    wishes = {last: (participation(101),), best: (participation(102),)}
    ranking = replace(plain, mentors=tuple(replace(one, ranked=wishes[one.participation_id]) for one in plain.mentors))
    assert [one.participation_id for one in listed(ranking)] == [last, best]
    assert listed(as_browsed(ranking)) == listed(plain)
    assert all("preferences" not in one.parts for one in listed(ranking))


async def test_a_line_over_many_levels_hides_somebody() -> None:
    world = snapshot(
        mentee(101),
        mentor(1),
        lines=(Line(person(1), person(7)), Line(person(7), person(8)), Line(person(8), person(101))),
    )
    assert suitable_for(world.mentees[0], world, HardRules(world), most=9) == []
