"""A registered conflict of interest: two people who must not be paired, whatever the organisation says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.ports import InvalidInput


class ConflictReason(StrEnum):
    """Why two people must not be paired. A code only: there is nowhere to write down what happened."""

    FAMILY = "family"
    FORMER_CONFLICT = "former_conflict"
    COMMERCIAL = "commercial"
    INVESTIGATION = "investigation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RegisteredConflict:
    """An entry of a business unit's register. `lower_id` is less than `higher_id`: the order says nothing about the two."""

    conflict_id: UUID
    business_unit_id: UUID
    lower_id: UUID
    higher_id: UUID
    reason: ConflictReason
    registered_at: datetime

    @classmethod
    def between(
        cls, one: UUID, other: UUID, *, conflict_id: UUID, business_unit_id: UUID, reason: ConflictReason, now: datetime
    ) -> RegisteredConflict:
        """An entry about two people, in whichever order they are named.

        :raises InvalidInput: they are one person.
        """
        if one == other:
            raise InvalidInput("A conflict is between two people.", field="other_id", remedy="Name another person.")
        return cls(conflict_id, business_unit_id, min(one, other), max(one, other), reason, now)

    @property
    def people(self) -> tuple[UUID, UUID]:
        """Both, the lower id first."""
        return self.lower_id, self.higher_id
