"""Erasure of a person: what names them and what they declared goes, what statistics need stays under the opaque id (GDPR, article 17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ErasureReason(StrEnum):
    """Why a person is erased; details are kept nowhere."""

    OWN_REQUEST = "own_request"
    LEFT_COMPANY = "left_company"
    RETENTION_ENDED = "retention_ended"
    WRONGLY_HELD = "wrongly_held"


@dataclass(slots=True)
class Erasure:
    """An erasure that was asked for; `erased_at` says when it was done. A person is erased once."""

    person_id: UUID
    business_unit_id: UUID
    reason: ErasureReason
    requested_at: datetime
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What is kept of a person who was erased. Superiors only while somebody's own line runs through the person."""

    person_id: UUID
    business_unit_id: UUID
    grade: str
    grade_rank: int
    manager_id: UUID | None
    dotted_line_manager_ids: tuple[UUID, ...]
    version: int
