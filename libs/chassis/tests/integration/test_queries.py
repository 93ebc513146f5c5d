"""A query that is compiled once returns what SQLAlchemy itself would, for every kind of column that needs something done to it."""

from __future__ import annotations

import pytest
from chassis.audit import audit_log
from chassis.queries import Query
from contracts.identifiers import uuid7
from sqlalchemy import bindparam, select

from .notebook import NOON, boards, note, notes

pytestmark = pytest.mark.integration


async def test_rows_are_as_sqlalchemy_returns_them(composed, own_database, unit):
    worker = composed(own_database, "worker")
    row, board = (
        note(unit, code="a"),
        {"board_id": uuid7(), "business_unit_id": unit, "named_unit_ids": [unit, uuid7()]},
    )
    entry = {
        "business_unit_id": unit, "at": NOON, "actor": "x", "actor_person_id": None, "action": "y", "subject_id": unit,
        "before": None, "after": {"minutes": [1, 2], "name": "ä"},
    }  # fmt: skip
    async with worker.database.write() as session:
        for table, values in ((notes, row), (boards, board), (audit_log, entry)):
            session.insert(table, values)
        await session.commit()
    async with worker.database.read() as session:
        for table, key, value in (
            (notes, notes.c.note_id, row["note_id"]),
            (boards, boards.c.board_id, board["board_id"]),
            (audit_log, audit_log.c.subject_id, unit),
        ):
            query = Query(select(table).where(key == bindparam("wanted"), table.c.business_unit_id == unit))
            found = await session.look_up(query, wanted=value)
            assert dict(found) == dict(await session.fetch_one(select(table).where(key == value)))
            assert await session.look_up(query, wanted=uuid7()) is None
        with pytest.raises(KeyError, match="wnated"):
            await session.look_up(query, wnated=unit)
