"""A program manager releases a run: from here on both people of each proposal are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.matching import MatchRunReleased, PairProposed

from matching.application.facts import publish_pair, publish_run
from matching.application.ports import MatchingUnitOfWork
from matching.application.take_snapshot import places_taken
from matching.domain.match_run import MatchRun
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
    run.release(newest=runs[0].run_id == run.run_id, now=uow.now)
    pairs = await uow.pairs.of_run(run.run_id)
    await _check_places(run, pairs, uow)
    for pair in pairs:
        pair.release(uow.now, program.acceptance_days)
    uow.runs.save(run)
    await uow.pairs.save_all(pairs)
    publish_run(MatchRunReleased, run, uow)
    for pair in pairs:
        publish_pair(PairProposed, pair, uow)
    uow.audit("release-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run


async def _check_places(run: MatchRun, pairs: Sequence[Pair], uow: MatchingUnitOfWork) -> None:
    participations = {one.participation_id: one for one in await uow.known_participations.of_cohort(run.cohort_id)}
    used = places_taken(await uow.pairs.standing(run.cohort_id)) + Counter(
        member.participation_id for pair in pairs for member in (pair.mentor, pair.mentee)
    )
    for pair in pairs:
        for member in (pair.mentor, pair.mentee):
            participation = participations.get(member.participation_id)
            if participation is None or not participation.may_be_matched:
                raise Conflict("Somebody proposed by the run takes part no more.", remedy="Start a new run.")
            if used[member.participation_id] > participation.capacity:
                raise Conflict("Somebody proposed by the run has no free place left.", remedy="Start a new run.")
