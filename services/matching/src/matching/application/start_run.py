"""A program manager asks for a match run; a worker will execute it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, InvalidInput, NotVisible
from contracts.identifiers import uuid7

from matching.application.ports import MatchingUnitOfWork
from matching.application.quota_size import require_size_for_quotas
from matching.domain.match_run import MatchRun, RunState

LEAST_DEADLINE, MOST_DEADLINE = 5, 3600
"""Seconds a run may be given."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Match the admitted people of a cohort.

    `keep` names a run whose proposals are kept where that covers as many people. `deadline_seconds` bounds how long is
    solved; without it until the optimum is proven.
    """

    cohort_id: UUID
    keep: UUID | None = None
    deadline_seconds: int | None = None


async def start_run(command: StartRun, uow: MatchingUnitOfWork) -> MatchRun:
    """Queue a run. Only the cohort's owner may: a unit that is merely named on it finds no such cohort to run.

    :raises NotVisible: no such cohort of the principal's unit.
    :raises InvalidInput: `keep` is no run of the cohort that has proposals.
    :raises Conflict: the cohort is not being matched, a run of it is under way, or it is too large for its quotas.
    """
    cohort = await uow.known_cohorts.get(command.cohort_id)
    if cohort is None or cohort.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such cohort")
    if cohort.state not in ("matching", "active"):
        raise Conflict(
            f"The cohort is {cohort.state}; it can be matched once enrollment has closed and until its evaluation."
        )
    runs = await uow.runs.of_cohort(cohort.cohort_id)
    if any(run.is_open for run in runs):
        raise Conflict("A run of this cohort is under way.", remedy="Wait until it has completed.")
    if command.keep is not None and not any(
        run.run_id == command.keep and run.state in (RunState.COMPLETED, RunState.RELEASED) for run in runs
    ):
        raise InvalidInput(
            "There is no such completed run of the cohort.", field="keep", remedy="Name a run of the cohort or none."
        )
    quotas = await uow.quotas.of_cohort(cohort.cohort_id)
    if quotas:
        require_size_for_quotas(quotas, await uow.known_participations.of_cohort(cohort.cohort_id))
    run = MatchRun(
        run_id=uuid7(),
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=cohort.named_unit_ids,
        requested_at=uow.now,
        requested_by=uow.principal.subject,
        keep_run_id=command.keep,
        deadline_seconds=command.deadline_seconds,
    )
    uow.runs.add(run)
    uow.audit("start-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run
