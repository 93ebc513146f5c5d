"""A unit of work in memory. What is loaded is a copy, so that a change without a save is lost, as it is in a database."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.ports import Principal
from chassis.testing import UnitOfWorkInMemory
from engagement.application.ports import KnownCohort, KnownParticipation, KnownProgram
from engagement.domain.agreement import Agreement
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import MeetingState, PairState

from ..examples import START


@dataclass
class FakePairs:
    rows: dict[UUID, Pair] = field(default_factory=dict)

    async def get(self, pair_id: UUID) -> Pair | None:
        return deepcopy(self.rows.get(pair_id))

    async def open_of(self, participation_id: UUID) -> Sequence[Pair]:
        return [
            deepcopy(pair)
            for pair in self.rows.values()
            if pair.is_open and participation_id in (pair.mentor.participation_id, pair.mentee.participation_id)
        ]

    async def silent(self, now: datetime, limit: int) -> Sequence[Pair]:
        return [deepcopy(pair) for pair in self.rows.values() if pair.watched and pair.stalls_at <= now][:limit]

    async def past_end(self, now: datetime, limit: int) -> Sequence[Pair]:
        return [
            deepcopy(pair) for pair in self.rows.values() if pair.is_open and not pair.is_paused and pair.ends_at <= now
        ][:limit]

    async def trials_to_remind_of(self, now: datetime, limit: int) -> Sequence[Pair]:
        return [
            deepcopy(pair)
            for pair in self.rows.values()
            if pair.trial_remind_at is not None and pair.trial_remind_at <= now
        ][:limit]

    async def past_trial(self, now: datetime, limit: int) -> Sequence[Pair]:
        return [
            deepcopy(pair)
            for pair in self.rows.values()
            if pair.state is PairState.TRIAL and pair.trial_ends_at is not None and pair.trial_ends_at <= now
        ][:limit]

    def add(self, pair: Pair) -> None:
        assert pair.pair_id not in self.rows
        self.rows[pair.pair_id] = deepcopy(pair)

    def save(self, pair: Pair) -> None:
        assert pair.pair_id in self.rows
        self.rows[pair.pair_id] = deepcopy(pair)


@dataclass
class FakeMeetings:
    pairs: FakePairs
    rows: dict[UUID, Meeting] = field(default_factory=dict)

    async def with_pair(self, meeting_id: UUID) -> tuple[Meeting, Pair] | None:
        meeting = deepcopy(self.rows.get(meeting_id))
        return None if meeting is None else (meeting, deepcopy(self.pairs.rows[meeting.pair_id]))

    async def unaccounted(self, scheduled_before: datetime, limit: int) -> Sequence[Meeting]:
        return [
            deepcopy(meeting)
            for meeting in self.rows.values()
            if meeting.state is MeetingState.SCHEDULED
            and meeting.scheduled_for is not None
            and meeting.scheduled_for <= scheduled_before
            and not self.pairs.rows[meeting.pair_id].is_paused
        ][:limit]

    async def scheduled_of(self, pair_id: UUID) -> Sequence[Meeting]:
        return [
            deepcopy(meeting)
            for meeting in self.rows.values()
            if meeting.pair_id == pair_id and meeting.state is MeetingState.SCHEDULED
        ]

    def add(self, meeting: Meeting) -> None:
        assert meeting.meeting_id not in self.rows
        self.rows[meeting.meeting_id] = deepcopy(meeting)

    def save(self, meeting: Meeting) -> None:
        assert meeting.meeting_id in self.rows
        self.rows[meeting.meeting_id] = deepcopy(meeting)


@dataclass
class FakeAgreements:
    rows: dict[tuple[UUID, int], Agreement] = field(default_factory=dict)

    async def get(self, pair_id: UUID, agreement_version: int) -> Agreement | None:
        return self.rows.get((pair_id, agreement_version))

    def add(self, pair: Pair, agreement: Agreement) -> None:
        key = (pair.pair_id, pair.agreement_version)
        assert key not in self.rows
        self.rows[key] = agreement


@dataclass
class FakePrograms:
    rows: dict[UUID, KnownProgram] = field(default_factory=dict)

    async def get(self, program_id: UUID) -> KnownProgram | None:
        return self.rows.get(program_id)

    def put(self, program: KnownProgram) -> None:
        if (known := self.rows.get(program.program_id)) is None or known.sequence < program.sequence:
            self.rows[program.program_id] = program


@dataclass
class FakeCohorts:
    rows: dict[UUID, KnownCohort] = field(default_factory=dict)

    async def get(self, cohort_id: UUID) -> KnownCohort | None:
        return self.rows.get(cohort_id)

    def put(self, cohort: KnownCohort) -> None:
        if (known := self.rows.get(cohort.cohort_id)) is None or known.sequence < cohort.sequence:
            self.rows[cohort.cohort_id] = cohort


@dataclass
class FakeParticipations:
    rows: dict[UUID, KnownParticipation] = field(default_factory=dict)

    async def get(self, participation_id: UUID) -> KnownParticipation | None:
        return self.rows.get(participation_id)

    def put(self, participation: KnownParticipation) -> None:
        known = self.rows.get(participation.participation_id)
        if known is None or known.sequence < participation.sequence:
            self.rows[participation.participation_id] = participation


class FakeUnitOfWork(UnitOfWorkInMemory):
    """Satisfies `application.ports.EngagementUnitOfWork`. `published` holds events with their sequences, in order."""

    def __init__(self, now: datetime = START) -> None:
        super().__init__(now, Principal(subject="service:engagement", roles=frozenset({"service"})))
        self.pairs = FakePairs()
        self.meetings = FakeMeetings(self.pairs)
        self.agreements = FakeAgreements()
        self.known_programs = FakePrograms()
        self.known_cohorts = FakeCohorts()
        self.known_participations = FakeParticipations()

    def acting_as(self, person_id: UUID | None, *roles: str) -> FakeUnitOfWork:
        """The same world, with somebody acting."""
        self.principal = Principal(subject="somebody", person_id=person_id, roles=frozenset(roles or {"participant"}))
        return self
