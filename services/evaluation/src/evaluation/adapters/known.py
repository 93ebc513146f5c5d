"""Projections of others' facts. Every write is right in any order of arrival and at any repetition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import func, select, text

from evaluation.adapters.asked import asked_people, is_asked
from evaluation.adapters.tables import (
    known_business_units,
    known_cohorts,
    known_pauses,
    known_program_settings,
    known_programs,
    known_runs,
)
from evaluation.application.ports import (
    KnownBusinessUnit,
    KnownCohort,
    KnownMeeting,
    KnownParticipation,
    KnownPause,
    KnownProgram,
    KnownRun,
    PairIds,
    PairLifeFact,
)

_PUT_PARTICIPATION = text("""
INSERT INTO known_participations AS known
 (participation_id, business_unit_id, named_unit_ids, cohort_id, person_id, role, state, reached, sequence)
VALUES (:participation_id, :business_unit_id, :named_unit_ids, :cohort_id, :person_id, :role, :state, :reached, :sequence)
ON CONFLICT (participation_id) DO UPDATE SET
 named_unit_ids = CASE WHEN known.sequence < excluded.sequence THEN excluded.named_unit_ids ELSE known.named_unit_ids END,
 state = CASE WHEN known.sequence < excluded.sequence THEN excluded.state ELSE known.state END,
 reached = ARRAY(SELECT DISTINCT stage FROM unnest(known.reached || excluded.reached) AS stage ORDER BY stage),
 sequence = greatest(known.sequence, excluded.sequence)
""")

_PUT_FORMED = text("""
INSERT INTO known_pairs AS known
 (pair_id, business_unit_id, named_unit_ids, cohort_id, mentor_id, mentee_id,
  mentor_participation_id, mentee_participation_id, score, formed_at, matching_sequence)
VALUES (:pair_id, :business_unit_id, :named_unit_ids, :cohort_id, :mentor_id, :mentee_id,
  :mentor_participation_id, :mentee_participation_id, :score, :formed_at, :sequence)
ON CONFLICT (pair_id) DO UPDATE SET
 mentor_id = excluded.mentor_id, mentee_id = excluded.mentee_id,
 mentor_participation_id = excluded.mentor_participation_id, mentee_participation_id = excluded.mentee_participation_id,
 score = excluded.score, formed_at = excluded.formed_at, matching_sequence = excluded.matching_sequence
 WHERE known.matching_sequence < excluded.matching_sequence
""")

_PUT_LIFE = text("""
INSERT INTO known_pairs AS known
 (pair_id, business_unit_id, named_unit_ids, cohort_id, mentor_id, mentee_id,
  mentor_participation_id, mentee_participation_id, state, health, cadence_days, activated_at, ends_on, ended_at, ended,
  stalls, recovered_stalls, engagement_sequence)
VALUES (:pair_id, :business_unit_id, :named_unit_ids, :cohort_id, :mentor_id, :mentee_id,
  :mentor_participation_id, :mentee_participation_id, :state, :health, :cadence_days, :activated_at, :ends_on, :ended_at,
  :ended, :stalls, :recovered_stalls, :sequence)
ON CONFLICT (pair_id) DO UPDATE SET
 mentor_id = excluded.mentor_id, mentee_id = excluded.mentee_id,
 mentor_participation_id = excluded.mentor_participation_id, mentee_participation_id = excluded.mentee_participation_id,
 recovered_stalls = greatest(known.recovered_stalls, excluded.recovered_stalls),
 (state, health, cadence_days, activated_at, ends_on, ended_at, ended, stalls, engagement_sequence) = (
  SELECT newest.state, newest.health, newest.cadence_days, newest.activated_at, newest.ends_on, newest.ended_at,
         newest.ended, newest.stalls, newest.engagement_sequence
  FROM (VALUES
   (known.state, known.health, known.cadence_days, known.activated_at, known.ends_on, known.ended_at, known.ended,
    known.stalls, known.engagement_sequence),
   (excluded.state, excluded.health, excluded.cadence_days, excluded.activated_at, excluded.ends_on, excluded.ended_at,
    excluded.ended, excluded.stalls, excluded.engagement_sequence))
   AS newest (state, health, cadence_days, activated_at, ends_on, ended_at, ended, stalls, engagement_sequence)
  ORDER BY newest.engagement_sequence DESC LIMIT 1)
""")

_PUT_MEETINGS = text("""
WITH incoming AS (
 SELECT m.meeting_id, m.business_unit_id, m.units::uuid[] AS named_unit_ids, m.pair_id, m.cohort_id, m.state,
        m.scheduled_for, m.held_at, m.minutes, m.channel, m.changed_at, m.sequence
 FROM unnest(
  CAST(:meeting_id AS uuid[]), CAST(:business_unit_id AS uuid[]), CAST(:units AS text[]), CAST(:pair_id AS uuid[]),
  CAST(:cohort_id AS uuid[]), CAST(:state AS text[]), CAST(:scheduled_for AS timestamptz[]),
  CAST(:held_at AS timestamptz[]), CAST(:minutes AS integer[]), CAST(:channel AS text[]),
  CAST(:changed_at AS timestamptz[]), CAST(:sequence AS integer[]))
  AS m(meeting_id, business_unit_id, units, pair_id, cohort_id, state, scheduled_for, held_at, minutes, channel,
       changed_at, sequence)
), stubs AS (
 INSERT INTO known_pairs (pair_id, business_unit_id, named_unit_ids, cohort_id)
 SELECT DISTINCT ON (pair_id) pair_id, business_unit_id, named_unit_ids, cohort_id FROM incoming ORDER BY pair_id
 ON CONFLICT (pair_id) DO NOTHING
)
INSERT INTO known_meetings AS known
 (meeting_id, business_unit_id, named_unit_ids, pair_id, cohort_id, state, scheduled_for, held_at, minutes, channel,
  changed_at, sequence)
SELECT * FROM incoming
ON CONFLICT (meeting_id) DO UPDATE SET
 state = excluded.state, scheduled_for = excluded.scheduled_for, held_at = excluded.held_at, minutes = excluded.minutes,
 channel = excluded.channel, changed_at = excluded.changed_at, sequence = excluded.sequence
 WHERE known.sequence < excluded.sequence
""")


class BusinessUnits:
    """Business units by code."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, unit: KnownBusinessUnit) -> None:
        """Stage the newest."""
        self._session.upsert(known_business_units, asdict(unit), key=["business_unit_id"], newer="sequence")


class Programs:
    """Programs, and every version of their settings."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """The newest version with its settings."""
        on = (known_program_settings.c.program_id == known_programs.c.program_id) & (
            known_program_settings.c.settings_version == known_programs.c.settings_version
        )
        row = await self._session.fetch_one(
            select(known_programs, known_program_settings.c.settings)
            .join(known_program_settings, on)
            .where(known_programs.c.program_id == program_id)
        )
        if row is None:
            return None
        return KnownProgram(**{**row, "facilitator_ids": tuple(row["facilitator_ids"])})

    def put(self, program: KnownProgram) -> None:
        """Stage the newest program, and the newest word on this version of its settings."""
        values = asdict(program)
        settings = values.pop("settings")
        values["facilitator_ids"] = list(program.facilitator_ids)
        self._session.upsert(known_programs, values, key=["program_id"], newer="sequence")
        self._session.upsert(
            known_program_settings,
            {
                "program_id": program.program_id,
                "settings_version": program.settings_version,
                "business_unit_id": program.business_unit_id,
                "settings": settings,
                "evaluation_design": program.evaluation_design,
                "sequence": program.sequence,
            },
            key=["program_id", "settings_version"],
            newer="sequence",
        )


class Cohorts:
    """Cohorts."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, cohort: KnownCohort) -> None:
        """Stage the newest."""
        values = {**asdict(cohort), "named_unit_ids": list(cohort.named_unit_ids)}
        self._session.upsert(known_cohorts, values, key=["cohort_id"], newer="sequence")


class Participations:
    """Participations: the newest state, and every stage that was reached."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def put(self, participation: KnownParticipation) -> None:
        """Write it."""
        values = asdict(participation)
        values["named_unit_ids"] = list(participation.named_unit_ids)
        values["reached"] = [participation.reached.value] if participation.reached else []
        values["role"] = participation.role.value
        await self._session.execute(_PUT_PARTICIPATION.bindparams(**values))

    async def is_invited(self, cohort_id: UUID, person_id: UUID) -> bool:
        """Whether the person was ever matched in the cohort."""
        return bool(await self._session.scalar(select(is_asked(person_id, cohort_id))))

    async def invited(self, cohort_id: UUID) -> int:
        """How many people were ever matched in the cohort."""
        return int(await self._session.scalar(select(func.count()).select_from(asked_people(cohort_id).subquery())))


class Pairs:
    """Pairs, out of two services' topics."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def put_formed(self, ids: PairIds, *, score: int, formed_at: datetime | None, sequence: int) -> None:
        """Write what matching says."""
        values = {**_ids(ids), "score": score, "formed_at": formed_at, "sequence": sequence}
        await self._session.execute(_PUT_FORMED.bindparams(**values))

    async def put_life(self, fact: PairLifeFact) -> None:
        """Write what engagement says."""
        values = asdict(fact)
        del values["ids"]
        values |= {**_ids(fact.ids), "ended": fact.ended.value if fact.ended else None}
        await self._session.execute(_PUT_LIFE.bindparams(**values))


class Pauses:
    """When pairs stood still."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, pause: KnownPause) -> None:
        """Stage it, once."""
        values = {**asdict(pause), "named_unit_ids": list(pause.named_unit_ids)}
        self._session.upsert(known_pauses, values, key=["pair_id", "sequence"], newer="sequence")


class Meetings:
    """Meetings: the hot projection, one statement a batch."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def put(self, meetings: Sequence[KnownMeeting]) -> None:
        """Write all; each meeting is there once."""
        columns = {
            name: [getattr(meeting, name) for meeting in meetings]
            for name in (
                "meeting_id", "business_unit_id", "pair_id", "cohort_id", "state", "scheduled_for", "held_at", "minutes",
                "channel", "changed_at", "sequence",
            )
        }  # fmt: skip
        # unnest would flatten an array of arrays, so each array travels as its text.
        units = ["{" + ",".join(str(unit) for unit in meeting.named_unit_ids) + "}" for meeting in meetings]
        await self._session.execute(_PUT_MEETINGS.bindparams(**columns, units=units))


class Runs:
    """Released match runs."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def put(self, run: KnownRun) -> None:
        """Stage the newest."""
        values = {**asdict(run), "named_unit_ids": list(run.named_unit_ids), "excluded": dict(run.excluded)}
        self._session.upsert(known_runs, values, key=["run_id"], newer="sequence")


def _ids(ids: PairIds) -> dict[str, object]:
    return {**asdict(ids), "named_unit_ids": list(ids.named_unit_ids)}
