"""Connections that many units share: cancelled, cut and reused, none ever shows one unit the rows of another or loses a commit."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis.database import CommitInDoubt, Unavailable
from chassis.shares import ShareTaken
from contracts.identifiers import uuid7
from sqlalchemy import select, text

from .notebook import note, notes, request, response

pytestmark = pytest.mark.integration


@pytest.mark.requirement("S3", "F11", "I9")
async def test_twenty_units_over_four_connections_never_see_each_other(composed, own_database, own_admin):
    api = composed(own_database, "api", api_pool_size=4, pool_wait_seconds=20)
    units = [uuid7() for _ in range(20)]
    chance = random.Random(20)
    foreign: list[Any] = []
    acknowledged: dict[UUID, UUID] = {}
    cancelled = cut = 0

    async def write(unit, row):
        async with api.database.write(business_unit_id=unit) as session:
            if chance.random() < 0.5:
                found = await session.fetch_all(select(notes))
                foreign.extend(other for other in found if other["business_unit_id"] != unit)
            session.insert(notes, row)
            await session.commit(request(unit), response())
        acknowledged[row["note_id"]] = unit

    async def read(unit):
        async with api.database.read(business_unit_id=unit) as session:
            if chance.random() < 0.1:
                await session.scalar(text("SELECT pg_sleep(0.003)"))
            found = await session.fetch_all(select(notes).limit(50))
            foreign.extend(other for other in found if other["business_unit_id"] != unit)

    async def client(number: int) -> None:
        nonlocal cancelled, cut
        for _ in range(75):
            unit = chance.choice(units)
            task = asyncio.create_task(write(unit, note(unit)) if chance.random() < 0.4 else read(unit))
            if chance.random() < 0.15:
                await asyncio.sleep(chance.random() * 0.004)
                task.cancel()
            if number == 0 and chance.random() < 0.3:
                victims = await own_admin.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'engagement_api' AND datname = current_database()"
                )
                if victims:
                    cut += await own_admin.fetchval(
                        "SELECT pg_terminate_backend($1)::int", chance.choice(victims)["pid"]
                    )
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            except Unavailable:
                pass

    await asyncio.gather(*(client(number) for number in range(40)))
    assert (cancelled > 100, cut > 10) == (True, True), (cancelled, cut)
    assert foreign == []
    kept = {row["note_id"]: row["business_unit_id"] for row in await own_admin.fetch("SELECT * FROM notes")}
    lost = [note_id for note_id, unit in acknowledged.items() if kept.get(note_id) != unit]
    assert lost == [], f"{len(lost)} of {len(acknowledged)} answered writes are gone"
    assert len(acknowledged) > 500
    open_ = await own_admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'engagement_api' AND datname = current_database()"
        " AND state LIKE 'idle in transaction%'"
    )
    assert open_ == 0
    for unit in units[:5]:
        await read(unit)


@pytest.mark.requirement("F11", "I9")
async def test_a_begin_that_was_cancelled_does_not_swallow_the_next_write(
    composed, own_database, own_admin, unit, monkeypatch
):
    """The transaction that it may have opened would hold the next single statement, answered and never committed."""
    api = composed(own_database, "api", api_pool_size=1)
    real = asyncpg.Connection.execute

    async def cancelled_after(self, query, *arguments, **more):
        result = await real(self, query, *arguments, **more)
        if query.startswith("BEGIN READ ONLY"):
            monkeypatch.setattr(asyncpg.Connection, "execute", real)
            raise asyncio.CancelledError
        return result

    monkeypatch.setattr(asyncpg.Connection, "execute", cancelled_after)
    with pytest.raises(asyncio.CancelledError):
        async with api.database.read(business_unit_id=unit) as session:
            await session.fetch_all(select(notes))
    row = note(unit)
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, row)
        await session.commit(request(unit), response())
    assert await own_admin.fetchval("SELECT count(*) FROM notes WHERE note_id = $1", row["note_id"]) == 1


@pytest.mark.requirement("F11")
async def test_connections_that_were_cut_are_replaced(composed, own_database, own_admin, unit):
    api = composed(own_database, "api", api_pool_size=2)
    for state in ("idle", "in use"):
        async with api.database.read(business_unit_id=unit) as one, api.database.read(business_unit_id=unit) as other:
            await one.fetch_all(select(notes))
            await other.fetch_all(select(notes))
            if state == "in use":
                await _cut(own_admin)
                with pytest.raises(Unavailable):
                    await one.fetch_all(select(notes))
        if state == "idle":
            await _cut(own_admin)
            await asyncio.sleep(0.05)
        for _ in range(4):
            async with api.database.read(business_unit_id=unit) as session:
                assert await session.fetch_all(select(notes)) == []


async def _cut(admin) -> None:
    cut = await admin.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'engagement_api' AND datname = current_database()"
    )
    assert len(cut) == 2


@pytest.mark.requirement("F12")
async def test_a_full_pool_says_so_in_time(composed, own_database, unit):
    api = composed(own_database, "api", api_pool_size=1, pool_wait_seconds=0.2)
    async with api.database.read(business_unit_id=unit) as holder:
        await holder.fetch_all(select(notes))
        with pytest.raises(Unavailable):
            async with api.database.read(business_unit_id=unit) as session:
                await session.fetch_all(select(notes))


@pytest.mark.requirement("F12")
async def test_a_write_that_found_no_connection_is_not_in_doubt(composed, own_database, unit):
    """Nothing was sent, so running it again at once would only add to the queue."""
    api = composed(own_database, "api", api_pool_size=1, pool_wait_seconds=0.2)
    async with api.database.read(business_unit_id=unit) as holder:
        await holder.fetch_all(select(notes))
        async with api.database.write(business_unit_id=unit) as session:
            session.insert(notes, note(unit))
            with pytest.raises(Unavailable) as caught:
                await session.commit(request(unit), response())
    assert not isinstance(caught.value, CommitInDoubt)
    assert isinstance(caught.value.__cause__, ShareTaken)


@pytest.mark.requirement("F12", "F22")
async def test_one_unit_and_one_route_leave_connections_to_others(composed, own_database, unit):
    api = composed(own_database, "api", api_pool_size=10, pool_wait_seconds=0.2)
    async with AsyncExitStack() as held:

        async def hold(who, route):
            session = await held.enter_async_context(api.database.read(business_unit_id=who, route=route))
            await session.fetch_all(select(notes))

        for _ in range(5):
            await hold(unit, "/v1/notes")
        with pytest.raises(Unavailable):
            await hold(uuid7(), "/v1/notes")
        await hold(unit, "/v1/others")
        await hold(uuid7(), "/v1/others")
        await api.database.ping()
