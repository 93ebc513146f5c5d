"""What the use cases need of the world: repositories that load for update and stage changes, and projections of
others' facts.

Nothing is written before the mechanism commits the unit of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import UnitOfWork

from engagement.domain.agreement import Agreement
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair, Rules


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """What engagement keeps of a program. `sequence` is the version of the program it was read from."""

    program_id: UUID
    business_unit_id: UUID
    rules: Rules
    facilitator_ids: tuple[UUID, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownCohort:
    """What engagement keeps of a cohort: its owner, who else is named on it, its state as enrollment publishes it."""

    cohort_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    program_id: UUID
    state: str
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownParticipation:
    """What engagement keeps of a participation: whether the person still takes part."""

    participation_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    withdrawn: bool
    sequence: int


class PairRepository(Protocol):
    """Pairs, each locked until the end of the transaction when it is loaded."""

    async def get(self, pair_id: UUID) -> Pair | None:
        """The pair, or None when there is none the transaction's business unit may see."""

    async def open_of(self, participation_id: UUID) -> Sequence[Pair]:
        """The open pairs a participation is part of."""

    async def silent(self, now: datetime, limit: int) -> Sequence[Pair]:
        """Watched pairs whose silence has lasted too long by `now`; those another transaction holds are left out."""

    async def past_end(self, now: datetime, limit: int) -> Sequence[Pair]:
        """Open pairs whose duration is over by `now`; paused ones and those another transaction holds are left out."""

    async def trials_to_remind_of(self, now: datetime, limit: int) -> Sequence[Pair]:
        """Pairs on trial whose reminder is due by `now` and not given, and whose trial lasts; those another transaction holds
        are left out.
        """

    async def past_trial(self, now: datetime, limit: int) -> Sequence[Pair]:
        """Pairs whose trial is over by `now`; paused ones and those another transaction holds are left out."""

    def add(self, pair: Pair) -> None:
        """Stage a new pair."""

    def save(self, pair: Pair) -> None:
        """Stage what has changed of a pair that was loaded."""


class MeetingRepository(Protocol):
    """Meetings, each locked until the end of the transaction when it is loaded."""

    async def with_pair(self, meeting_id: UUID) -> tuple[Meeting, Pair] | None:
        """A meeting and its pair, both locked, or None when there is none the transaction's business unit may see."""

    async def unaccounted(self, scheduled_before: datetime, limit: int) -> Sequence[Meeting]:
        """Meetings still scheduled for a time before that; those of paused pairs or held elsewhere are left out."""

    async def scheduled_of(self, pair_id: UUID) -> Sequence[Meeting]:
        """The meetings of a pair that are still scheduled, in the order of their ids. The pair is locked already."""

    def add(self, meeting: Meeting) -> None:
        """Stage a new meeting."""

    def save(self, meeting: Meeting) -> None:
        """Stage what has changed of a meeting that was loaded."""


class AgreementRepository(Protocol):
    """The versions of agreements. A version is written once and never changed."""

    async def get(self, pair_id: UUID, agreement_version: int) -> Agreement | None:
        """One version, or None."""

    def add(self, pair: Pair, agreement: Agreement) -> None:
        """Stage `pair`'s current version."""


class KnownPrograms(Protocol):
    """Programs as enrollment has published them."""

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """The program, or None while nothing has been heard of it."""

    def put(self, program: KnownProgram) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownCohorts(Protocol):
    """Cohorts as enrollment has published them."""

    async def get(self, cohort_id: UUID) -> KnownCohort | None:
        """The cohort, or None while nothing has been heard of it."""

    def put(self, cohort: KnownCohort) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownParticipations(Protocol):
    """Participations as enrollment has published them."""

    async def get(self, participation_id: UUID) -> KnownParticipation | None:
        """The participation, locked until the end of the transaction, or None while nothing has been heard of it."""

    def put(self, participation: KnownParticipation) -> None:
        """Stage it; what a higher sequence has written stays."""


class EngagementUnitOfWork(UnitOfWork, Protocol):
    """One transaction of one use case, with this service's repositories."""

    @property
    def pairs(self) -> PairRepository:
        """Pairs."""

    @property
    def meetings(self) -> MeetingRepository:
        """Meetings."""

    @property
    def agreements(self) -> AgreementRepository:
        """Agreements."""

    @property
    def known_programs(self) -> KnownPrograms:
        """Programs heard of."""

    @property
    def known_cohorts(self) -> KnownCohorts:
        """Cohorts heard of."""

    @property
    def known_participations(self) -> KnownParticipations:
        """Participations heard of."""
