"""A program manager gives a run up before it has a result."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.domain.match_run import MatchRun


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Stop a queued or running run."""

    run_id: UUID


async def cancel_run(command: CancelRun, uow: MatchingUnitOfWork) -> MatchRun:
    """Cancel the run; the worker that solves it notices within a second and stops.

    :raises NotVisible: no such run of the principal's unit.
    :raises Conflict: it has a result, or has failed.
    """
    run = await uow.runs.get(command.run_id)
    if run is None or run.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such run")
    if run.cancel():
        uow.runs.save(run)
        uow.audit("cancel-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run
