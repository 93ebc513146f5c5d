"""Repositories upon a write session: they load with a lock and stage what is to be written at the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import WriteSession
from chassis.queries import Query
from sqlalchemy import bindparam, or_, select

from engagement.adapters import rows
from engagement.adapters.tables import (
    agreement_terms,
    known_cohorts,
    known_participations,
    known_programs,
    meetings,
    pairs,
)
from engagement.application.ports import KnownCohort, KnownParticipation, KnownProgram
from engagement.domain.agreement import Agreement
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair, Rules
from engagement.domain.vocabulary import Formality, PairState

_PAIR = select(pairs).with_for_update()
_PAIR_BY_ID = Query(_PAIR.where(pairs.c.pair_id == bindparam("pair_id")))
_AS_PAIR = [column.label(f"pair_{column.name}") for column in pairs.columns]
# One statement locks both, the pair first: every transaction that holds a pair and then takes a meeting does it in this order.
_MEETING_WITH_PAIR = Query(
    select(*_AS_PAIR, *meetings.columns)
    .select_from(pairs.join(meetings, meetings.c.pair_id == pairs.c.pair_id))
    .where(meetings.c.meeting_id == bindparam("meeting_id"))
    .with_for_update()
)
_OF_A_PAUSED_PAIR = (
    select(pairs.c.pair_id)
    .where(pairs.c.pair_id == meetings.c.pair_id, pairs.c.state == PairState.QUARANTINED.value)
    .exists()
)


class Pairs:
    """See `application.ports.PairRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, pair_id: UUID) -> Pair | None:
        """See the port."""
        row = await self._session.look_up(_PAIR_BY_ID, pair_id=pair_id)
        return None if row is None else rows.pair_of(row)

    async def open_of(self, participation_id: UUID) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            _PAIR.where(
                or_(
                    pairs.c.mentor_participation_id == participation_id,
                    pairs.c.mentee_participation_id == participation_id,
                ),
                pairs.c.ended_at.is_(None),
            ).order_by(pairs.c.pair_id)
        )
        return [rows.pair_of(row) for row in found]

    async def silent(self, now: datetime, limit: int) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs)
            .where(pairs.c.stalls_at <= now)
            .order_by(pairs.c.stalls_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    async def past_end(self, now: datetime, limit: int) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs)
            .where(pairs.c.ended_at.is_(None), pairs.c.ends_at <= now, pairs.c.state != PairState.QUARANTINED.value)
            .order_by(pairs.c.ends_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    async def trials_to_remind_of(self, now: datetime, limit: int) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs)
            .where(
                pairs.c.state == PairState.TRIAL.value,
                pairs.c.trial_reminded_at.is_(None),
                pairs.c.trial_remind_at <= now,
                pairs.c.trial_ends_at > now,
            )
            .order_by(pairs.c.trial_remind_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    async def past_trial(self, now: datetime, limit: int) -> Sequence[Pair]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs)
            .where(pairs.c.state == PairState.TRIAL.value, pairs.c.trial_ends_at <= now)
            .order_by(pairs.c.trial_ends_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.pair_of(row) for row in found]

    def add(self, pair: Pair) -> None:
        """See the port."""
        self._session.insert(
            pairs, {"pair_id": pair.pair_id, **rows.constant_pair_values(pair), **rows.changing_pair_values(pair)}
        )

    def save(self, pair: Pair) -> None:
        """See the port."""
        self._session.update(pairs, {"pair_id": pair.pair_id}, rows.changing_pair_values(pair))


class Meetings:
    """See `application.ports.MeetingRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def with_pair(self, meeting_id: UUID) -> tuple[Meeting, Pair] | None:
        """See the port."""
        row = await self._session.look_up(_MEETING_WITH_PAIR, meeting_id=meeting_id)
        if row is None:
            return None
        pair = {column.name: row[f"pair_{column.name}"] for column in pairs.columns}
        return rows.meeting_of(row), rows.pair_of(pair)

    async def unaccounted(self, scheduled_before: datetime, limit: int) -> Sequence[Meeting]:
        """See the port."""
        found = await self._session.fetch_all(
            select(meetings)
            .where(meetings.c.state == "scheduled", meetings.c.scheduled_for <= scheduled_before, ~_OF_A_PAUSED_PAIR)
            .order_by(meetings.c.scheduled_for)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.meeting_of(row) for row in found]

    async def scheduled_of(self, pair_id: UUID) -> Sequence[Meeting]:
        """See the port."""
        found = await self._session.fetch_all(
            select(meetings)
            .where(meetings.c.pair_id == pair_id, meetings.c.state == "scheduled")
            .order_by(meetings.c.meeting_id)
            .with_for_update()
        )
        return [rows.meeting_of(row) for row in found]

    def add(self, meeting: Meeting) -> None:
        """See the port."""
        self._session.insert(
            meetings,
            {
                "meeting_id": meeting.meeting_id,
                **rows.constant_meeting_values(meeting),
                **rows.changing_meeting_values(meeting),
            },
        )

    def save(self, meeting: Meeting) -> None:
        """See the port."""
        self._session.update(meetings, {"meeting_id": meeting.meeting_id}, rows.changing_meeting_values(meeting))


class Agreements:
    """See `application.ports.AgreementRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, pair_id: UUID, agreement_version: int) -> Agreement | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(agreement_terms).where(
                agreement_terms.c.pair_id == pair_id, agreement_terms.c.agreement_version == agreement_version
            )
        )
        return None if row is None else rows.agreement_of(row)

    def add(self, pair: Pair, agreement: Agreement) -> None:
        """See the port."""
        self._session.insert(agreement_terms, rows.agreement_values(pair, agreement))


class Programs:
    """See `application.ports.KnownPrograms`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """See the port."""
        row = await self._session.fetch_one(select(known_programs).where(known_programs.c.program_id == program_id))
        if row is None:
            return None
        return KnownProgram(
            program_id=row["program_id"],
            business_unit_id=row["business_unit_id"],
            rules=Rules(
                formality=Formality(row["formality"]),
                cadence_days=row["cadence_days"],
                silence_days=row["silence_days"],
                duration_months=row["duration_months"],
                training_required=row["training_required"],
                trial_days=row["trial_days"],
                trial_reminder_days=row["trial_reminder_days"],
            ),
            facilitator_ids=tuple(row["facilitator_ids"]),
            sequence=row["sequence"],
        )

    def put(self, program: KnownProgram) -> None:
        """See the port."""
        rules = program.rules
        self._session.upsert(
            known_programs,
            {
                "program_id": program.program_id,
                "business_unit_id": program.business_unit_id,
                "formality": rules.formality.value,
                "cadence_days": rules.cadence_days,
                "silence_days": rules.silence_days,
                "duration_months": rules.duration_months,
                "training_required": rules.training_required,
                "trial_days": rules.trial_days,
                "trial_reminder_days": rules.trial_reminder_days,
                "facilitator_ids": list(program.facilitator_ids),
                "sequence": program.sequence,
            },
            key=("program_id",),
            newer="sequence",
        )


class Cohorts:
    """See `application.ports.KnownCohorts`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, cohort_id: UUID) -> KnownCohort | None:
        """See the port."""
        row = await self._session.fetch_one(select(known_cohorts).where(known_cohorts.c.cohort_id == cohort_id))
        if row is None:
            return None
        return KnownCohort(
            cohort_id=row["cohort_id"],
            business_unit_id=row["business_unit_id"],
            named_unit_ids=tuple(row["named_unit_ids"]),
            program_id=row["program_id"],
            state=row["state"],
            sequence=row["sequence"],
        )

    def put(self, cohort: KnownCohort) -> None:
        """See the port."""
        self._session.upsert(
            known_cohorts,
            {
                "cohort_id": cohort.cohort_id,
                "business_unit_id": cohort.business_unit_id,
                "named_unit_ids": list(cohort.named_unit_ids),
                "program_id": cohort.program_id,
                "state": cohort.state,
                "sequence": cohort.sequence,
            },
            key=("cohort_id",),
            newer="sequence",
        )


class Participations:
    """See `application.ports.KnownParticipations`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, participation_id: UUID) -> KnownParticipation | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(known_participations)
            .where(known_participations.c.participation_id == participation_id)
            .with_for_update()
        )
        if row is None:
            return None
        return KnownParticipation(
            participation_id=row["participation_id"],
            business_unit_id=row["business_unit_id"],
            named_unit_ids=tuple(row["named_unit_ids"]),
            withdrawn=row["withdrawn"],
            sequence=row["sequence"],
        )

    def put(self, participation: KnownParticipation) -> None:
        """See the port."""
        self._session.upsert(
            known_participations,
            {
                "participation_id": participation.participation_id,
                "business_unit_id": participation.business_unit_id,
                "named_unit_ids": list(participation.named_unit_ids),
                "withdrawn": participation.withdrawn,
                "sequence": participation.sequence,
            },
            key=("participation_id",),
            newer="sequence",
        )
