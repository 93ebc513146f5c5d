"""The database is slow or blocked: who cannot be served is told so in time, the others are served, nothing stays stuck."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx
import pytest
from chassis.front import MOST_IN_FLIGHT
from figures import progress, record
from rig.ledger import Load
from rig.services import uuid7

pytestmark = pytest.mark.wire

LOCK_WAIT = 4.0
STATEMENT = 10.0
"""What PostgreSQL grants the api role (deploy/postgres/roles.sql), in seconds."""

QUEUE = 2.0
"""Longest wait for a connection, in seconds (pool_wait_seconds)."""

BUSY_MACHINE = 6.0
"""What a machine that does other things too may add, in seconds."""


class Health:
    """What the API said about itself while something was wrong, asked five times a second."""

    def __init__(self) -> None:
        self.live: list[int] = []
        self.ready: list[int] = []
        self.most_in_flight = 0.0


@asynccontextmanager
async def _watched(stage) -> AsyncIterator[Health]:
    health = Health()

    async def watch() -> None:
        async with httpx.AsyncClient(base_url=stage.address, timeout=10) as http:
            while True:
                health.live.append((await http.get("/health/live")).status_code)
                health.ready.append((await http.get("/health/ready")).status_code)
                lines = (await http.get("/metrics")).text.splitlines()
                in_flight = next(line for line in lines if line.startswith("updraft_http_in_flight "))
                health.most_in_flight = max(health.most_in_flight, float(in_flight.split()[1]))
                await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield health
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def _locked(stage, table: str) -> AsyncIterator[None]:
    admin = await asyncpg.connect(stage.databases["engagement"].admin_dsn)
    try:
        async with admin.transaction():
            await admin.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await admin.close()


@asynccontextmanager
async def _slow_inserts(stage, seconds: float) -> AsyncIterator[None]:
    """Every insert of a meeting sleeps."""
    admin = await asyncpg.connect(stage.databases["engagement"].admin_dsn)
    try:
        await admin.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN new; END $$;"
            "CREATE TRIGGER slow BEFORE INSERT ON counted FOR EACH ROW EXECUTE FUNCTION slow()"
        )
        yield
        await admin.execute("DROP TRIGGER slow ON counted; DROP FUNCTION slow()")
    finally:
        await admin.close()


async def _other_route(stage, stop: asyncio.Event) -> list[tuple[int, float]]:
    """Ask, over and over and for another unit, a route that needs none of the tables; status and seconds of each answer."""
    answers = []
    headers = {"authorization": f"Bearer {stage.token_of(uuid7())}"}
    async with httpx.AsyncClient(base_url=stage.address, headers=headers, timeout=20) as http:
        while not stop.is_set():
            began = time.monotonic()
            response = await http.get("/v1/clock")
            answers.append((response.status_code, time.monotonic() - began))
            await asyncio.sleep(0.1)
    return answers


async def _all_succeed_at_once(stage, number: int = 40) -> float:
    """Afterwards: the longest of many requests at once, none of which may fail."""
    headers = {"authorization": f"Bearer {stage.token}"}
    slowest = 0.0
    async with httpx.AsyncClient(base_url=stage.address, headers=headers, timeout=20) as http:

        async def one(turn: int) -> None:
            nonlocal slowest
            began = time.monotonic()
            if turn % 2:
                response = await http.get(f"/v1/meetings/{uuid4()}")
                assert response.status_code == 404, response.text
            else:
                key = f"create-{uuid4()}"
                response = await http.post("/v1/meetings", headers={"idempotency-key": key})
                assert response.status_code == 201, response.text
            slowest = max(slowest, time.monotonic() - began)

        await asyncio.gather(*(one(turn) for turn in range(number)))
    return slowest


async def _flood(stage, number: int) -> list[tuple[int, float]]:
    """Many reads of yet another unit at the same moment: status and seconds of each."""
    headers = {"authorization": f"Bearer {stage.token_of(uuid7())}"}
    limits = httpx.Limits(max_connections=number)
    async with httpx.AsyncClient(base_url=stage.address, headers=headers, timeout=60, limits=limits) as http:

        async def one() -> tuple[int, float]:
            began = time.monotonic()
            response = await http.get(f"/v1/meetings/{uuid4()}")
            assert response.status_code == 404 or int(response.headers["retry-after"]) >= 1
            return response.status_code, time.monotonic() - began

        return await asyncio.gather(*(one() for _ in range(number)))


async def _stuck(stage, trouble, seconds: float, longest: float, what: str) -> None:
    """Load while there is trouble, then none: refusals in time, other routes served, everything at once afterwards."""
    relay, consumer = stage.start("engagement", "relay"), stage.start("evaluation", "consumer")
    api = stage.start("engagement", "api")
    await stage.api_ready()
    stop = asyncio.Event()
    async with (
        _watched(stage) as health,
        Load(
            stage.address, stage.token, [uuid7() for _ in range(6)], clients=30, timeout=30, patience=40 + 2 * seconds
        ) as load,
    ):
        await load.answered(60)
        async with trouble:
            began = time.monotonic()
            other = asyncio.create_task(_other_route(stage, stop))
            flood = asyncio.create_task(_flood(stage, 150))
            await asyncio.sleep(seconds)
            stop.set()
            others, flooded = await other, await flood
        over = time.monotonic()
        await load.answered(len(load.ledger.answers) + 60)
        back = time.monotonic() - over
        failing = load.ledger.failing_since(over)
    during = [call for call in load.ledger.failed if began <= call.at <= over + longest]
    progress(f"F12: {what}: {len(during)} refused, the slowest after {max(call.seconds for call in during):.1f} s")
    assert during, "nobody was refused"
    assert {call.status for call in load.ledger.failed} == {503}
    assert all(call.retry_after and int(call.retry_after) >= 1 for call in load.ledger.failed)
    slowest = max(call.seconds for call in [*load.ledger.failed])
    assert slowest <= longest + BUSY_MACHINE
    assert max(taken for _, taken in flooded) <= longest + BUSY_MACHINE
    assert health.most_in_flight <= MOST_IN_FLIGHT
    # The trouble is one table's: the process is well, and routes to other tables are served all the while.
    assert set(health.live) == {200}
    assert set(health.ready) == {200}
    assert {status for status, _ in others} == {200}
    assert max(taken for _, taken in others) <= BUSY_MACHINE
    afterwards = await _all_succeed_at_once(stage)
    assert afterwards <= BUSY_MACHINE
    await stage.caught_up()
    await stage.holds()
    for version, meeting in ((v, m) for m, v in load.ledger.answers.values()):
        assert version <= await stage.value("engagement", "SELECT version FROM counted WHERE meeting_id = $1", meeting)
    assert all(role.alive for role in (relay, consumer, api))
    record(
        "F12",
        f"{what}, 30 clients and 150 readers at once",
        0,
        max(back, failing),
        longest,
        f"{len(during)} answered 503 with Retry-After, the slowest after {slowest:.1f} s;"
        f" {len(others)} requests that need no such table meanwhile, none refused, the slowest {max(t for _, t in others):.2f} s",
    )


@pytest.mark.requirement("F12", "F22", "I1", "I2", "I3", "I9")
async def test_a_locked_table_refuses_in_time_and_stops_nothing_else(stage):
    lock = _locked(stage, "counted")
    await _stuck(stage, lock, 10, QUEUE + LOCK_WAIT, "the table that all writes need locked for 10 s")


@pytest.mark.requirement("F12", "I1", "I2", "I3", "I9")
async def test_slow_inserts_refuse_in_time_and_stop_nothing_else(stage):
    slow = _slow_inserts(stage, 1.5)
    await _stuck(stage, slow, 6, QUEUE + LOCK_WAIT + 1.5, "every insert sleeps 1.5 s, for 6 s")


@pytest.mark.long
@pytest.mark.requirement("F12", "I1", "I2", "I3", "I9")
async def test_inserts_slower_than_any_patience_are_given_up_in_time(stage):
    slow = _slow_inserts(stage, 30)
    await _stuck(stage, slow, 30, QUEUE + STATEMENT, "every insert sleeps 30 s, for 30 s")
