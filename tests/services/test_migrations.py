"""The migrations of every service build what its tables say, and can be undone."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from chassis import migrations

from .anatomy import SERVICES, migrations_of, part, tables_of

pytestmark = pytest.mark.integration


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
    finally:
        await connection.close()
    return {row["tablename"] if row["schemaname"] == "public" else ".".join(row.values()) for row in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_up_down_and_up_again(make_database: Any, service: str) -> None:
    database = make_database(service)
    url = database.dsn("owner").replace("postgresql://", "postgresql+asyncpg://")
    metadata, folder = part(service, "adapters.tables").metadata, migrations_of(service)
    migrations.migrate(folder, url, metadata)
    built = await _tables(database.admin_dsn)
    assert tables_of(service) < built
    migrations.check(folder, url, metadata)
    migrations.migrate(folder, url, metadata, to="base", way="down")
    assert await _tables(database.admin_dsn) == {"alembic_version"}
    migrations.migrate(folder, url, metadata)
    assert await _tables(database.admin_dsn) == built


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrations_travel_with_the_source(service: str) -> None:
    assert (migrations_of(service) / "env.py").is_file()
