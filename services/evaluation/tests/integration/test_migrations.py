"""The migrations build what the tables say, put every table under its policies, and can be undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from chassis import migrations
from chassis.schema import is_mechanism_table
from evaluation.adapters.tables import metadata, participation
from evaluation.bootstrap import MIGRATIONS

pytestmark = pytest.mark.integration

SCHEMAS = "('public', 'participation')"


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def tables(dsn: str) -> set[str]:
    async with connected(dsn) as connection:
        rows = await connection.fetch(f"SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN {SCHEMAS}")
    return {row["tablename"] if row["schemaname"] == "public" else ".".join(row.values()) for row in rows}


async def test_up_down_and_up_again(make_database: Any) -> None:
    database = make_database("evaluation")
    url = database.dsn("owner").replace("postgresql://", "postgresql+asyncpg://")
    migrations.migrate(MIGRATIONS, url, metadata)
    built = await tables(database.admin_dsn)
    assert set(metadata.tables) | set(participation.tables) < built
    migrations.check(MIGRATIONS, url, metadata)
    migrations.migrate(MIGRATIONS, url, metadata, to="base", way="down")
    assert await tables(database.admin_dsn) == {"alembic_version"}
    migrations.migrate(MIGRATIONS, url, metadata)
    assert await tables(database.admin_dsn) == built


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


@pytest.mark.requirement("S2")
async def test_every_table_is_under_forced_row_level_security(make_database: Any) -> None:
    database = make_database("evaluation", migrated=True)
    async with connected(database.admin_dsn) as connection:
        rows = await connection.fetch(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,"
            " (SELECT array_agg(p.policyname::text ORDER BY 1) FROM pg_policies p"
            "   WHERE p.schemaname = n.nspname AND p.tablename = c.relname"
            "   AND p.qual IS NOT NULL AND p.with_check IS NOT NULL) AS policies"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE c.relkind = 'r' AND n.nspname IN {SCHEMAS}"
        )
    own = {row["relname"]: row for row in rows if not is_mechanism_table(row["relname"])}
    assert len(own) == len(metadata.tables) + len(participation.tables)
    for name, row in own.items():
        assert row["forced"], name
        assert row["policies"] == ["api", "worker"], name


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
