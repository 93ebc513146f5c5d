"""A program manager registers that two people must not be paired."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.identifiers import uuid7

from matching.application.access import own_unit
from matching.application.ports import MatchingUnitOfWork
from matching.domain.registered_conflict import ConflictReason, RegisteredConflict


@dataclass(frozen=True, slots=True)
class RegisterConflict:
    """Keep these two apart; at least one of them belongs to the principal's unit."""

    person_id: UUID
    other_id: UUID
    reason: ConflictReason


async def register_conflict(command: RegisterConflict, uow: MatchingUnitOfWork) -> RegisteredConflict:
    """Put it into the register of the unit: from here on no run pairs the two, a proposal to them cannot be accepted, and the
    guard examines what stands between them already.

    Whether the second person exists is not said: they may belong to another unit.
    :raises NotVisible: neither of the two is a person of the unit.
    :raises InvalidInput: they are one person.
    """
    unit = own_unit(uow)
    entry = RegisteredConflict.between(
        command.person_id,
        command.other_id,
        conflict_id=uuid7(),
        business_unit_id=unit,
        reason=command.reason,
        now=uow.now,
    )
    if not await uow.conflicts.knows_one_of(entry.people):
        raise NotVisible("no such person")
    uow.conflicts.add(entry)
    await uow.guard.mark(*entry.people, uow.now)
    await uow.guard.outdate(*entry.people)
    await uow.requests.uncheck(entry.people)
    uow.audit(
        "register-conflict",
        subject_id=entry.conflict_id,
        business_unit_id=unit,
        after={"people": entry.people, "reason": entry.reason.value},
    )
    return entry
