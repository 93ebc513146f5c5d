"""The outbox in days: made ahead, dropped when old, and only when everything in them has been sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from contracts.identifiers import uuid7

from .notebook import manager, meeting

pytestmark = [pytest.mark.integration, pytest.mark.requirement("I1")]


def day(name: str) -> date:
    return datetime.strptime(name.removeprefix("outbox_"), "%Y%m%d").replace(tzinfo=UTC).date()


async def partitions(admin) -> list[date]:
    rows = await admin.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$' ORDER BY 1"
    )
    return [day(row["relname"]) for row in rows]


@pytest.fixture
def today() -> date:
    return datetime.now(UTC).date()


async def _old_partition(admin, when: date) -> None:
    await admin.execute("SET ROLE engagement_owner")
    await admin.execute(
        f"CREATE TABLE outbox_{when:%Y%m%d} PARTITION OF outbox FOR VALUES FROM ('{when}') TO ('{when + timedelta(days=1)}')"
    )
    await admin.execute("RESET ROLE")


async def _row(admin, when: date) -> int:
    return int(
        await admin.fetchval(
            "INSERT INTO outbox (appended_on, business_unit_id, topic, key, headers, value)"
            " VALUES ($1, gen_random_uuid(), 'updraft.engagement.meetings', 'k', '[]', 'v') RETURNING seq",
            when,
        )
    )


async def test_a_fresh_database_has_the_days_to_come(own_admin, today):
    assert await partitions(own_admin) == [today + timedelta(days=ahead) for ahead in range(8)]


async def test_an_event_lands_in_the_partition_of_its_day(own_database, own_admin, composed, today, unit):
    api = composed(own_database, "api")
    async with api.database.write(business_unit_id=unit) as session:
        api.open_unit_of_work(session, manager(unit)).publish(meeting(uuid7(), unit=unit), sequence=1)
        await session.commit()
    where = await own_admin.fetchval("SELECT tableoid::regclass::text FROM outbox")
    assert where == f"outbox_{today:%Y%m%d}"


async def test_old_days_are_dropped_only_behind_the_cursor(own_database, own_admin, today):
    sent_day, unsent_day, recent = (today - timedelta(days=days) for days in (20, 19, 5))
    for when in (sent_day, unsent_day, recent):
        await _old_partition(own_admin, when)
    sent, unsent, recent_row = [await _row(own_admin, when) for when in (sent_day, unsent_day, recent)]
    worker = await asyncpg.connect(own_database.dsn("worker"))
    try:
        keep = "SELECT outbox_keep_partitions(7, 7, $1)"
        assert await worker.fetchval(keep, sent) == 1
        assert [when for when in await partitions(own_admin) if when < today] == [unsent_day, recent]
        assert await worker.fetchval(keep, sent) == 0
        assert await worker.fetchval(keep, recent_row) == 1
        assert [when for when in await partitions(own_admin) if when < today] == [recent]
        assert [row["seq"] for row in await worker.fetch("SELECT seq FROM outbox")] == [recent_row]
    finally:
        await worker.close()
    assert sent < unsent < recent_row


async def test_a_day_without_a_partition_loses_nothing(own_database, own_admin, today):
    """A relay that was away for weeks: rows go to the default partition, and no partition is made over their heads."""
    far = today + timedelta(days=3)
    await own_admin.execute(f"DROP TABLE outbox_{far:%Y%m%d}")
    seq = await _row(own_admin, far)
    worker = await asyncpg.connect(own_database.dsn("worker"))
    try:
        await worker.fetchval("SELECT outbox_keep_partitions(7, 7, $1)", seq - 1)
        rows = await worker.fetch("SELECT tableoid::regclass::text AS part, seq FROM outbox")
    finally:
        await worker.close()
    assert [tuple(row) for row in rows] == [("outbox_default", seq)]


async def test_old_idempotency_keys_go_with_the_days(own_database, own_admin):
    insert = (
        "INSERT INTO idempotency_keys (business_unit_id, subject, key, request_hash, status, headers, body, answered_on)"
        " VALUES (gen_random_uuid(), 's', $1, '', 201, '{}', '', (now() AT TIME ZONE 'UTC')::date - $2::int)"
    )
    await own_admin.execute(insert, "old", 8)
    await own_admin.execute(insert, "young", 7)
    worker = await asyncpg.connect(own_database.dsn("worker"))
    try:
        await worker.fetchval("SELECT outbox_keep_partitions(7, 7, 0)")
    finally:
        await worker.close()
    assert [row["key"] for row in await own_admin.fetch("SELECT key FROM idempotency_keys")] == ["young"]
