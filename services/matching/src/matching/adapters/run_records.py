"""What a run leaves behind besides its proposals: its input and proof, compressed, and whom it found no pair for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from chassis.database import WriteSession
from sqlalchemy import ARRAY, Table, Uuid, bindparam, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql

from matching.adapters.tables import pairs, run_records, run_unmatched, runs
from matching.domain.explanation import Unmatched
from matching.domain.match_run import MatchRun
from matching.domain.run_input import unpacked

ROWS_AT_ONCE = 1000
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects carry no annotations


async def insert_all(session: WriteSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new rows at once, `ROWS_AT_ONCE` a statement, each statement with one parameter.

    Row-level security forbids COPY; a parameter a value costs ten times as much.
    """
    if not rows:
        return
    columns = list(rows[0])
    types = ", ".join(f"{name} {table.c[name].type.compile(dialect=_DIALECT)}" for name in columns)
    named = ", ".join(columns)
    statement = text(
        f"INSERT INTO {table.name} ({named}) SELECT {named} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r ({types})"
    )
    for start in range(0, len(rows), ROWS_AT_ONCE):
        document = msgspec.json.encode(rows[start : start + ROWS_AT_ONCE]).decode()
        await session.execute(statement, [{"rows": document}])


class RunRecords:
    """See `application.ports.RunRecordRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def clear(self, run_id: UUID) -> None:
        """See the port."""
        for table in (run_records, run_unmatched, pairs):
            await self._session.execute(delete(table).where(table.c.run_id == run_id))

    async def put(self, run: MatchRun, name: str, content: bytes) -> None:
        """See the port."""
        values = {"run_id": run.run_id, "name": name, "business_unit_id": run.business_unit_id}
        await self._session.execute(insert(run_records).values(**values, content=content))

    async def get(self, run_id: UUID, name: str) -> bytes | None:
        """See the port."""
        content = await self._session.scalar(
            select(run_records.c.content).where(run_records.c.run_id == run_id, run_records.c.name == name)
        )
        return None if content is None else unpacked(content)

    async def erase(self, people: Collection[UUID]) -> None:
        """See the port."""
        seen = runs.c.people.overlap(bindparam("erased", list(people), postgresql.ARRAY(Uuid)))
        about = select(runs.c.run_id).where(seen)
        await self._session.execute(delete(run_records).where(run_records.c.run_id.in_(about)))
        gone = bindparam("gone", list(people), ARRAY(Uuid))
        await self._session.execute(delete(run_unmatched).where(run_unmatched.c.person_id == func.any(gone)))

    async def add_unmatched(self, run: MatchRun, unmatched: Sequence[Unmatched]) -> None:
        """See the port."""
        owned = {"run_id": run.run_id, "cohort_id": run.cohort_id, "business_unit_id": run.business_unit_id}
        await insert_all(
            self._session,
            run_unmatched,
            [
                {
                    **owned,
                    "participation_id": item.participation_id,
                    "person_id": item.person_id,
                    "named_unit_ids": sorted({*run.named_unit_ids, *item.unit_ids}),
                    "role": item.role.value,
                    "reason": item.reason.value,
                    "considered": item.considered,
                    "allowed": item.allowed,
                    "broken": {rule.value: count for rule, count in item.broken.items()},
                }
                for item in unmatched
            ],
        )
