"""What the schema keeps from everybody: who took a token, and who answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from evaluation.adapters.tables import participation

pytestmark = pytest.mark.integration


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_table_outside_alembic_s_sight_is_as_its_code_says(make_database: Any) -> None:
    database = make_database("evaluation", migrated=True)
    async with connected(database.admin_dsn) as connection:
        rows = await connection.fetch(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'participation' AND table_name = 'token_grants'"
        )
    (table,) = participation.tables.values()
    assert {row["column_name"] for row in rows} == set(table.columns.keys())
    assert {row["data_type"] for row in rows} == {"uuid", "ARRAY"}
    assert {row["is_nullable"] for row in rows} == {"NO"}


@pytest.mark.requirement("S18")
async def test_the_api_can_note_who_took_a_token_and_never_look(make_database: Any) -> None:
    database = make_database("evaluation", migrated=True)
    async with connected(database.dsn("api")) as connection:
        for statement in (
            "SELECT * FROM participation.token_grants",
            "SELECT count(*) FROM participation.token_grants",
            "DELETE FROM participation.token_grants",
            "UPDATE participation.token_grants SET person_id = person_id",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


@pytest.mark.requirement("S18")
async def test_answers_have_no_column_that_could_tell_who_or_when(make_database: Any) -> None:
    database = make_database("evaluation", migrated=True)
    async with connected(database.admin_dsn) as connection:
        rows = await connection.fetch(
            "SELECT table_name, column_name, data_type, column_default FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name IN ('responses', 'spent_tokens')"
        )
    assert {row["data_type"] for row in rows} <= {"uuid", "ARRAY", "text", "jsonb", "bytea"}
    assert {row["column_name"] for row in rows if row["table_name"] == "responses"} == {
        "response_id", "business_unit_id", "named_unit_ids", "wave_id", "role", "answers",
    }  # fmt: skip
    (key,) = (row for row in rows if row["column_name"] == "response_id")
    assert key["column_default"] == "gen_random_uuid()"
