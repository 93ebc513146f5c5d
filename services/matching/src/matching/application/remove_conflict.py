"""A program manager takes an entry out of the register of conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import MatchingUnitOfWork
from matching.domain.registered_conflict import RegisteredConflict


@dataclass(frozen=True, slots=True)
class RemoveConflict:
    """Let the two be paired again, as far as this entry goes."""

    conflict_id: UUID


async def remove_conflict(command: RemoveConflict, uow: MatchingUnitOfWork) -> RegisteredConflict:
    """End the entry; the guard lets a pair go on that was paused for nothing else.

    :raises NotVisible: the unit has no such entry.
    """
    entry = await uow.conflicts.get(command.conflict_id)
    if entry is None:
        raise NotVisible("no such conflict")
    uow.conflicts.remove(entry, uow.now)
    await uow.guard.mark(*entry.people, uow.now)
    uow.audit(
        "remove-conflict",
        subject_id=entry.conflict_id,
        business_unit_id=entry.business_unit_id,
        before={"people": entry.people, "reason": entry.reason.value},
    )
    return entry
