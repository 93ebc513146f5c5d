"""What the relay takes for the highest number drawn: never one that somebody is still to draw."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from chassis.relay import HIGHEST

pytestmark = [pytest.mark.integration, pytest.mark.requirement("I1")]

DRAWS = 2_000_000
READINGS = 400_000


async def _ahead(admin: asyncpg.Connection, reading: str, times: int) -> int:
    """How often a number that is drawn after a reading is not above it; the rows with such a number are never sent."""
    await admin.execute(
        f"""CREATE OR REPLACE FUNCTION pg_temp.ahead(times integer) RETURNS integer LANGUAGE plpgsql AS $$
        DECLARE highest bigint; found integer := 0;
        BEGIN
            FOR turn IN 1..times LOOP
                highest := ({reading});
                IF nextval('outbox_seq') <= highest THEN found := found + 1; END IF;
            END LOOP;
            RETURN found;
        END $$"""
    )
    return int(await admin.fetchval("SELECT pg_temp.ahead($1)", times))


async def test_the_highest_number_is_one_that_was_drawn(own_database, own_admin):
    assert await own_admin.fetchval(HIGHEST) == 0
    assert await own_admin.fetchval("SELECT nextval('outbox_seq')") == 1
    assert await own_admin.fetchval(HIGHEST) == 1
    other = await asyncpg.connect(own_database.admin_dsn)
    try:
        drawing = asyncio.create_task(
            other.execute(f"DO $$ BEGIN FOR turn IN 1..{DRAWS} LOOP PERFORM nextval('outbox_seq'); END LOOP; END $$")
        )
        assert await _ahead(own_admin, HIGHEST, READINGS) == 0
        await drawing
    finally:
        await other.close()


async def test_the_role_that_relays_may_read_it(own_database, own_admin):
    await own_admin.execute("SELECT nextval('outbox_seq')")
    worker = await asyncpg.connect(own_database.dsn("worker"))
    try:
        assert await worker.fetchval(HIGHEST) == 1
    finally:
        await worker.close()
