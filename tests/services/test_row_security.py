"""Who sees which rows of any service, as the database itself has it: on a row made up for every table, whatever the routes do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis.schema import is_mechanism_table

from .anatomy import SERVICES, tables_of

pytestmark = [pytest.mark.integration, pytest.mark.requirement("S2")]

# What the api never looks at: events, who took a token of a survey, who declared which audit group.
NEVER_READ = {"outbox", "participation.token_grants", "known_audit_groups", "governance_cells"}

_TABLES = """
SELECT c.oid, CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name, c.relname,
       pg_get_userbyid(c.relowner) AS owner, c.relrowsecurity AND c.relforcerowsecurity AS forced,
       (SELECT json_object_agg(p.policyname, json_build_array(p.qual, p.with_check)) FROM pg_policies p
         WHERE p.schemaname = n.nspname AND p.tablename = c.relname)::text AS policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$)'
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS kind, atthasdef FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
"""
_RULES = "SELECT conrelid::regclass AS holder, conname FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid <> 0"
_VALUES = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "character varying": "'x'",
    "integer": "1",
    "smallint": "1",
    "bigint": "1",
    "numeric": "1",
    "double precision": "1",
    "boolean": "false",
    "date": "current_date",
    "time without time zone": "localtime",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "json": "'{}'",
    "bytea": r"'\x00'",
}


@dataclass
class Filled:
    """A migrated database with one row of `host` in every table that has tenants, and `guest` named on it where it can be."""

    service: str
    database: Any
    admin: Any
    tables: dict[str, Any] = field(default_factory=dict)
    tenants: dict[str, set[str]] = field(default_factory=dict)
    inserts: dict[str, str] = field(default_factory=dict)
    host: UUID = field(default_factory=uuid4)
    guest: UUID = field(default_factory=uuid4)

    async def fill(self) -> None:
        """Make up the rows: values by their types alone, so what the tables demand of values is dropped first."""
        self.tables = {row["name"]: row for row in await self.admin.fetch(_TABLES)}
        for rule in await self.admin.fetch(_RULES):
            await self.admin.execute(
                f'ALTER TABLE {rule["holder"]} DROP CONSTRAINT IF EXISTS "{rule["conname"]}" CASCADE'
            )
        for name, table in self.tables.items():
            columns = {row["attname"]: row for row in await self.admin.fetch(_COLUMNS, table["oid"])}
            if "business_unit_id" not in columns:
                continue
            values = {
                column: "'{}'" if row["kind"].endswith("[]") else _VALUES[row["kind"]]
                for column, row in columns.items()
                if not row["atthasdef"]
            }
            values["business_unit_id"] = f"'{self.host}'"
            if "named_unit_ids" in columns:
                values["named_unit_ids"] = f"'{{{self.host},{self.guest}}}'"
            self.inserts[name] = f"INSERT INTO {name} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
            self.tenants[name] = set(columns)
            await self.admin.execute(self.inserts[name])

    async def may(self, role: str, right: str, table: str) -> bool:
        """Whether a role of the service has a right on a table at all."""
        sql = "SELECT has_schema_privilege($1, split_part($2, '.', 1), 'USAGE')" if "." in table else "SELECT true"
        who = f"{self.service}_{role}"
        reachable = await self.admin.fetchval(sql, *([who, table] if "." in table else []))
        return bool(
            reachable and await self.admin.fetchval("SELECT has_table_privilege($1, $2, $3)", who, table, right)
        )

    async def seen(self, role: str, unit: UUID | str | None) -> dict[str, int]:
        """Rows of each table of tenants that a role sees with a unit set; tables it may not read are left out."""
        connection = await asyncpg.connect(self.database.dsn(role))
        try:
            if unit is not None:
                await connection.execute(f"SET app.business_unit = '{unit}'")
            return {
                table: await connection.fetchval(f"SELECT count(*) FROM {table}")
                for table in self.tenants
                if await self.may(role, "SELECT", table)
            }
        finally:
            await connection.close()


@pytest.fixture(scope="module", params=SERVICES)
async def filled(request: pytest.FixtureRequest, make_database: Any) -> AsyncIterator[Filled]:
    """Each service's database in turn."""
    database = make_database(request.param, migrated=True)
    admin = await asyncpg.connect(database.admin_dsn)
    made = Filled(request.param, database, admin)
    await made.fill()
    yield made
    await admin.close()


async def test_every_table_is_under_forced_policies_that_also_check_what_is_written(filled: Filled) -> None:
    own = {name: row for name, row in filled.tables.items() if not is_mechanism_table(row["relname"])}
    assert set(own) == tables_of(filled.service)
    for name, row in own.items():
        assert row["forced"], name
        policies = json.loads(row["policies"])
        assert set(policies) == {"api", "worker"}, name
        assert all(used and checked for used, checked in policies.values()), name
    for name in filled.tenants:
        assert filled.tables[name]["forced"], name
        used, checked = json.loads(filled.tables[name]["policies"])["api"]
        assert "app.business_unit" in used, name
        assert "app.business_unit" in checked, name
    assert {"outbox", "idempotency_keys", "audit_log"} < set(filled.tenants)


async def test_no_working_role_owns_a_table_or_stands_above_policies(filled: Filled) -> None:
    owner, api, worker = (f"{filled.service}_{role}" for role in ("owner", "api", "worker"))
    assert {row["owner"] for row in filled.tables.values()} == {owner}
    rows = await filled.admin.fetch("SELECT * FROM pg_roles WHERE rolname = ANY ($1)", [owner, api, worker])
    assert {row["rolname"] for row in rows} == {owner, api, worker}
    for row in rows:
        assert not any(row[power] for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb")), row[
            "rolname"
        ]
    for one, other in ((api, owner), (worker, owner), (api, worker)):
        assert not await filled.admin.fetchval("SELECT pg_has_role($1, $2, 'MEMBER')", one, other), (one, other)


@pytest.mark.requirement("I7")
async def test_a_unit_sees_its_own_rows_and_what_names_it_and_nothing_else(filled: Filled) -> None:
    readable = set(filled.tenants) - NEVER_READ
    for nobody in (None, "", uuid4()):
        assert await filled.seen("api", nobody) == dict.fromkeys(readable, 0), nobody
    assert await filled.seen("api", filled.host) == dict.fromkeys(readable, 1)
    named = {table: int("named_unit_ids" in filled.tenants[table]) for table in readable}
    assert await filled.seen("api", filled.guest) == named
    assert any(named.values())


async def test_the_worker_crosses_units_and_the_owner_sees_nothing(filled: Filled) -> None:
    assert set((await filled.seen("worker", None)).values()) == {1}
    own = {table: rows for table, rows in (await filled.seen("owner", None)).items() if not is_mechanism_table(table)}
    assert own
    assert not any(own.values())


@pytest.mark.requirement("I7")
async def test_a_unit_writes_no_row_of_another(filled: Filled) -> None:
    connection = await asyncpg.connect(filled.database.dsn("api"))
    tried = 0
    try:
        await connection.execute(f"SET app.business_unit = '{uuid4()}'")
        for table, insert in filled.inserts.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(insert)
            changes = {
                "UPDATE": f"UPDATE {table} SET business_unit_id = business_unit_id",
                "DELETE": f"DELETE FROM {table}",
            }
            for right, change in changes.items():
                if table not in NEVER_READ and await filled.may("api", right, table):
                    assert await connection.execute(change) == f"{right} 0", table
                    tried += 1
    finally:
        await connection.close()
    assert tried
