"""A worker executes a run in three steps, each a short transaction of its own, none of them open while solving.

`begin_run` claims a run under a lease and reads the snapshot; `keep_run` renews the lease; `finish_run` or
`give_up_run` stores what came of it, if the worker still holds the run. A worker that dies leaves a lease that runs
out, and another takes the run on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.identifiers import uuid7
from contracts.matching import MatchRunCompleted

from matching.application.facts import publish_run
from matching.application.ports import KnownParticipation, MatchingUnitOfWork
from matching.application.take_snapshot import take_snapshot
from matching.domain.canonical import canonical_json, input_hash, sha256_hex
from matching.domain.explanation import Unmatched
from matching.domain.facts import Role, Snapshot
from matching.domain.match_run import MatchRun, RunOutcome, RunResult
from matching.domain.pair import Fit, MatchedTopic, Member, Pair
from matching.domain.run_matching import Outcome, ProposedPair

LEASE_SECONDS = 20.0
FACTS_PATIENCE_SECONDS = 20.0
_RUNS_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this worker may execute, in this attempt only."""

    run_id: UUID
    attempt: int
    snapshot: Snapshot


async def begin_run(uow: MatchingUnitOfWork, *, settle_seconds: float = 0.0) -> ClaimedRun | None:
    """Claim the oldest run that is due; None when there is none.

    A run waits for `settle_seconds` of real time first: what was published before it was asked for may still be on its
    way. A run of a cohort whose facts are still arriving waits for them, at most `FACTS_PATIENCE_SECONDS` after it was
    asked for.
    """
    for run, waited in await uow.runs.due(_RUNS_LOOKED_AT):
        if waited < settle_seconds:
            continue
        cohort = await uow.known_cohorts.get(run.cohort_id)
        program = await uow.known_programs.get(run.program_id)
        if cohort is None or program is None:
            continue
        snapshot = await take_snapshot(cohort, program, uow)
        if snapshot.without_facts and waited < FACTS_PATIENCE_SECONDS:
            continue
        run.begin(
            settings_version=program.settings_version,
            people=[line.person_id for line in snapshot.lines],
        )
        uow.runs.save(run)
        await uow.runs.lease(run, LEASE_SECONDS)
        return ClaimedRun(run.run_id, run.attempts, snapshot)
    return None


async def keep_run(claimed: ClaimedRun, uow: MatchingUnitOfWork) -> bool:
    """Renew the lease; False when the run was taken over."""
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt):
        return False
    await uow.runs.lease(run, LEASE_SECONDS)
    return True


async def finish_run(claimed: ClaimedRun, outcome: Outcome, uow: MatchingUnitOfWork) -> bool:
    """Store proposals, explanations and certificate; False, and nothing stored, when the run was taken over."""
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt):
        return False
    participations = {one.participation_id: one for one in await uow.known_participations.of_cohort(run.cohort_id)}
    pairs = [_pair(run, proposed, participations) for proposed in outcome.pairs]
    run.complete(_result(outcome), uow.now)
    uow.runs.save(run)
    await uow.pairs.add_all(pairs)
    publish_run(MatchRunCompleted, run, uow)
    return True


async def give_up_run(claimed: ClaimedRun, reason: str, uow: MatchingUnitOfWork) -> bool:
    """The attempt had no result: put the run back into the queue, or fail it for good. False when it was taken over.

    `reason` is the name of the error, without any value.
    """
    run = await uow.runs.get(claimed.run_id)
    if run is None or not run.held_by(claimed.attempt):
        return False
    if not run.try_again():
        run.fail(_failure(claimed.snapshot, reason), uow.now)
        publish_run(MatchRunCompleted, run, uow)
    uow.runs.save(run)
    return True


def _result(outcome: Outcome) -> RunResult:
    counts = outcome.counts
    nothing = counts.mentors == 0 or counts.mentees == 0
    return RunResult(
        outcome=RunOutcome.NOTHING_TO_MATCH if nothing else RunOutcome.OPTIMAL,
        input_hash=outcome.input_hash,
        certificate=outcome.certificate.body,
        certificate_hash=outcome.certificate.digest,
        proof=outcome.proof.document(),
        unmatched=[_unmatched(item) for item in outcome.unmatched],
        timings=outcome.timings,
        mentors=counts.mentors,
        mentees=counts.mentees,
        possible_pairs=counts.possible_pairs,
        allowed_pairs=counts.allowed_pairs,
        excluded={rule.value: pairs for rule, pairs in counts.broken.items() if pairs},
        proposals=counts.pairs,
        unmatched_mentors=counts.unmatched_mentors,
        unmatched_mentees=counts.unmatched_mentees,
        objective=outcome.objective,
    )


def _failure(snapshot: Snapshot, reason: str) -> RunResult:
    certificate = {"status": "failed", "reason": reason, "input_hash": input_hash(snapshot)}
    return RunResult(
        outcome=RunOutcome.FAILED,
        input_hash=certificate["input_hash"],
        certificate=certificate,
        certificate_hash=sha256_hex(canonical_json(certificate)),
        proof={},
        unmatched=[],
        timings={},
        mentors=len(snapshot.mentors),
        mentees=len(snapshot.mentees),
        possible_pairs=len(snapshot.mentors) * len(snapshot.mentees),
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
        "words": list(item.words),
    }


def _pair(run: MatchRun, proposed: ProposedPair, participations: Mapping[UUID, KnownParticipation]) -> Pair:
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
        cadence_floor_days=_floor([participations[side.participation_id] for side in sides]),
    )


def _floor(participations: Sequence[KnownParticipation]) -> int | None:
    """The longer of the floors the two have set."""
    return max((one.cadence_floor_days for one in participations if one.cadence_floor_days is not None), default=None)


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
