"""A second program manager approves a waiver, and answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.access import actor
from matching.application.ports import MatchingUnitOfWork
from matching.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class ApproveWaiver:
    """Let the waiver count."""

    waiver_id: UUID


async def approve_waiver(command: ApproveWaiver, uow: MatchingUnitOfWork) -> Waiver:
    """From here on the rules do not count for the two; the guard reinstates a pair that was paused for nothing else.

    :raises NotVisible: no such waiver of the principal's unit.
    :raises Conflict: see `Waiver.approve`.
    """
    waiver = await uow.waivers.get(command.waiver_id)
    if waiver is None:
        raise NotVisible("no such waiver")
    waiver.approve(actor(uow), uow.now)
    uow.waivers.save(waiver)
    await uow.guard.mark(waiver.mentor_id, waiver.mentee_id, uow.now)
    uow.audit(
        "approve-waiver",
        subject_id=waiver.waiver_id,
        business_unit_id=waiver.business_unit_id,
        after={"rules": [rule.value for rule in waiver.rules], "requested_by": waiver.requested_by.subject},
    )
    return waiver
