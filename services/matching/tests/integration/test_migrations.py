"""The migrations build what the tables say, and can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis import migrations
from matching.adapters.tables import metadata
from matching.bootstrap import MIGRATIONS

pytestmark = pytest.mark.integration


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_up_down_and_up_again(make_database: Any) -> None:
    database = make_database("matching")
    url = database.dsn("owner").replace("postgresql://", "postgresql+asyncpg://")
    migrations.migrate(MIGRATIONS, url, metadata)
    built = await _tables(database.admin_dsn)
    assert set(metadata.tables) < built
    migrations.check(MIGRATIONS, url, metadata)
    migrations.migrate(MIGRATIONS, url, metadata, to="base", way="down")
    assert await _tables(database.admin_dsn) == {"alembic_version"}
    migrations.migrate(MIGRATIONS, url, metadata)
    assert await _tables(database.admin_dsn) == built


def test_the_migrations_travel_with_the_source() -> None:
    assert (Path(MIGRATIONS) / "env.py").is_file()
