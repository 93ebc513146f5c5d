"""A large cohort as rows of matching's database, and changes to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import asyncpg
from matching.domain.facts import Candidate, Line, ProgramRules, Snapshot

UNIT = UUID(int=(0xC << 64))
PROGRAM, COHORT = UUID(int=(0xD << 64) + 1), UUID(int=(0xD << 64) + 2)


@dataclass(frozen=True, slots=True)
class CohortRows:
    """The database behind an address that knows no row policies."""

    dsn: str

    async def fill(self, snapshot: Snapshot, *, mentors_per_mentee: int = 1) -> None:
        """Write everything a run reads of the snapshot's cohort."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.set_type_codec(
                "jsonb", encoder=_jsonb, decoder=_document, schema="pg_catalog", format="binary"
            )
            await _insert(connection, "known_programs", [_program(snapshot.rules, mentors_per_mentee)])
            await _insert(connection, "known_cohorts", [_cohort(snapshot)])
            people = {one.person_id: one for one in (*snapshot.mentors, *snapshot.mentees)}
            await _insert(
                connection, "known_people", (_person(line, people[line.person_id]) for line in snapshot.lines)
            )
            await _insert(
                connection,
                "known_participations",
                (_participation(one) for one in (*snapshot.mentors, *snapshot.mentees)),
            )
            await connection.execute("ANALYZE")
        finally:
            await connection.close()

    async def withdraw(self, participations: Sequence[UUID]) -> None:
        """Let these people take part no more."""
        await self.execute(
            "UPDATE known_participations SET state = 'withdrawn', sequence = sequence + 1 WHERE participation_id = ANY ($1)",
            list(participations),
        )

    async def execute(self, statement: str, *arguments: Any) -> None:
        """Run a statement."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        """The rows of a query."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()


def _jsonb(value: Any) -> bytes:
    """A document as COPY takes it: a byte for the version of the format, then its text."""
    return b"\x01" + json.dumps(value).encode()


def _document(content: bytes) -> Any:
    return json.loads(content[1:])


async def _insert(connection: Any, table: str, rows: Iterable[dict[str, Any]]) -> None:
    listed = list(rows)
    columns = list(listed[0])
    await connection.copy_records_to_table(
        table, records=[tuple(row[column] for column in columns) for row in listed], columns=columns
    )


def _program(rules: ProgramRules, mentors_per_mentee: int) -> dict[str, Any]:
    return {
        "program_id": PROGRAM, "business_unit_id": UNIT, "settings_version": 1, "pair_type": rules.pair_type.value,
        "direction": rules.direction.value, "minimum_grade_gap": rules.minimum_grade_gap,
        "minimum_language_level": int(rules.minimum_language_level),
        "minimum_overlap_minutes": rules.minimum_overlap_minutes, "weights": asdict(rules.weights),
        "acceptance_days": 14, "facilitator_ids": [], "unit_policy": rules.unit_policy.value,
        "repeat_pairs": rules.repeat_pairs, "preference_limit": rules.preference_limit,
        "mentors_per_mentee": mentors_per_mentee, "sequence": 1,
    }  # fmt: skip


def _cohort(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "cohort_id": COHORT, "program_id": PROGRAM, "business_unit_id": UNIT, "named_unit_ids": [UNIT],
        "state": "matching", "starts_on": snapshot.starts_on, "sequence": 1,
    }  # fmt: skip


def _person(line: Line, person: Candidate) -> dict[str, Any]:
    return {
        "person_id": line.person_id, "business_unit_id": person.business_unit_id, "employed": person.employed,
        "grade_rank": person.grade_rank, "manager_id": line.manager_id,
        "dotted_line_ids": sorted(line.dotted_line_ids), "reviewer_ids": sorted(line.reviewer_ids), "team": person.team,
        "function": person.background.function, "region": person.background.region,
        "country": person.background.country, "project_codes": sorted(person.projects),
        "tenure_band": person.background.tenure, "sequence": 1,
    }  # fmt: skip


def _participation(one: Candidate) -> dict[str, Any]:
    time = one.working_time
    return {
        "participation_id": one.participation_id, "cohort_id": COHORT, "person_id": one.person_id,
        "business_unit_id": UNIT, "named_unit_ids": sorted({UNIT, one.business_unit_id}),
        "home_unit_id": one.business_unit_id, "role": one.role.value, "state": "admitted", "offers": dict(one.offers),
        "asks": dict(one.asks), "languages": {code: int(level) for code, level in one.languages.items()},
        "time_zone": time.time_zone, "start_minute": time.start_minute, "end_minute": time.end_minute,
        "working_days": sorted(time.days), "capacity": one.places, "declared_values": sorted(one.values),
        "style": dict(one.style), "channels": sorted(one.channels), "background_codes": sorted(one.background.life),
        "priority": one.priority, "sequence": 1,
    }  # fmt: skip
