"""A page of people costs a page's worth of reading, whatever the planner believes of the tables."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis.testing import settings_on
from enrollment.adapters.views import people_page
from enrollment.application.views import PeopleFilter
from enrollment.settings import Settings
from sqlalchemy.dialects import postgresql

from ..running import Enrollment

pytestmark = pytest.mark.integration

_DIALECT: Any = postgresql.dialect
PEOPLE = 100_000
PAGE = 51
MOST_BLOCKS = 8 * PAGE
"""A row of a page takes its own block and a few of an index, in both tables; the tables have thousands."""

_PEOPLE = """
INSERT INTO people (
    person_id, business_unit_id, employed, grade, grade_rank, dotted_line_manager_ids, manager_unknown, time_zone, languages, version,
    changed_at
)
SELECT gen_random_uuid(), $1, true, 'E1', 1, '{}', false, 'Europe/London', '[]', 1, now() FROM generate_series(1, $2)
"""
_IDENTITIES = """
INSERT INTO people_identities (person_id, business_unit_id, employee_number, employee_key)
SELECT person_id, business_unit_id, person_id::text, person_id::text FROM people WHERE business_unit_id = $1
"""


@pytest.fixture
async def owned(
    make_database: Any, tmp_path: Path
) -> AsyncIterator[tuple[Enrollment, asyncpg.Connection[asyncpg.Record]]]:
    """The service upon a fresh database which nobody counts unasked, and its owner's connection."""
    database = make_database("enrollment", migrated=True)
    owner = await asyncpg.connect(database.dsn("owner"))
    try:
        for table in ("people", "people_identities"):
            await owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        async with Enrollment(settings_on(Settings, database, tmp_path)) as running:
            yield running, owner
    finally:
        await owner.close()


async def _imported(enrollment: Enrollment, count: int) -> UUID:
    """A unit with so many people, as an import leaves them."""
    unit = uuid4()
    async with enrollment.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("SET LOCAL statement_timeout = '120s'")
        await driver.execute(_PEOPLE, unit, count)
        await driver.execute(_IDENTITIES, unit)
        await session.commit()
    return unit


async def _blocks_of_a_page(enrollment: Enrollment, unit: UUID, after: UUID | None) -> int:
    """Blocks that a page of the unit reads for the api role."""
    statement = people_page(PeopleFilter(), after, PAGE)
    sql = str(statement.compile(dialect=_DIALECT(), compile_kwargs={"literal_binds": True}))
    async with enrollment.api.database.write(business_unit_id=unit) as session:
        driver = await session.driver()
        ((explained,),) = await driver.fetch("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql)
    plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    assert plan["Actual Rows"] == PAGE, explained
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("counted", ["never", "before the import", "after the import"])
async def test_a_page_right_after_an_import_reads_a_page(
    owned: tuple[Enrollment, asyncpg.Connection[asyncpg.Record]], counted: str
) -> None:
    enrollment, owner = owned
    await _imported(enrollment, 20)
    if counted == "before the import":
        await owner.execute("ANALYZE people, people_identities")
    unit = await _imported(enrollment, PEOPLE)
    if counted == "after the import":
        await owner.execute("ANALYZE people, people_identities")
    for after in (None, UUID("80000000-0000-4000-8000-000000000000")):
        assert await _blocks_of_a_page(enrollment, unit, after) <= MOST_BLOCKS
