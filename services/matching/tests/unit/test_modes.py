"""Ranked preferences, quotas, the review of proposals, what-ifs: what may be decided, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, PreconditionFailed, Principal
from matching.application.answer_searches import answers_to, claim_searches, finish_searches
from matching.application.cancel_run import CancelRun, cancel_run
from matching.application.execute_run import read_input
from matching.application.rank_people import RankPeople, rank_people
from matching.application.review_proposal import ReviewProposal, review_proposal
from matching.application.set_quotas import SetQuotas, set_quotas
from matching.application.start_run import StartRun, start_run
from matching.application.start_search import StartSearch, start_search
from matching.application.start_what_if import StartWhatIf, start_what_if
from matching.domain import quota as quota_rules
from matching.domain.facts import Quota, Role, Weights
from matching.domain.match_run import MatchRun, RunState
from matching.domain.pair import Fit, Member, Pair, PairState
from matching.domain.pair_review import RejectionReason, ReviewVerdict
from matching.domain.quota import UNIT_PLACES, UNIT_PLACES_AT_MENTEE, TooManyPairs, quota_of_kind
from matching.domain.rules import HardRules, Rule
from matching.domain.run_input import RunInput
from matching.domain.scoring import Overlap, score_pair
from matching.domain.what_if import Changes, ContradictsRule, Scored, compared, locked_in, with_changes
from matching.entrypoints.mode_schedule import drafted
from matching.settings import Settings

from .fakes import (
    COHORT,
    MANAGER,
    NOW,
    PROGRAM,
    FakeUnitOfWork,
    cohort_of,
    known_participation,
    known_person,
    participant,
)
from .worlds import OTHER_UNIT, RULES, UNIT, mentee, mentor, participation, person, snapshot

ALL = tuple(participation(number) for number in range(1, 8))


async def hybrid(mentors: int, mentees: int) -> FakeUnitOfWork:
    """A hybrid cohort in which mentee 101 has searched and acts."""
    uow = cohort_of(mentors, mentees)
    held = uow.known_programs.held
    held[PROGRAM] = replace(held[PROGRAM], mode="hybrid")
    uow.principal = participant(101)
    await start_search(StartSearch(participation(101)), uow)
    claimed = await claim_searches(uow)
    assert claimed is not None
    await finish_searches(claimed, answers_to(claimed), uow)
    return uow


async def test_somebody_ranks_people_and_thinks_again() -> None:
    uow = await hybrid(3, 1)
    await rank_people(RankPeople(participation(101), ALL[:2][::-1]), uow)
    assert await uow.preferences.of_cohort(COHORT) == {participation(101): (ALL[1], ALL[0])}
    changed = await rank_people(RankPeople(participation(101), ALL[2:3], expected=1), uow)
    assert (changed.ranked, changed.version) == (ALL[2:3], 2)
    with pytest.raises(PreconditionFailed):
        await rank_people(RankPeople(participation(101), (), expected=1), uow)
    await rank_people(RankPeople(participation(101), ()), uow)
    assert await uow.preferences.of_cohort(COHORT) == {}


@pytest.mark.requirement("S6")
async def test_only_so_many_each_once_and_only_for_oneself() -> None:
    uow = await hybrid(7, 2)
    with pytest.raises(InvalidInput, match="too many"):
        await rank_people(RankPeople(participation(101), ALL[:6]), uow)
    with pytest.raises(InvalidInput, match="twice"):
        await rank_people(RankPeople(participation(101), (ALL[0], ALL[0])), uow)
    with pytest.raises(NotVisible):
        await rank_people(RankPeople(participation(102), ALL[:1]), uow)
    assert uow.preferences.held == {}


@pytest.mark.requirement("R3-25")
async def test_nobody_ranks_whom_a_rule_excludes_and_it_looks_as_if_there_were_no_such_person() -> None:
    uow = cohort_of(2, 1)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(101))
    held = uow.known_programs.held
    held[PROGRAM] = replace(held[PROGRAM], mode="hybrid")
    uow.principal = participant(101)
    await start_search(StartSearch(participation(101)), uow)
    claimed = await claim_searches(uow)
    assert claimed is not None
    await finish_searches(claimed, answers_to(claimed), uow)
    for nobody in (participation(1), UUID(int=4711), participation(101)):
        with pytest.raises(NotVisible, match="no such participation"):
            await rank_people(RankPeople(participation(101), (nobody,)), uow)


async def test_a_program_without_preferences_takes_none() -> None:
    uow = await hybrid(1, 1)
    (search,) = uow.searches.held.values()
    assert search.terms is not None
    search.terms = replace(search.terms, mode="self")
    with pytest.raises(Conflict, match="not ranked"):
        await rank_people(RankPeople(participation(101), ALL[:1]), uow)


def test_a_preference_never_overrides_a_rule() -> None:
    """The complaint: a preference that silently lets through what a rule forbids."""
    rules = replace(RULES, weights=Weights(1, 0, 0, 0, 0, preferences=1000))
    world = snapshot(
        mentor(1, team="red", ranked=(participation(101),)),
        mentor(2),
        mentee(101, team="red", ranked=(participation(1),)),
        rules=rules,
    )
    hard = HardRules(world)
    assert hard.judge(world.mentors[0], world.mentees[0]).broken == (Rule.SAME_TEAM,)
    assert hard.judge(world.mentors[1], world.mentees[0]).allowed
    overlap = Overlap({"en": 5}, 480)
    dear, other = (score_pair(one, world.mentees[0], overlap, rules).total for one in world.mentors)
    assert dear > other


@pytest.mark.parametrize(
    ("kind", "with_mentee", "field"),
    [
        ("grade_places", False, "quotas/3/kind"),
        ("unit_mentees", True, "quotas/3/kind"),
        (UNIT_PLACES, True, "quotas/3/mentee_participation_id"),
        (UNIT_PLACES_AT_MENTEE, False, "quotas/3/mentee_participation_id"),
    ],
)
def test_any_other_quota_is_refused_with_the_reason(kind: str, with_mentee: bool, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        quota_of_kind(3, kind, UNIT, 2, participation(101) if with_mentee else None)
    assert refusal.value.field == field
    assert refusal.value.remedy


@pytest.mark.requirement("N14")
async def test_quotas_are_set_for_units_and_mentees_of_the_cohort_alone() -> None:
    uow = cohort_of(1, 1, named_unit_ids=(UNIT, OTHER_UNIT))
    wanted = (
        quota_of_kind(0, UNIT_PLACES, OTHER_UNIT, 2, None),
        quota_of_kind(1, UNIT_PLACES_AT_MENTEE, UNIT, 1, participation(101)),
    )
    await set_quotas(SetQuotas(COHORT, wanted), uow)
    assert await uow.quotas.of_cohort(COHORT) == wanted
    for refused, field in (
        ((Quota(UUID(int=77), 1),), "quotas/0/unit_id"),
        ((Quota(UNIT, 1, participation(1)),), "quotas/0/mentee_participation_id"),
        ((Quota(UNIT, 1), Quota(UNIT, 2)), "quotas/1"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await set_quotas(SetQuotas(COHORT, refused), uow)
        assert refusal.value.field == field
    uow.principal = Principal("other", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await set_quotas(SetQuotas(COHORT, ()), uow)
    assert await uow.quotas.of_cohort(COHORT) == wanted


@pytest.mark.requirement("N14")
async def test_a_cohort_too_large_for_quotas_is_refused_before_a_worker_lists_all_its_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uow = cohort_of(3, 2)
    limits = (Quota(UNIT, 2),)
    monkeypatch.setattr(quota_rules, "MOST_PAIRS_WITH_QUOTAS", 5)
    with pytest.raises(Conflict, match="at most 5 possible pairs; this cohort has 6") as refused:
        await set_quotas(SetQuotas(COHORT, limits), uow)
    assert refused.value.remedy == "Take the quotas off, or match in cohorts of fewer people."
    monkeypatch.setattr(quota_rules, "MOST_PAIRS_WITH_QUOTAS", 6)
    await set_quotas(SetQuotas(COHORT, limits), uow)
    run = await start_run(StartRun(COHORT), uow)
    await cancel_run(CancelRun(run.run_id), uow)
    uow.known_participations.put(known_participation(103, Role.MENTEE))
    with pytest.raises(Conflict, match="this cohort has 9"):
        await start_run(StartRun(COHORT), uow)
    await set_quotas(SetQuotas(COHORT, ()), uow)
    assert (await start_run(StartRun(COHORT), uow)).version == 0


async def test_who_joins_between_the_request_and_the_run_does_not_make_it_too_large_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uow = cohort_of(3, 2)
    await set_quotas(SetQuotas(COHORT, (Quota(UNIT, 2),)), uow)
    run = await start_run(StartRun(COHORT), uow)
    monkeypatch.setattr(quota_rules, "MOST_PAIRS_WITH_QUOTAS", 5)
    with pytest.raises(TooManyPairs):
        await read_input(run, uow)


def one_proposal() -> tuple[FakeUnitOfWork, MatchRun, Pair]:
    """A completed run with one proposal."""
    uow = cohort_of(1, 1)
    run = MatchRun(UUID(int=0xF0), COHORT, PROGRAM, UNIT, (UNIT,), NOW, state=RunState.COMPLETED)
    pair = Pair(
        UUID(int=0xF1), run.run_id, COHORT, PROGRAM, UNIT, (UNIT,),
        Member(person(1), participation(1)), Member(person(101), participation(101)),
        Fit(500, {}, (), ("en",), 300, 6, ()),
    )  # fmt: skip
    uow.runs.held[run.run_id] = run
    uow.pairs.held[pair.pair_id] = pair
    return uow, run, pair


@pytest.mark.requirement("R0-31")
async def test_a_proposal_is_locked_rejected_and_reopened() -> None:
    uow, run, pair = one_proposal()
    key = [(participation(1), participation(101))]

    async def standing() -> tuple[object, object]:
        return await uow.locks.of_cohort(COHORT), await uow.rejections.of_cohort(COHORT)

    await review_proposal(ReviewProposal(run.run_id, pair.pair_id, ReviewVerdict.LOCKED), uow)
    assert await standing() == (key, [])
    rejected = ReviewProposal(run.run_id, pair.pair_id, ReviewVerdict.REJECTED, RejectionReason.TOO_CLOSE)
    for _ in range(2):
        await review_proposal(rejected, uow)
    assert await standing() == ([], key)
    await review_proposal(ReviewProposal(run.run_id, pair.pair_id, None), uow)
    assert await standing() == ([], [])
    assert uow.actions == ["review-proposal"] * 3


async def test_a_released_proposal_and_one_of_another_unit_are_not_reviewed() -> None:
    uow, run, pair = one_proposal()
    lock = ReviewProposal(run.run_id, pair.pair_id, ReviewVerdict.LOCKED)
    with pytest.raises(NotVisible):
        await review_proposal(replace(lock, run_id=UUID(int=3)), uow)
    uow.principal = Principal("other", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await review_proposal(lock, uow)
    uow.principal = MANAGER
    pair.state = PairState.RELEASED
    with pytest.raises(Conflict, match="released"):
        await review_proposal(lock, uow)
    assert uow.reviews.held == {}


@pytest.mark.requirement("R0-31", "N4")
async def test_a_what_if_is_asked_of_a_run_with_proposals_and_names_people_of_the_cohort() -> None:
    uow, run, _ = one_proposal()
    pair = participation(1), participation(101)
    made = await start_what_if(StartWhatIf(run.run_id, Changes(lock=(pair,), minimum_grade_gap=2)), uow)
    assert uow.what_ifs.held[made.what_if_id].changes.lock == (pair,)
    for changes, field in (
        (Changes(), ""),
        (Changes(lock=(pair[::-1],)), "lock/0"),
        (Changes(forbid=(pair, (pair[0], UUID(int=9)))), "forbid/1"),
        (Changes(lock=(pair,), forbid=(pair,)), "forbid"),
        (Changes(capacities={UUID(int=9): 1}), "capacities"),
        (Changes(quotas=(Quota(UUID(int=9), 1),)), "quotas/0/unit_id"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await start_what_if(StartWhatIf(run.run_id, changes), uow)
        assert refusal.value.field == field
    run.state = RunState.RUNNING
    with pytest.raises(Conflict, match="running"):
        await start_what_if(StartWhatIf(run.run_id, Changes(minimum_grade_gap=2)), uow)


WORLD = snapshot(
    mentor(1, places=2), mentor(2, business_unit_id=OTHER_UNIT), mentee(101), mentee(102), quotas=(Quota(UNIT, 2),)
)
PAIR = participation(1), participation(101)


def test_a_locked_pair_takes_its_places_and_its_share_of_a_quota_and_is_proposed_no_more() -> None:
    locked = locked_in(WORLD, [PAIR])
    assert [(one.participation_id, one.free_places) for one in (*locked.snapshot.mentors, *locked.snapshot.mentees)] == [
        (participation(1), 1), (participation(2), 1), (participation(101), 0), (participation(102), 1),
    ]  # fmt: skip
    assert locked.snapshot.quotas == (Quota(UNIT, 1),)
    assert [one.key for one in locked.locked] == [PAIR]
    verdict = HardRules(locked.snapshot).judge(locked.snapshot.mentors[0], locked.snapshot.mentees[0])
    assert Rule.EXCLUDED in verdict.broken


@pytest.mark.parametrize(
    ("world", "pairs"),
    [
        (snapshot(mentor(1, team="red"), mentee(101, team="red")), [PAIR]),
        (snapshot(mentor(1), mentor(2), mentee(101)), [PAIR, (participation(2), participation(101))]),
        (snapshot(mentor(1), mentee(101), quotas=(Quota(UNIT, 0),)), [PAIR]),
        (snapshot(mentor(1), mentee(101)), [(participation(1), UUID(int=9))]),
    ],
)
def test_a_lock_never_overrides_a_rule(world: object, pairs: list[tuple[UUID, UUID]]) -> None:
    with pytest.raises(ContradictsRule):
        locked_in(world, pairs)  # type: ignore[arg-type]


def test_changes_are_made_to_what_the_run_was_given() -> None:
    given = locked_in(WORLD, [PAIR])
    unchanged = with_changes(given.snapshot, [PAIR], Changes())
    assert (unchanged.snapshot, unchanged.locked) == (given.snapshot, given.locked)
    other = participation(1), participation(102)
    changed = with_changes(
        given.snapshot,
        [PAIR],
        Changes(
            lock=(other,),
            forbid=((participation(2), participation(102)),),
            weights=replace(RULES.weights, hours=3),
            minimum_grade_gap=4,
            capacities={participation(102): 2},
            quotas=(Quota(UNIT, 3),),
        ),
    ).snapshot
    assert (changed.rules.minimum_grade_gap, changed.rules.weights.hours) == (4, 3)
    assert [one.free_places for one in (*changed.mentors, *changed.mentees)] == [0, 1, 0, 1]
    assert changed.quotas == (Quota(UNIT, 1),)
    assert (person(2), person(102)) in changed.excluded


@pytest.mark.parametrize(
    "changes", [Changes(forbid=(PAIR,)), Changes(minimum_grade_gap=7), Changes(capacities={participation(101): 0})]
)
def test_changes_that_break_a_standing_lock_are_refused(changes: Changes) -> None:
    with pytest.raises(ContradictsRule):
        with_changes(locked_in(WORLD, [PAIR]).snapshot, [PAIR], changes)


@pytest.mark.requirement("N4")
def test_a_draft_is_compared_with_its_run() -> None:
    one, two, three, four = (UUID(int=number) for number in range(1, 5))
    base = [Scored(one, three, 700), Scored(two, four, 300)]
    draft = [Scored(one, three, 700), Scored(one, four, 450)]
    found = compared(base, draft)
    assert found["base"] == {"coverage": 4, "floor": 300, "fit": 1000, "pairs": 2}
    assert found["draft"] == {"coverage": 3, "floor": 450, "fit": 1150, "pairs": 2}
    assert (found["added"], found["removed"]) == (1, 1)
    assert found["pairs_added"] == [
        {"mentor_participation_id": str(one), "mentee_participation_id": str(four), "score": 450}
    ]
    assert compared([], [])["draft"] == {"coverage": 0, "floor": 0, "fit": 0, "pairs": 0}


@pytest.mark.requirement("R0-31", "N4")
def test_a_draft_is_solved_as_the_run_was_with_what_is_locked_in_it(tmp_path: Path) -> None:
    (tmp_path / "matching_certificate_key").write_text("a key of this test")
    settings = Settings(secrets=tmp_path)
    world = snapshot(
        mentor(1, offers={"technology.ai": 5}), mentor(2, offers={"technology.ai": 1}), mentee(101), mentee(102)
    )
    given = locked_in(world, [PAIR])
    content = RunInput(given.snapshot, (PAIR,)).content

    def pairs(changes: Changes) -> set[tuple[UUID, UUID]]:
        return {one.key for one in drafted(lambda stage, share: None, settings, content, changes)}

    other = participation(2), participation(102)
    assert pairs(Changes(lock=(other,))) == {PAIR, other}
    assert pairs(Changes(forbid=(other,))) == {PAIR}
    with pytest.raises(ContradictsRule):
        pairs(Changes(forbid=(PAIR,)))
