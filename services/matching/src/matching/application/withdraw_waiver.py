"""A program manager withdraws a waiver, or the request for one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class WithdrawWaiver:
    """Let the waiver count no more."""

    waiver_id: UUID


async def withdraw_waiver(command: WithdrawWaiver, uow: MatchingUnitOfWork) -> Waiver:
    """From here on the rules count again: runs that relied on it cannot be released, and the guard judges the pair anew.

    :raises NotVisible: no such waiver of the principal's unit.
    """
    waiver = await uow.waivers.get(command.waiver_id)
    if waiver is None:
        raise NotVisible("no such waiver")
    before = waiver.state
    if waiver.withdraw(uow.now):
        await uow.guard.mark(waiver.mentor_id, waiver.mentee_id, uow.now)
        await uow.guard.outdate(waiver.mentor_id, waiver.mentee_id)
        await uow.requests.uncheck((waiver.mentor_id, waiver.mentee_id))
    if waiver.state is not before:
        uow.waivers.save(waiver)
        uow.audit(
            "withdraw-waiver",
            subject_id=waiver.waiver_id,
            business_unit_id=waiver.business_unit_id,
            before={"state": before.value},
            after={"state": waiver.state.value},
        )
    return waiver
