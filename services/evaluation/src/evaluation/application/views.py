"""What can be looked at: waves, the meetings of a cohort, its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import Principal

from evaluation.domain.instruments import Role, WaveKind
from evaluation.domain.report import CohortReport
from evaluation.domain.waves import WaveState

__all__ = [
    "AskedItem", "CohortMeetings", "CohortReport", "EvaluationViews", "MeetingView", "ReportView", "Role", "WaveKind",
    "WaveState", "WaveView",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskedItem:
    """An item in the words of each role."""

    code: str
    family: str
    to_mentor: str
    to_mentee: str


@dataclass(frozen=True, slots=True)
class WaveView:
    """A wave, with what somebody needs to answer it. Counts are there only once it is closed and large enough."""

    wave_id: UUID
    cohort_id: UUID
    program_id: UUID
    kind: WaveKind
    state: WaveState
    instrument_version: int
    suppression_threshold: int
    opened_at: datetime
    closes_on: date
    closed_at: datetime | None
    invited_count: int | None
    response_count: int | None
    public_modulus: int
    public_exponent: int
    items: tuple[AskedItem, ...]
    version: int


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting of a cohort."""

    meeting_id: UUID
    pair_id: UUID
    state: str
    scheduled_for: datetime | None
    held_at: datetime | None
    minutes: int | None
    channel: str | None


@dataclass(frozen=True, slots=True)
class CohortMeetings:
    """Meetings in the order of their ids. `as_of` is when the newest fact known here happened; None before the first."""

    as_of: datetime | None
    meetings: Sequence[MeetingView]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as JSON text (see CohortReport); `digest` is its SHA-256, which `CohortEvaluated` names once it is final."""

    text: str
    digest: str
    final: bool


class EvaluationViews(Protocol):
    """Reads, each limited to what the principal may see; what they may not see is NotVisible."""

    async def waves(
        self, principal: Principal, *, cohort_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[WaveView]:
        """Waves in the order of their ids."""

    async def wave(self, wave_id: UUID, principal: Principal) -> WaveView:
        """One wave."""

    async def host_of_wave(self, wave_id: UUID) -> UUID:
        """The unit that owns a wave, for a request that has no principal."""

    async def meetings(
        self, cohort_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> CohortMeetings:
        """A page of a cohort's meetings; participants see their own pairs'."""

    async def report(self, cohort_id: UUID, principal: Principal) -> ReportView:
        """The final report as it was published, or the one of this moment."""

    async def report_page(self, report: ReportView, *, synthetic: bool) -> str:
        """The report as one self-contained HTML page. Needs no session, and does not hold up the event loop."""
