"""A second program manager approves that a run without a proven optimum is released."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.domain.match_run import MatchRun


@dataclass(frozen=True, slots=True)
class ApproveRun:
    """Approve the release of a bounded run."""

    run_id: UUID


async def approve_run(command: ApproveRun, uow: MatchingUnitOfWork) -> MatchRun:
    """Note the approval; whoever gives it cannot release the run as well.

    :raises NotVisible: no such run of the principal's unit.
    :raises Conflict: the run is not completed, or its optimum is proven.
    """
    run = await uow.runs.get(command.run_id)
    if run is None or run.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such run")
    if run.approve(uow.principal.subject):
        uow.runs.save(run)
        uow.audit("approve-run", subject_id=run.run_id, business_unit_id=run.business_unit_id)
    return run
