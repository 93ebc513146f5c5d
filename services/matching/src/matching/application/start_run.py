"""A program manager asks for a match run; a worker will execute it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.identifiers import uuid7

from matching.application.ports import MatchingUnitOfWork
from matching.domain.match_run import MatchRun


@dataclass(frozen=True, slots=True)
class StartRun:
    """Match the admitted people of a cohort."""

    cohort_id: UUID


async def start_run(command: StartRun, uow: MatchingUnitOfWork) -> MatchRun:
    """Queue a run. Only the cohort's owner may: a unit that is merely named on it finds no such cohort to run.

    :raises NotVisible: no such cohort of the principal's unit.
    :raises Conflict: the cohort is not being matched, or a run of it is under way.
    """
    cohort = await uow.known_cohorts.get(command.cohort_id)
    if cohort is None or cohort.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such cohort")
    if cohort.state not in ("matching", "active"):
        raise Conflict(
            f"The cohort is {cohort.state}; it can be matched once enrollment has closed and until its evaluation."
        )
    if any(run.is_open for run in await uow.runs.of_cohort(cohort.cohort_id)):
        raise Conflict("A run of this cohort is under way.", remedy="Wait until it has completed.")
    run = MatchRun(
        run_id=uuid7(),
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=cohort.named_unit_ids,
        requested_at=uow.now,
    )
    uow.runs.add(run)
    uow.audit("start-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run
