"""Three roles and a policy on every table: what the database itself refuses, whatever the code above it does."""

from __future__ import annotations

import asyncpg
import pytest
from chassis.migrations import check, migrate

from .notebook import MIGRATIONS, metadata, note, notes, settings_for

pytestmark = [pytest.mark.integration, pytest.mark.requirement("S2")]


async def test_every_table_of_a_unit_is_under_forced_policies_that_also_check_what_is_written(admin):
    tables = await admin.fetch(
        """SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'business_unit_id' AND NOT a.attisdropped
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"""
    )
    names = {row["relname"] for row in tables}
    assert names >= {"notes", "boards", "known_meetings", "effects", "outbox", "idempotency_keys", "audit_log"}
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in tables)
    policies = await admin.fetch("SELECT tablename, roles, qual, with_check FROM pg_policies")
    for name in names:
        api = [row for row in policies if row["tablename"] == name and "engagement_api" in row["roles"]]
        assert api, name
        assert all("app.business_unit" in row["qual"] and "app.business_unit" in row["with_check"] for row in api), name


async def test_no_working_role_owns_a_table_or_stands_above_policies(admin):
    owners = await admin.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert [row["tableowner"] for row in owners] == ["engagement_owner"]
    roles = await admin.fetch("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname ~ '^engagement_(api|worker)$'")
    assert len(roles) == 2
    assert not any(row["rolsuper"] or row["rolbypassrls"] for row in roles)


async def test_without_a_unit_the_api_role_sees_nothing(notebook_database, worker, unit):
    async with worker.database.write() as session:
        session.insert(notes, note(unit))
        await session.commit()
    api = await asyncpg.connect(notebook_database.dsn("api"))
    try:
        assert await api.fetchval("SELECT count(*) FROM notes") == 0
        await api.execute("SET app.business_unit = ''")
        assert await api.fetchval("SELECT count(*) FROM notes") == 0
        await api.execute(f"SET app.business_unit = '{unit}'")
        assert await api.fetchval("SELECT count(*) FROM notes") == 1
    finally:
        await api.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT value FROM outbox",
        "DELETE FROM outbox",
        "UPDATE outbox SET value = ''",
        "SELECT * FROM inbox",
        "SELECT * FROM parked_events",
        "UPDATE relay_cursor SET seq = 0",
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "UPDATE idempotency_keys SET body = ''",
        "SELECT outbox_keep_partitions(0, 0, 0)",
        "INSERT INTO known_meetings VALUES (gen_random_uuid(), gen_random_uuid(), 1, 1)",
        "CREATE TABLE mine (x int)",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "SELECT value FROM outbox_default",
    ],
)
async def test_the_api_role_may_not(notebook_database, unit, sql):
    api = await asyncpg.connect(notebook_database.dsn("api"))
    try:
        await api.execute(f"SET app.business_unit = '{unit}'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(sql)
    finally:
        await api.close()


@pytest.mark.parametrize("sql", ["UPDATE outbox SET value = ''", "DELETE FROM outbox", "DELETE FROM audit_log"])
async def test_not_even_the_worker_changes_what_was_written_down(notebook_database, sql):
    worker = await asyncpg.connect(notebook_database.dsn("worker"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(sql)
    finally:
        await worker.close()


async def test_the_worker_crosses_units(worker, admin, unit):
    rows = [note(unit), note(note(unit)["note_id"])]
    async with worker.database.write() as session:
        for row in rows:
            session.insert(notes, row)
        await session.commit()
    async with worker.database.read() as session:
        seen = await session.fetch_all(notes.select().where(notes.c.note_id.in_([row["note_id"] for row in rows])))
    assert len(seen) == 2


async def test_migrations_go_up_agree_with_the_tables_and_go_down_to_nothing(make_database):
    database = make_database("engagement")
    url = settings_for(database).database_url("owner", "engagement")
    migrate(MIGRATIONS, url, metadata)
    check(MIGRATIONS, url, metadata)
    migrate(MIGRATIONS, url, metadata, to="base", way="down")
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        left = await admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic'"
            " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
    finally:
        await admin.close()
    assert [row["relname"] for row in left] == []
    migrate(MIGRATIONS, url, metadata)
