"""Runs: asked for by the owner, executed under a lease, released once, only while the cohort is what the run saw."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, Principal
from contracts.matching import MatchRunCompleted, RunOutcome
from matching.application.approve_run import ApproveRun, approve_run
from matching.application.cancel_run import CancelRun, cancel_run
from matching.application.execute_run import (
    TakenOver,
    begin_run,
    clear_cancelled,
    finish_run,
    give_up_run,
    keep_run,
    read_input,
)
from matching.application.facts import run_facts
from matching.application.release_run import ReleaseRun, release_all, release_run
from matching.application.replay_run import replay_run
from matching.application.start_run import StartRun, start_run
from matching.application.views import run_view
from matching.domain import match_run
from matching.domain.facts import Role
from matching.domain.match_run import RunState
from matching.domain.pair import PairState
from matching.domain.run_input import input_of

from .fakes import COHORT, NOW, cohort_of, ended, known_participation, known_person
from .run_fakes import claim, completed, matched, released, solve, transactions
from .worlds import OTHER_UNIT, UNIT, participation, person


@pytest.mark.requirement("R0-31", "R2-10")
async def test_a_run_goes_from_the_request_to_released_proposals() -> None:
    uow = cohort_of(1, 1)
    run = await completed(uow, COHORT)
    (pair,) = uow.pairs.held.values()
    assert (run.state, pair.state, uow.named("PairProposed")) == (RunState.COMPLETED, PairState.PROPOSED, [])
    (told,) = uow.named("MatchRunCompleted")
    assert (told.outcome, told.proposals, told.possible_pairs) == (RunOutcome.OPTIMAL, 1, 1)
    assert told.objective_levels[:2] == (2, 1000)
    await release_run(ReleaseRun(run.run_id), uow)
    assert [(type(one.event).__name__, one.sequence) for one in uow.published] == [
        ("MatchRunCompleted", 1), ("MatchRunReleased", 2), ("PairProposed", 1)
    ]  # fmt: skip
    (proposed,) = uow.named("PairProposed")
    assert (proposed.mentor_id, proposed.mentee_id) == (person(1), person(101))
    assert (proposed.expires_at - proposed.proposed_at).days == 14
    assert uow.actions == ["start-run", "release-run"]


@pytest.mark.requirement("R0-31")
async def test_a_run_of_more_pairs_than_the_contract_counts_is_published() -> None:
    uow = cohort_of(1, 1)
    run = await completed(uow, COHORT)
    assert run.result is not None
    run.result = replace(
        run.result, possible_pairs=2_500_000_000, allowed_pairs=45_744_247, excluded={"direction": 2_454_255_753}
    )
    told = run_facts(MatchRunCompleted, run)
    assert (told.possible_pairs, told.allowed_pairs) == (10_000_000, 10_000_000)
    assert (told.all_possible_pairs, told.all_allowed_pairs) == (2_500_000_000, 45_744_247)
    assert [(one.pairs, one.all_pairs) for one in told.excluded] == [(10_000_000, 2_454_255_753)]


async def test_only_the_owner_of_the_cohort_runs_and_releases() -> None:
    uow = cohort_of(1, 1, named_unit_ids=(UNIT, OTHER_UNIT))
    run = await completed(uow, COHORT)
    uow.principal = Principal("guest", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await start_run(StartRun(COHORT), uow)
    with pytest.raises(NotVisible):
        await release_run(ReleaseRun(run.run_id), uow)


@pytest.mark.parametrize("state", ["enrolling", "evaluating", "closed"])
async def test_a_cohort_is_matched_only_in_its_time(state: str) -> None:
    with pytest.raises(Conflict, match=state):
        await start_run(StartRun(COHORT), cohort_of(1, 1, state=state))


async def test_one_open_run_per_cohort() -> None:
    uow = cohort_of(1, 1)
    await start_run(StartRun(COHORT), uow)
    with pytest.raises(Conflict, match="under way"):
        await start_run(StartRun(COHORT), uow)


async def test_a_worker_that_died_is_replaced_and_its_result_comes_too_late() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    first = await claim(uow)
    assert await begin_run(uow) is None
    assert await keep_run(first, uow)
    uow.runs.leases[run.run_id] = 0
    second = await claim(uow)
    assert (first.attempt, second.attempt) == (1, 2)
    assert not await keep_run(first, uow)
    with pytest.raises(TakenOver):
        await solve(first, uow)
    result = await solve(second, uow)
    assert not await finish_run(first, result, uow)
    assert not await give_up_run(first, "SolverDied", uow)
    assert await finish_run(second, result, uow)
    assert not await finish_run(second, result, uow)
    assert len(uow.pairs.held) == len(uow.published) == 1


async def test_a_run_waits_for_facts_that_were_published_before_it() -> None:
    uow = cohort_of(1, 1)
    await start_run(StartRun(COHORT), uow)
    uow.runs.waited = 0.5
    assert await begin_run(uow, settle_seconds=1.0) is None
    uow.runs.waited = 1.0
    assert await begin_run(uow, settle_seconds=1.0) is not None


async def test_a_run_that_fails_three_times_says_so() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    for _ in range(2):
        assert await give_up_run(await claim(uow), "Unsolvable", uow)
        assert run.state is RunState.QUEUED
    assert await give_up_run(await claim(uow), "Unsolvable", uow)
    assert run.state is RunState.FAILED
    (told,) = uow.named("MatchRunCompleted")
    assert told.outcome is RunOutcome.FAILED
    with pytest.raises(Conflict, match="failed"):
        await release_run(ReleaseRun(run.run_id), uow)
    await start_run(StartRun(COHORT), uow)


async def test_an_empty_cohort_has_nothing_to_match() -> None:
    uow = cohort_of(2, 0)
    await released(uow, COHORT)
    (told,) = uow.named("MatchRunCompleted")
    assert (told.outcome, told.unmatched_mentors) == (RunOutcome.NOTHING_TO_MATCH, 2)


async def test_a_run_is_released_once_and_only_the_youngest() -> None:
    uow = cohort_of(1, 1)
    first = await completed(uow, COHORT)
    second = await completed(uow, COHORT)
    with pytest.raises(Conflict, match="younger"):
        await release_run(ReleaseRun(first.run_id), uow)
    await release_run(ReleaseRun(second.run_id), uow)
    with pytest.raises(Conflict, match="already"):
        await release_run(ReleaseRun(second.run_id), uow)
    assert len(uow.named("PairProposed")) == 1


async def test_an_unfinished_run_is_not_released() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    with pytest.raises(Conflict, match="queued"):
        await release_run(ReleaseRun(run.run_id), uow)


@pytest.mark.requirement("I6")
async def test_who_has_withdrawn_since_stops_the_release() -> None:
    uow = cohort_of(1, 1)
    run = await completed(uow, COHORT)
    uow.known_participations.put(known_participation(1, Role.MENTOR, state="withdrawn", sequence=2))
    with pytest.raises(Conflict, match="no more"):
        await release_run(ReleaseRun(run.run_id), uow)
    assert uow.named("PairProposed") == []


@pytest.mark.requirement("I6")
async def test_a_lowered_capacity_stops_the_release() -> None:
    uow = cohort_of(1, 2)
    uow.known_participations.put(known_participation(1, Role.MENTOR, capacity=2, sequence=2))
    run = await completed(uow, COHORT)
    uow.known_participations.put(known_participation(1, Role.MENTOR, capacity=1, sequence=3))
    with pytest.raises(Conflict, match="no free place"):
        await release_run(ReleaseRun(run.run_id), uow)


async def test_a_second_run_leaves_released_proposals_alone_and_fills_what_is_free() -> None:
    uow = cohort_of(2, 1)
    await released(uow, COHORT)
    uow.known_people.held[person(102)] = known_person(102, grade_rank=8)
    uow.known_participations.put(known_participation(102, Role.MENTEE))
    before = set(uow.pairs.held)
    await released(uow, COHORT)
    added = [pair for key, pair in uow.pairs.held.items() if key not in before]
    assert len(added) == 1
    taken = [member.participation_id for pair in uow.pairs.held.values() for member in (pair.mentor, pair.mentee)]
    assert len(taken) == len(set(taken)) == 4


async def test_a_dissolved_pair_frees_its_places_but_is_not_proposed_again() -> None:
    uow = cohort_of(2, 1)
    await released(uow, COHORT)
    (pair,) = uow.pairs.held.values()
    pair.accept(Role.MENTOR, NOW)
    assert pair.accept(Role.MENTEE, NOW)
    await released(uow, COHORT)
    assert len(uow.pairs.held) == 1
    uow.known_pairs.put(ended(pair))
    await released(uow, COHORT)
    (again,) = [other for other in uow.pairs.held.values() if other is not pair]
    assert again.mentee.person_id == pair.mentee.person_id
    assert again.mentor.person_id != pair.mentor.person_id


@pytest.mark.requirement("R3-25")
async def test_whose_superiors_are_unknown_takes_no_part_and_is_waited_for() -> None:
    uow = cohort_of(1, 1)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(500))
    uow.known_people.held[person(500)] = known_person(500, manager_id=person(600))
    run = await start_run(StartRun(COHORT), uow)
    uow.runs.waited = 1.0
    assert await begin_run(uow) is None
    uow.runs.waited = 60.0
    claimed = await claim(uow)
    assert await finish_run(claimed, await solve(claimed, uow), uow)
    given = await uow.run_records.get(run.run_id, "input")
    assert given is not None
    assert input_of(given).snapshot.without_facts == {participation(1): Role.MENTOR}
    assert run.result is not None
    reasons = {item["participation_id"]: item["reason"] for item in run.result.unmatched}
    assert reasons[str(participation(1))] == "facts_missing"


@pytest.mark.requirement("R3-25")
async def test_the_chain_above_is_read_to_the_top() -> None:
    uow = cohort_of(1, 1)
    for number, superior in ((1, 500), (500, 600), (600, 101)):
        uow.known_people.held[person(number)] = known_person(number, manager_id=person(superior))
    await completed(uow, COHORT)
    assert uow.pairs.held == {}
    (told,) = uow.named("MatchRunCompleted")
    assert {(count.rule.value, count.pairs) for count in told.excluded} == {("reporting_chain", 1)}


@pytest.mark.requirement("R3-25", "I6")
async def test_who_changes_while_the_cohort_is_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    remember, changes = uow.runs.remember_facts, iter([known_person(1, grade_rank=3, sequence=9)])

    async def overtaken(run_id: UUID, people: Collection[UUID], mark: int) -> None:
        await remember(run_id, people, mark)
        uow.known_people.held.update({changed.person_id: changed for changed in changes})

    monkeypatch.setattr(uow.runs, "remember_facts", overtaken)
    claimed = await claim(uow)
    assert await finish_run(claimed, await solve(claimed, uow), uow)
    given = await uow.run_records.get(run.run_id, "input")
    assert given is not None
    assert [one.grade_rank for one in input_of(given).snapshot.mentors] == [3]
    assert not run.outdated


async def test_only_who_was_admitted_takes_part() -> None:
    uow = cohort_of(1, 1)
    for number, state in ((102, "waitlisted"), (103, "screened"), (104, "declined")):
        uow.known_people.held[person(number)] = known_person(number, grade_rank=8)
        uow.known_participations.put(known_participation(number, Role.MENTEE, state=state))
    run = await start_run(StartRun(COHORT), uow)
    given = (await read_input(run, uow)).given
    assert [candidate.participation_id for candidate in given.snapshot.mentees] == [participation(101)]


async def test_the_units_of_both_people_are_named_on_their_pair_and_the_longer_floor_counts() -> None:
    uow = cohort_of(1, 1, named_unit_ids=(UNIT, OTHER_UNIT, person(7)))
    uow.known_people.held[person(101)] = replace(uow.known_people.held[person(101)], business_unit_id=OTHER_UNIT)
    uow.known_participations.put(known_participation(101, Role.MENTEE, cadence_floor_days=30, sequence=2))
    uow.known_participations.put(known_participation(1, Role.MENTOR, cadence_floor_days=21, sequence=2))
    await released(uow, COHORT)
    (proposed,) = uow.named("PairProposed")
    assert (proposed.business_unit_id, set(proposed.named_unit_ids)) == (UNIT, {UNIT, OTHER_UNIT})
    assert proposed.cadence_floor_days == 30


async def test_a_cancelled_run_leaves_nothing_and_makes_room_for_another() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    claimed = await claim(uow)
    result = await solve(claimed, uow)
    assert await cancel_run(CancelRun(run.run_id), uow) is run
    await cancel_run(CancelRun(run.run_id), uow)
    assert uow.actions == ["start-run", "cancel-run"]
    assert not await keep_run(claimed, uow)
    assert not await finish_run(claimed, result, uow)
    await clear_cancelled(claimed, uow)
    assert uow.pairs.held == {}
    assert uow.published == []
    fresh = await completed(uow, COHORT)
    assert (await release_run(ReleaseRun(fresh.run_id), uow)).state is RunState.RELEASED
    with pytest.raises(Conflict, match="released"):
        await cancel_run(CancelRun(fresh.run_id), uow)
    uow.principal = Principal("guest", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await cancel_run(CancelRun(fresh.run_id), uow)


async def test_a_cancelled_younger_run_does_not_keep_an_older_one_from_its_release() -> None:
    uow = cohort_of(1, 1)
    older = await completed(uow, COHORT)
    younger = await start_run(StartRun(COHORT), uow)
    await cancel_run(CancelRun(younger.run_id), uow)
    assert (await release_run(ReleaseRun(older.run_id), uow)).state is RunState.RELEASED


async def test_how_far_a_run_is_can_be_seen() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    claimed = await claim(uow)
    heard: list[str] = []
    await solve(claimed, uow, lambda stage, share: heard.append(stage))
    assert heard[-1] == "storing"
    assert await keep_run(claimed, uow, ("solve", 250))
    assert uow.runs.progress[run.run_id] == ("solve", 250)


@pytest.mark.requirement("N4")
async def test_a_bounded_run_is_released_only_after_somebody_else_has_approved_it() -> None:
    uow = cohort_of(2, 2)
    run = await completed(uow, COHORT)
    assert run.result is not None
    with pytest.raises(Conflict, match="proven"):
        await approve_run(ApproveRun(run.run_id), uow)
    run.result = replace(run.result, outcome=match_run.RunOutcome.BOUNDED)
    with pytest.raises(Conflict, match="deadline"):
        await release_run(ReleaseRun(run.run_id), uow)
    await approve_run(ApproveRun(run.run_id), uow)
    with pytest.raises(Conflict, match="You have approved"):
        await release_run(ReleaseRun(run.run_id), uow)
    uow.principal = Principal("another manager", None, UNIT, frozenset({"program_manager"}))
    assert (await release_run(ReleaseRun(run.run_id), uow)).state is RunState.RELEASED
    assert uow.actions == ["start-run", "approve-run", "release-run"]
    (told,) = uow.named("MatchRunReleased")
    assert told.outcome is RunOutcome.FEASIBLE


@pytest.mark.requirement("F21")
async def test_a_large_run_is_released_by_a_worker_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_run, "RELEASED_AT_ONCE", 2)
    uow = cohort_of(3, 3)
    run = await completed(uow, COHORT)
    assert (await release_run(ReleaseRun(run.run_id), uow)).state is RunState.RELEASING
    assert {pair.state for pair in uow.pairs.held.values()} == {PairState.PROPOSED}
    assert uow.named("PairProposed") == []
    with pytest.raises(Conflict, match="already"):
        await release_run(ReleaseRun(run.run_id), uow)
    with pytest.raises(Conflict, match="under way"):
        await start_run(StartRun(COHORT), uow)
    uow.runs.leases[run.run_id] = 0
    claimed = await claim(uow)
    assert claimed.releasing
    assert await release_all(claimed, transactions(uow))
    assert run.state is RunState.RELEASED
    assert len(uow.named("PairProposed")) == 3
    with pytest.raises(TakenOver):
        await release_all(claimed, transactions(uow))
    assert len(uow.named("PairProposed")) == 3


@pytest.mark.requirement("I6")
async def test_a_large_release_that_came_too_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_run, "RELEASED_AT_ONCE", 2)
    uow = cohort_of(3, 3)
    run = await completed(uow, COHORT)
    await release_run(ReleaseRun(run.run_id), uow)
    uow.known_participations.put(known_participation(1, Role.MENTOR, state="withdrawn", sequence=2))
    uow.runs.leases[run.run_id] = 0
    assert not await release_all(await claim(uow), transactions(uow))
    assert (run.state, run.outdated, uow.named("PairProposed")) == (RunState.COMPLETED, True, [])


@pytest.mark.requirement("I6")
async def test_what_changes_while_a_run_is_solved_outdates_it() -> None:
    uow = cohort_of(1, 1)
    run = await start_run(StartRun(COHORT), uow)
    claimed = await claim(uow)
    result = await solve(claimed, uow)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(101), sequence=2)
    assert await finish_run(claimed, result, uow)
    assert run.outdated


@pytest.mark.requirement("N4", "N3")
async def test_a_run_can_be_had_again_from_what_it_was_given_until_somebody_is_erased() -> None:
    uow = cohort_of(3, 2)
    run = await completed(uow, COHORT)
    given = await uow.run_records.get(run.run_id, "input")
    assert given is not None

    async def certify(content: bytes) -> bytes:
        return matched(input_of(content)).certificate.content

    again = await replay_run(run_view(run), given, certify)
    assert (again.replayable, again.identical) == (True, True)
    assert again.replayed_hash == run_view(run).certificate_hash
    other = given.replace(b'"grade_rank":8', b'"grade_rank":9')
    assert (await replay_run(run_view(run), other, certify)).identical is False
    await uow.run_records.erase([person(101)])
    erased = await replay_run(run_view(run), await uow.run_records.get(run.run_id, "input"), certify)
    assert (erased.replayable, erased.identical) == (False, None)


async def test_a_rematch_keeps_what_it_can_and_says_what_that_costs() -> None:
    uow = cohort_of(4, 3)
    first = await completed(uow, COHORT)
    before = {(pair.mentor.person_id, pair.mentee.person_id) for pair in uow.pairs.held.values()}
    gone = next(iter(uow.pairs.held.values()))
    number = gone.mentor.participation_id.int - participation(0).int
    uow.known_participations.put(known_participation(number, Role.MENTOR, state="withdrawn", sequence=2))
    second = await completed(uow, COHORT, keep=first.run_id)
    after = {
        (pair.mentor.person_id, pair.mentee.person_id)
        for pair in uow.pairs.held.values()
        if pair.run_id == second.run_id
    }
    assert len(after & before) == 2
    assert len(after) == 3
    assert second.result is not None
    rematch = second.result.certificate["rematch"]
    assert (rematch["previous"], rematch["kept"], rematch["score_lost"]) == (3, 2, 0)
    with pytest.raises(InvalidInput):
        await start_run(StartRun(COHORT, keep=UNIT), uow)
