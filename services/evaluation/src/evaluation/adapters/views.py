"""What may be looked at, by whom. Row-level security has limited everything to the business unit before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import Clock
from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import ColumnElement, any_, false, func, literal, or_, select, true

from evaluation.adapters.asked import is_asked
from evaluation.adapters.cohort_facts import CohortFactReader
from evaluation.adapters.rendering import PageRenderer
from evaluation.adapters.rows import wave_of
from evaluation.adapters.tables import (
    evaluations,
    known_cohorts,
    known_meetings,
    known_pairs,
    known_programs,
    wave_hosts,
    waves,
)
from evaluation.application.views import AskedItem, CohortMeetings, MeetingView, ReportView, WaveView
from evaluation.domain.facts import CohortFact
from evaluation.domain.report import build_report, hash_of, to_json
from evaluation.domain.waves import Wave, WaveState

_MEETING_COLUMNS = ("meeting_id", "pair_id", "state", "scheduled_for", "held_at", "minutes", "channel")


class EvaluationViews:
    """Reads of one transaction."""

    def __init__(self, session: ReadSession, clock: Clock, renderer: PageRenderer) -> None:
        self._session = session
        self._clock = clock
        self._renderer = renderer

    async def waves(
        self, principal: Principal, *, cohort_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[WaveView]:
        """Waves after an id, in the order of ids."""
        statement = select(waves).where(_waves_seen_by(principal)).order_by(waves.c.wave_id).limit(limit)
        if cohort_id is not None:
            statement = statement.where(waves.c.cohort_id == cohort_id)
        if after is not None:
            statement = statement.where(waves.c.wave_id > after)
        return [_wave_view(wave_of(row)) for row in await self._session.fetch_all(statement)]

    async def wave(self, wave_id: UUID, principal: Principal) -> WaveView:
        """One wave.

        Raises:
            NotVisible: there is none, or not for this principal.
        """
        row = await self._session.fetch_one(select(waves).where(waves.c.wave_id == wave_id, _waves_seen_by(principal)))
        if row is None:
            raise NotVisible("no such wave")
        return _wave_view(wave_of(row))

    async def host_of_wave(self, wave_id: UUID) -> UUID:
        """The unit that owns a wave.

        Raises:
            NotVisible: there is none.
        """
        row = await self._session.fetch_one(select(wave_hosts).where(wave_hosts.c.wave_id == wave_id))
        if row is None:
            raise NotVisible("no such wave")
        host: UUID = row["host_unit_id"]
        return host

    async def meetings(
        self, cohort_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> CohortMeetings:
        """A page of a cohort's meetings, in one query.

        Raises:
            NotVisible: there is no such cohort, or not for this principal.
        """
        shown = select(*(known_meetings.c[name] for name in _MEETING_COLUMNS)).where(
            known_meetings.c.cohort_id == known_cohorts.c.cohort_id
        )
        if after is not None:
            shown = shown.where(known_meetings.c.meeting_id > after)
        overseen = _oversees(principal, known_cohorts.c.program_id)
        shown = shown.where(or_(overseen, _own_pair(principal)))
        some = shown.correlate(known_cohorts).order_by(known_meetings.c.meeting_id).limit(limit).lateral("some")
        as_of = (
            select(func.max(known_meetings.c.changed_at))
            .where(known_meetings.c.cohort_id == known_cohorts.c.cohort_id)
            .scalar_subquery()
        )
        rows = await self._session.fetch_all(
            select(as_of.label("as_of"), *(some.c[name] for name in _MEETING_COLUMNS))
            .select_from(known_cohorts)
            .outerjoin(some, true())
            .where(
                known_cohorts.c.cohort_id == cohort_id,
                or_(overseen, _asked(principal, known_cohorts.c.cohort_id)),
            )
            .order_by(some.c.meeting_id)
        )
        if not rows:
            raise NotVisible("no such cohort")
        return CohortMeetings(
            rows[0]["as_of"],
            [MeetingView(**{name: row[name] for name in _MEETING_COLUMNS}) for row in rows if row["meeting_id"]],
        )

    async def report(self, cohort_id: UUID, principal: Principal) -> ReportView:
        """The final report as it was published, or the one of this moment.

        Raises:
            NotVisible: there is no such cohort, or not for this principal.
        """
        seen = await self._session.fetch_one(
            select(known_cohorts.c.cohort_id, evaluations.c.report, evaluations.c.report_hash)
            .outerjoin(evaluations, evaluations.c.cohort_id == known_cohorts.c.cohort_id)
            .where(known_cohorts.c.cohort_id == cohort_id, _oversees(principal, known_cohorts.c.program_id))
        )
        if seen is None:
            raise NotVisible("no such cohort")
        if seen["report"] is not None:
            return ReportView(seen["report"], seen["report_hash"], final=True)
        facts = await CohortFactReader(self._session).of(cohort_id)
        if facts is None:
            raise NotVisible("no such cohort")
        text = await asyncio.to_thread(_interim, facts, self._clock.now())
        return ReportView(text, hash_of(text), final=False)

    async def report_page(self, report: ReportView, *, synthetic: bool) -> str:
        """The report as one self-contained HTML page."""
        return await self._renderer.page(report.text, digest=report.digest, final=report.final, synthetic=synthetic)


def _interim(facts: CohortFact, now: datetime) -> str:
    return to_json(build_report(facts, as_of=now, final=False))


def _facilitates(principal: Principal, program_id: Any) -> ColumnElement[bool]:
    return (
        select(known_programs.c.program_id)
        .where(
            known_programs.c.program_id == program_id,
            literal(principal.person_id) == any_(known_programs.c.facilitator_ids),
        )
        .correlate_except(known_programs)
        .exists()
    )


def _oversees(principal: Principal, program_id: Any) -> ColumnElement[bool]:
    """Whether the principal looks at the program as a whole: its unit's managers and data readers, and who facilitates it."""
    if principal.has("program_manager", "data_reader"):
        return true()
    return _facilitates(principal, program_id) if principal.has("facilitator") and principal.person_id else false()


def _asked(principal: Principal, cohort_id: Any) -> ColumnElement[bool]:
    if principal.person_id is None or not principal.has("participant"):
        return false()
    return is_asked(principal.person_id, cohort_id)


def _waves_seen_by(principal: Principal) -> ColumnElement[bool]:
    return or_(_oversees(principal, waves.c.program_id), _asked(principal, waves.c.cohort_id))


def _own_pair(principal: Principal) -> ColumnElement[bool]:
    if principal.person_id is None:
        return false()
    own = or_(known_pairs.c.mentor_id == principal.person_id, known_pairs.c.mentee_id == principal.person_id)
    paired = select(known_pairs.c.pair_id).where(known_pairs.c.pair_id == known_meetings.c.pair_id, own)
    return paired.correlate_except(known_pairs).exists()


def _wave_view(wave: Wave) -> WaveView:
    """What may be shown: counts once the wave is closed, and of answers only when that is enough people."""
    answered = wave.response_count
    return WaveView(
        wave_id=wave.wave_id,
        cohort_id=wave.cohort_id,
        program_id=wave.program_id,
        kind=wave.kind,
        state=wave.state,
        instrument_version=wave.instrument_version,
        suppression_threshold=wave.suppression_threshold,
        opened_at=wave.opened_at,
        closes_on=wave.closes_on,
        closed_at=wave.closed_at,
        invited_count=wave.invited_count if wave.state is WaveState.CLOSED else None,
        response_count=answered if answered is not None and answered >= wave.suppression_threshold else None,
        public_modulus=wave.public_modulus,
        public_exponent=wave.public_exponent,
        items=tuple(
            AskedItem(item.code, item.family.value, item.to_mentor, item.to_mentee) for item in wave.instrument.items
        ),
        version=wave.version,
    )
