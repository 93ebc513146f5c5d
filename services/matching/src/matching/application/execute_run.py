"""A worker executes a run in steps, each a short transaction of its own, none of them open while solving.

`begin_run` claims a run, and a release that is to be carried out, under a lease; `keep_run` renews the lease and notes
how far it is; `finish_run` or `give_up_run` stores what came of it, if the worker still holds the run. Between them
`solve_run` reads, solves and writes the proposals, in a process of its own: nobody sees them before `finish_run`. A
worker that dies leaves a lease that runs out, and another takes the run on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.identifiers import uuid7
from contracts.matching import MatchRunCompleted

from matching.application.facts import publish_run
from matching.application.ports import MatchingUnitOfWork, Report
from matching.application.take_snapshot import read_snapshot
from matching.domain.canonical import canonical_json, sha256_hex
from matching.domain.explained_pairs import ProposedPair
from matching.domain.explanation import Unmatched
from matching.domain.facts import Role
from matching.domain.match_run import MatchRun, RunOutcome, RunResult, RunState
from matching.domain.pair import Fit, MatchedTopic, Member, Pair
from matching.domain.quota import check_size_with_quotas
from matching.domain.run_input import RunInput, packed, with_locks
from matching.domain.run_matching import Outcome

LEASE_SECONDS = 20.0
FACTS_PATIENCE_SECONDS = 20.0
PAIRS_AT_ONCE = 5000
MOST_READINGS = 3
"""How often a cohort is read when somebody in it changes every time; then the run is out of date when it completes."""
UNMATCHED_SHOWN = 100
_RUNS_LOOKED_AT = 10

Transactions = Callable[[], AbstractAsyncContextManager[MatchingUnitOfWork]]
"""Opens a unit of work that is committed when its block ends without an error."""

Matching = Callable[[RunInput, int | None, bytes | None], Outcome]
"""What makes a certified result of an input, within a number of seconds where there is one; it may begin from what an
earlier run has left.
"""


class TakenOver(Exception):
    """The run is not this worker's any more: it was cancelled, or another has taken it on."""


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this worker may execute, or release, in this attempt only."""

    run_id: UUID
    attempt: int
    releasing: bool = False


async def begin_run(uow: MatchingUnitOfWork, *, settle_seconds: float = 0.0) -> ClaimedRun | None:
    """Claim the oldest run that is due; None when there is none.

    A run waits for `settle_seconds` of real time first: what was published before it was asked for may still be on its
    way. A run of a cohort whose facts are still arriving waits for them, at most `FACTS_PATIENCE_SECONDS` after it was
    asked for.
    """
    for run, waited in await uow.runs.due(_RUNS_LOOKED_AT):
        if run.state is RunState.RELEASING:
            run.begin_release()
            uow.runs.save(run)
            await uow.runs.lease(run, LEASE_SECONDS)
            return ClaimedRun(run.run_id, run.attempts, releasing=True)
        if waited < settle_seconds:
            continue
        program = await uow.known_programs.get(run.program_id)
        if program is None or await uow.known_cohorts.get(run.cohort_id) is None:
            continue
        if waited < FACTS_PATIENCE_SECONDS and await uow.runs.facts_missing(run.cohort_id):
            continue
        run.begin(settings_version=program.settings_version)
        uow.runs.save(run)
        await uow.runs.lease(run, LEASE_SECONDS)
        return ClaimedRun(run.run_id, run.attempts)
    return None


async def keep_run(claimed: ClaimedRun, uow: MatchingUnitOfWork, progress: tuple[str, int] = ("queued", 0)) -> bool:
    """Renew the lease and note how far it is; False when the run was taken over or cancelled."""
    return await uow.runs.keep(claimed.run_id, claimed.attempt, LEASE_SECONDS, progress)


async def solve_run(
    claimed: ClaimedRun, transactions: Transactions, matching: Matching, report: Report | None = None
) -> RunResult:
    """Read, solve and write the proposals; what is to be said of the result. `report` hears how far it is.

    :raises TakenOver: the run is not this worker's any more; what was written is removed by whoever has it.
    """
    said = report or (lambda stage, share: None)
    began = time.perf_counter()
    run, read_in = await _read(claimed, transactions)
    read = time.perf_counter()
    outcome = matching(read_in.given, run.deadline_seconds, read_in.start)
    said("storing", 0)
    solved = time.perf_counter()
    async with transactions() as uow:
        await _held(claimed, uow)
        await uow.run_records.clear(run.run_id)
        await uow.run_records.put(run, "input", outcome.input)
        await uow.run_records.put(run, "proof", packed(outcome.proof.content))
        await uow.run_records.put(run, "start", packed(outcome.start))
        await uow.run_records.add_unmatched(run, outcome.unmatched)
    async with transactions() as uow:
        floors = await uow.known_participations.cadence_floors(run.cohort_id)
    for first in range(0, len(outcome.pairs), PAIRS_AT_ONCE):
        made = [_pair(run, proposed, floors) for proposed in outcome.pairs[first : first + PAIRS_AT_ONCE]]
        async with transactions() as uow:
            await _held(claimed, uow)
            await uow.pairs.add_all(made)
        said("storing", 1000 * (first + len(made)) // len(outcome.pairs))
    timings = {"read": _milliseconds(read - began), **outcome.timings}
    return _result(outcome, {**timings, "store": _milliseconds(time.perf_counter() - solved)})


@dataclass(frozen=True, slots=True)
class ReadInput:
    """What a run may know, and what an earlier one has left for it. `people` are all whose facts are in it, `mark` the sum of
    the sequences they were read with.
    """

    given: RunInput
    start: bytes | None
    people: Sequence[UUID]
    mark: int


async def _read(claimed: ClaimedRun, transactions: Transactions) -> tuple[MatchRun, ReadInput]:
    """The claimed run and what it may know, read once more when somebody changed meanwhile.

    The run is not locked while a hundred thousand people are read: its lease must be renewed, and a transaction that
    has a number holds back the relay.
    """
    async with transactions() as uow:
        run = await _held(claimed, uow)
    for attempt in range(1, MOST_READINGS + 1):
        async with transactions() as uow:
            found = await read_input(run, uow)
        async with transactions() as uow:
            await _held(claimed, uow)
            await uow.runs.remember_facts(run.run_id, found.people, found.mark)
            if attempt == MOST_READINGS or not await uow.runs.facts_changed(run.run_id):
                break
    return run, found


async def read_input(run: MatchRun, uow: MatchingUnitOfWork) -> ReadInput:
    """What a run may know now.

    :raises TakenOver: nothing is known of its cohort or program any more.
    :raises TooManyPairs: people have joined since the run was asked for, and it is too large for the cohort's quotas now.
    """
    cohort = await uow.known_cohorts.get(run.cohort_id)
    program = await uow.known_programs.get(run.program_id)
    if cohort is None or program is None:
        raise TakenOver
    keep = run.keep_run_id
    previous = None if keep is None else await uow.pairs.proposed_by(keep)
    start = None if keep is None else await uow.run_records.get(keep, "start")
    snapshot, mark = await read_snapshot(cohort, program, uow, previous=previous)
    if snapshot.quotas:
        check_size_with_quotas(len(snapshot.mentors), len(snapshot.mentees))
    given = with_locks(snapshot, await uow.locks.of_cohort(run.cohort_id))
    return ReadInput(given, start, [line.person_id for line in snapshot.lines], mark)


async def finish_run(claimed: ClaimedRun, result: RunResult, uow: MatchingUnitOfWork) -> bool:
    """Complete the run, whose proposals are written; False, and nothing stored, when it was taken over or cancelled."""
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt):
        return False
    run.complete(result, uow.now, outdated=await uow.runs.facts_changed(run.run_id))
    uow.runs.save(run)
    publish_run(MatchRunCompleted, run, uow)
    return True


async def give_up_run(claimed: ClaimedRun, reason: str, uow: MatchingUnitOfWork) -> bool:
    """The attempt had no result: put the run back into the queue, or fail it for good. False when it was taken over.

    `reason` is the name of the error, without any value. A release that was not carried out is tried again later.
    """
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt) or claimed.releasing:
        return False
    if not run.try_again():
        run.fail(_failure(reason), uow.now)
        publish_run(MatchRunCompleted, run, uow)
    uow.runs.save(run)
    return True


async def clear_cancelled(claimed: ClaimedRun, uow: MatchingUnitOfWork) -> None:
    """Remove what was written of a run that was cancelled meanwhile."""
    run = await uow.runs.get(claimed.run_id)
    if run is not None and run.state is RunState.CANCELLED:
        await uow.run_records.clear(run.run_id)


async def _held(claimed: ClaimedRun, uow: MatchingUnitOfWork) -> MatchRun:
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt):
        raise TakenOver
    return run


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _result(outcome: Outcome, timings: Mapping[str, int]) -> RunResult:
    counts = outcome.counts
    if counts.mentors == 0 or counts.mentees == 0:
        came_to = RunOutcome.NOTHING_TO_MATCH
    else:
        came_to = RunOutcome.OPTIMAL if outcome.proven else RunOutcome.BOUNDED
    return RunResult(
        outcome=came_to,
        input_hash=outcome.input_hash,
        certificate=outcome.certificate.body,
        certificate_hash=outcome.certificate.digest,
        unmatched=[_unmatched(item) for item in outcome.unmatched[:UNMATCHED_SHOWN]],
        timings=timings,
        mentors=counts.mentors,
        mentees=counts.mentees,
        possible_pairs=counts.possible_pairs,
        allowed_pairs=counts.allowed_pairs,
        excluded={rule.value: pairs for rule, pairs in counts.broken.items() if pairs},
        proposals=counts.pairs,
        unmatched_mentors=counts.unmatched_mentors,
        unmatched_mentees=counts.unmatched_mentees,
        objective=outcome.objective,
        blocking=[[str(mentor), str(mentee)] for mentor, mentee in outcome.blocking[:UNMATCHED_SHOWN]],
    )


def _failure(reason: str) -> RunResult:
    certificate = {"status": "failed", "reason": reason}
    digest = sha256_hex(canonical_json(certificate))
    return RunResult(
        outcome=RunOutcome.FAILED,
        input_hash=digest,
        certificate=certificate,
        certificate_hash=digest,
        unmatched=[],
        timings={},
        mentors=0,
        mentees=0,
        possible_pairs=0,
        allowed_pairs=0,
        excluded={},
        proposals=0,
        unmatched_mentors=0,
        unmatched_mentees=0,
        objective=(),
    )


def _unmatched(item: Unmatched) -> Mapping[str, Any]:
    return {
        "participation_id": str(item.participation_id),
        "role": item.role.value,
        "reason": item.reason.value,
        "considered": item.considered,
        "allowed": item.allowed,
        "broken": {rule.value: count for rule, count in sorted(item.broken.items())},
    }


def _pair(run: MatchRun, proposed: ProposedPair, floors: Mapping[UUID, int]) -> Pair:
    sides = (proposed.mentor, proposed.mentee)
    units = {run.business_unit_id, *(side.business_unit_id for side in sides)}
    return Pair(
        pair_id=uuid7(),
        run_id=run.run_id,
        cohort_id=run.cohort_id,
        program_id=run.program_id,
        business_unit_id=run.business_unit_id,
        named_unit_ids=tuple(sorted(units)),
        mentor=Member(proposed.mentor.person_id, proposed.mentor.participation_id),
        mentee=Member(proposed.mentee.person_id, proposed.mentee.participation_id),
        fit=_fit(proposed),
        cadence_floor_days=_floor([floors.get(side.participation_id) for side in sides]),
    )


def _floor(floors: Sequence[int | None]) -> int | None:
    """The longer of the floors the two have set."""
    return max((floor for floor in floors if floor is not None), default=None)


def _fit(proposed: ProposedPair) -> Fit:
    score = proposed.score
    taught = ((Role.MENTOR, score.reasons_to_mentee), (Role.MENTEE, score.reasons_to_mentor))
    return Fit(
        score=score.total,
        parts=score.parts,
        topics=tuple(
            MatchedTopic(reason.asked, teacher, reason.offered_level, reason.asked_level)
            for teacher, reasons in taught
            for reason in reasons
        ),
        shared_languages=proposed.shared_languages,
        overlap_minutes=proposed.overlap_minutes,
        grade_gap=proposed.grade_gap,
        words=proposed.words,
    )
