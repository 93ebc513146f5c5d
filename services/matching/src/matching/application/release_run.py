"""A program manager releases a run: from here on both people of each proposal are asked.

More proposals than a request can publish are released by a worker, all in one transaction: what takes long, making the
events, is done before it begins, so that nobody ever sees half of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.matching import MatchRunReleased, PairProposed

from matching.application.execute_run import ClaimedRun, TakenOver, Transactions
from matching.application.facts import pair_facts, publish_pair, publish_run
from matching.application.ports import KnownProgram, MatchingUnitOfWork
from matching.application.take_snapshot import places_of, places_taken
from matching.domain.match_run import MatchRun, RunState
from matching.domain.pair import Pair


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """Publish the proposals of a run."""

    run_id: UUID


async def release_run(command: ReleaseRun, uow: MatchingUnitOfWork) -> MatchRun:
    """Release the youngest completed run of a cohort, if the cohort still is what the run saw.

    :raises NotVisible: no such run of the principal's unit.
    :raises Conflict: see `MatchRun.release`; or somebody proposed takes part no more or has no free place left.
    """
    found = await uow.runs.get(command.run_id)
    if found is None or found.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such run")
    # Holding every run of the cohort keeps a second release and a new run out until this one is committed.
    runs = await uow.runs.of_cohort(found.cohort_id)
    run = await uow.runs.get(command.run_id)
    program = await uow.known_programs.get(found.program_id)
    if run is None or program is None:
        raise NotVisible("no such run")
    run.release(newest=_is_newest(run, runs), now=uow.now, subject=uow.principal.subject)
    if run.state is RunState.RELEASED:
        await uow.places.hold(run.cohort_id)
        pairs = await uow.pairs.of_run(run.run_id)
        await _check_places(run, program, pairs, uow)
        for pair in pairs:
            pair.release(uow.now, program.acceptance_days)
        await uow.pairs.save_all(pairs)
        publish_run(MatchRunReleased, run, uow)
        for pair in pairs:
            publish_pair(PairProposed, pair, uow)
    else:
        # The lease of the worker that solved it may still run; the release need not wait for its end.
        await uow.runs.lease(run, 0.0)
    uow.runs.save(run)
    uow.audit("release-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run


async def release_all(claimed: ClaimedRun, transactions: Transactions) -> bool:
    """Carry out a release that was asked for; False when it is refused: the run is what it was, and out of date.

    :raises TakenOver: the release is not this worker's any more.
    """
    async with transactions() as uow:
        run, program = await _claimed(claimed, uow)
        pairs = [replace(pair) for pair in await uow.pairs.of_run(run.run_id)]
    released_at = run.released_at
    if released_at is None:
        raise TakenOver
    for pair in pairs:
        pair.release(released_at, program.acceptance_days)
    events = [(pair_facts(PairProposed, pair), pair.version) for pair in pairs]
    async with transactions() as uow:
        run, _ = await _claimed(claimed, uow)
        await uow.places.hold(run.cohort_id)
        try:
            if run.outdated:
                raise Conflict("Somebody has changed since the release was asked for.", remedy="Start a new run.")
            await _check_places(run, program, pairs, uow)
        except Conflict:
            run.release_refused()
            uow.runs.save(run)
            return False
        expires_at = released_at + timedelta(days=program.acceptance_days)
        if await uow.pairs.release_all(run.run_id, released_at, expires_at) != len(pairs):
            raise TakenOver
        run.released_in_full()
        publish_run(MatchRunReleased, run, uow)
        for event, version in events:
            uow.publish(event, sequence=version)
        uow.runs.save(run)
    return True


async def _claimed(claimed: ClaimedRun, uow: MatchingUnitOfWork) -> tuple[MatchRun, KnownProgram]:
    run = await uow.runs.get(claimed.run_id)
    program = None if run is None else await uow.known_programs.get(run.program_id)
    if run is None or program is None or run.state is not RunState.RELEASING or not run.held_by(claimed.attempt):
        raise TakenOver
    return run, program


def _is_newest(run: MatchRun, runs: Sequence[MatchRun]) -> bool:
    """Whether no younger run of the cohort counts; `runs` are all of it, the youngest first."""
    counting = [other for other in runs if other.state is not RunState.CANCELLED]
    return bool(counting) and counting[0].run_id == run.run_id


async def _check_places(run: MatchRun, program: KnownProgram, pairs: Sequence[Pair], uow: MatchingUnitOfWork) -> None:
    participations = {one.participation_id: one for one in await uow.known_participations.of_cohort(run.cohort_id)}
    used = places_taken(await uow.pairs.standing(run.cohort_id)) + Counter(
        member.participation_id for pair in pairs for member in (pair.mentor, pair.mentee)
    )
    for pair in pairs:
        for member in (pair.mentor, pair.mentee):
            participation = participations.get(member.participation_id)
            if participation is None or not participation.may_be_matched:
                raise Conflict("Somebody proposed by the run takes part no more.", remedy="Start a new run.")
            if used[member.participation_id] > places_of(participation, program.mentors_per_mentee):
                raise Conflict("Somebody proposed by the run has no free place left.", remedy="Start a new run.")
