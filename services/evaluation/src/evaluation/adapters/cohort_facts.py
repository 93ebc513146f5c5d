"""Everything known of a cohort, out of the projections and the answers of closed waves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, RowMapping, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from evaluation.adapters.tables import (
    known_business_units,
    known_cohorts,
    known_meetings,
    known_pairs,
    known_participations,
    known_pauses,
    known_program_settings,
    known_programs,
    known_runs,
    responses,
    waves,
)
from evaluation.domain.facts import (
    Answers,
    CohortFact,
    MatchingFact,
    MeetingFact,
    MeetingOutcome,
    PairEnd,
    PairFact,
    ParticipationFact,
    PauseFact,
    Stage,
    WaveFact,
)
from evaluation.domain.instruments import Role, WaveKind
from evaluation.domain.suppression import DEFAULT_THRESHOLD, LOWEST_THRESHOLD
from evaluation.domain.waves import WaveState

_OUTCOMES = frozenset(outcome.value for outcome in MeetingOutcome)


class Queries(Protocol):
    """What a read session and a write session have in common."""

    async def fetch_one(self, statement: Executable, parameters: Any = None) -> RowMapping | None:
        """The first row, or None."""

    async def fetch_all(self, statement: Executable, parameters: Any = None) -> Sequence[RowMapping]:
        """All rows."""


class CohortFactReader:
    """Gathers a cohort's facts, in the order of ids, so that equal projections give equal facts."""

    def __init__(self, session: Queries) -> None:
        self._session = session

    async def of(self, cohort_id: UUID) -> CohortFact | None:
        """The facts, or None when there is no such cohort to be seen."""
        cohort = await self._session.fetch_one(
            select(
                known_cohorts,
                known_program_settings.c.settings,
                known_program_settings.c.evaluation_design,
                known_programs.c.suppression_threshold,
                known_business_units.c.code,
            )
            .outerjoin(known_programs, known_programs.c.program_id == known_cohorts.c.program_id)
            .outerjoin(
                known_program_settings,
                (known_program_settings.c.program_id == known_cohorts.c.program_id)
                & (known_program_settings.c.settings_version == known_cohorts.c.settings_version),
            )
            .outerjoin(
                known_business_units, known_business_units.c.business_unit_id == known_cohorts.c.business_unit_id
            )
            .where(known_cohorts.c.cohort_id == cohort_id)
        )
        if cohort is None:
            return None
        closed = await self._waves(cohort_id)
        thresholds = [wave.suppression_threshold for wave in closed]
        pairs, activated = await self._pairs(cohort_id)
        return CohortFact(
            cohort_id=cohort_id,
            program_id=cohort["program_id"],
            business_unit_id=cohort["business_unit_id"],
            unit_code=cohort["code"],
            state=cohort["state"],
            starts_on=cohort["starts_on"],
            ends_on=cohort["ends_on"],
            suppression_threshold=max(
                LOWEST_THRESHOLD, cohort["suppression_threshold"] or DEFAULT_THRESHOLD, *thresholds
            ),
            planned_design=cohort["evaluation_design"],
            settings_version=cohort["settings_version"],
            settings=cohort["settings"],
            participations=await self._participations(cohort_id, activated),
            pairs=pairs,
            waves=closed,
            matching=await self._matching(cohort_id),
        )

    async def _participations(self, cohort_id: UUID, activated: frozenset[UUID]) -> tuple[ParticipationFact, ...]:
        rows = await self._session.fetch_all(
            select(known_participations.c.participation_id, known_participations.c.role, known_participations.c.reached)
            .where(known_participations.c.cohort_id == cohort_id)
            .order_by(known_participations.c.participation_id)
        )
        return tuple(
            ParticipationFact(
                Role(row["role"]),
                frozenset(Stage(stage) for stage in row["reached"])
                | ({Stage.ACTIVE} if row["participation_id"] in activated else set()),
            )
            for row in rows
        )

    async def _pairs(self, cohort_id: UUID) -> tuple[tuple[PairFact, ...], frozenset[UUID]]:
        """The pairs, and the participations that have been in an active one."""
        met_at = func.coalesce(known_meetings.c.held_at, known_meetings.c.scheduled_for)
        order = known_meetings.c.meeting_id
        meetings = (
            select(
                known_meetings.c.pair_id,
                func.array_agg(aggregate_order_by(known_meetings.c.state, order)).label("outcomes"),
                func.array_agg(aggregate_order_by(met_at, order)).label("times"),
            )
            .where(known_meetings.c.cohort_id == cohort_id, known_meetings.c.state.in_(_OUTCOMES))
            .group_by(known_meetings.c.pair_id)
            .subquery()
        )
        by_sequence = known_pauses.c.sequence
        pauses = (
            select(
                known_pauses.c.pair_id,
                func.array_agg(aggregate_order_by(known_pauses.c.paused, by_sequence)).label("paused"),
                func.array_agg(aggregate_order_by(known_pauses.c.changed_at, by_sequence)).label("changes"),
            )
            .where(known_pauses.c.cohort_id == cohort_id)
            .group_by(known_pauses.c.pair_id)
            .subquery()
        )
        rows = await self._session.fetch_all(
            select(known_pairs, meetings.c.outcomes, meetings.c.times, pauses.c.paused, pauses.c.changes)
            .outerjoin(meetings, meetings.c.pair_id == known_pairs.c.pair_id)
            .outerjoin(pauses, pauses.c.pair_id == known_pairs.c.pair_id)
            .where(known_pairs.c.cohort_id == cohort_id)
            .order_by(known_pairs.c.pair_id)
        )
        activated = frozenset(
            row[name]
            for row in rows
            if row["activated_at"] is not None
            for name in ("mentor_participation_id", "mentee_participation_id")
        )
        return tuple(_pair(row) for row in rows), activated

    async def _waves(self, cohort_id: UUID) -> tuple[WaveFact, ...]:
        rows = await self._session.fetch_all(
            select(waves)
            .where(waves.c.cohort_id == cohort_id, waves.c.state == WaveState.CLOSED.value)
            .order_by(waves.c.wave_id)
        )
        return tuple([await self._wave(row) for row in rows])

    async def _wave(self, row: RowMapping) -> WaveFact:
        given = await self._session.fetch_all(
            select(responses.c.role, responses.c.answers)
            .where(responses.c.wave_id == row["wave_id"])
            .order_by(responses.c.response_id)
        )
        closed_at: datetime = row["closed_at"]
        return WaveFact(
            kind=WaveKind(row["kind"]),
            instrument_version=row["instrument_version"],
            suppression_threshold=row["suppression_threshold"],
            opened_on=row["opened_at"].date(),
            closed_on=closed_at.date(),
            invited=row["invited_count"],
            answers=tuple(Answers(Role(answer["role"]), answer["answers"]) for answer in given),
        )

    async def _matching(self, cohort_id: UUID) -> MatchingFact | None:
        rows = await self._session.fetch_all(
            select(known_runs).where(known_runs.c.cohort_id == cohort_id).order_by(known_runs.c.run_id)
        )
        if not rows:
            return None
        excluded: Counter[str] = Counter()
        for row in rows:
            excluded.update(row["excluded"])
        return MatchingFact(
            possible_pairs=sum(row["possible_pairs"] for row in rows),
            allowed_pairs=sum(row["allowed_pairs"] for row in rows),
            proposals=sum(row["proposals"] for row in rows),
            excluded=dict(sorted(excluded.items())),
        )


def _pair(row: RowMapping) -> PairFact:
    return PairFact(
        score=row["score"],
        activated_at=row["activated_at"],
        ends_on=row["ends_on"],
        ended_at=row["ended_at"],
        ended=PairEnd(row["ended"]) if row["ended"] else None,
        cadence_days=row["cadence_days"],
        stalls=row["stalls"],
        recovered_stalls=row["recovered_stalls"],
        meetings=tuple(
            MeetingFact(MeetingOutcome(outcome), at)
            for outcome, at in zip(row["outcomes"] or (), row["times"] or (), strict=True)
        ),
        pauses=_pauses(zip(row["paused"] or (), row["changes"] or (), strict=True)),
    )


def _pauses(changes: Iterable[tuple[bool, datetime]]) -> tuple[PauseFact, ...]:
    """The spans between a beginning and the end that follows it. An end of what never began, as after a lost fact, is none."""
    found: list[PauseFact] = []
    began: datetime | None = None
    for paused, at in changes:
        if paused:
            began = began or at
        elif began is not None:
            found.append(PauseFact(began.date(), at.date()))
            began = None
    if began is not None:
        found.append(PauseFact(began.date(), None))
    return tuple(found)
