"""What the peers' routes take and answer: the same fields as ours, as one would write them in a plain FastAPI application."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from enrollment.domain.program_settings import ProgramSettings, plain_settings
from pydantic import BaseModel, Field


class ProgramIn(BaseModel):
    """A program to propose."""

    title: str = Field(min_length=1, max_length=120)
    settings: dict[str, Any] = Field(default_factory=dict)


class ProgramOut(BaseModel):
    """A program."""

    program_id: UUID
    business_unit_id: UUID
    title: str
    state: str
    settings: dict[str, Any]
    settings_version: int
    charter: None = None
    sponsor_id: UUID | None = None
    facilitator_ids: list[UUID]
    version: int


class MeetingIn(BaseModel):
    """A meeting that took place."""

    held_at: datetime
    minutes: int = Field(ge=1, le=600)
    channel: str


class MeetingOut(BaseModel):
    """A meeting."""

    meeting_id: UUID
    version: int
    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    state: str
    scheduled_for: datetime | None = None
    held_at: datetime
    minutes: int
    channel: str
    cancelled_by: str | None = None


UNIT = UUID("01990c3e-0000-7000-8000-000000000001")
PROGRAM = UUID("01990c3e-0000-7000-8000-000000000002")
COHORT = UUID("01990c3e-0000-7000-8000-000000000003")

_DEFAULTS = plain_settings(ProgramSettings())


def program_row(body: ProgramIn, program_id: UUID) -> dict[str, Any]:
    """The row of a proposed program."""
    return {
        "program_id": program_id,
        "business_unit_id": UNIT,
        "title": body.title,
        "state": "proposed",
        "settings": _DEFAULTS | body.settings,
        "settings_version": 1,
        "charter": None,
        "sponsor_id": None,
        "facilitator_ids": [],
        "version": 1,
    }


def meeting_row(body: MeetingIn, pair_id: UUID, meeting_id: UUID) -> dict[str, Any]:
    """The row of a meeting that was held."""
    return {
        "meeting_id": meeting_id,
        "pair_id": pair_id,
        "business_unit_id": UNIT,
        "named_unit_ids": [UNIT],
        "program_id": PROGRAM,
        "cohort_id": COHORT,
        "state": "held",
        "scheduled_for": None,
        "held_at": body.held_at,
        "minutes": body.minutes,
        "channel": body.channel,
        "cancelled_by": None,
        "version": 1,
    }
