"""Somebody who answers for a unit's people has a person erased. The worker does it: it alone reaches what other units hold of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.erasures import Erasure, ErasureReason


@dataclass(frozen=True, slots=True)
class RequestErasure:
    """Whom, of which unit, and why."""

    person_id: UUID
    unit_id: UUID
    reason: ErasureReason


async def request_erasure(command: RequestErasure, uow: EnrollmentUnitOfWork) -> Erasure:
    """Note and audit the request; asked again, it is the first one. NotVisible when the unit has no such person."""
    if not await uow.erasures.has_person(command.person_id, command.unit_id):
        raise NotVisible("no such person")
    erasure = Erasure(command.person_id, command.unit_id, command.reason, uow.now)
    if not await uow.erasures.add(erasure):
        return await uow.erasures.of_person(command.person_id) or erasure
    uow.audit(
        "request-erasure",
        subject_id=erasure.person_id,
        business_unit_id=erasure.business_unit_id,
        after={"reason": erasure.reason.value},
    )
    return erasure
