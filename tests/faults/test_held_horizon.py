"""Old snapshots and open transactions: who reads holds no relay back, who writes does until he is ended, and somebody hears of it."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis.relay import STORE_EVERY
from figures import progress, record
from health_side import Watched
from invariants import (
    every_committed_event_is_published,
    every_published_event_was_committed,
    sequences_are_contiguous_and_monotone,
)
from rig.ledger import commits_without_pause
from rig.services import UNIT, uuid7
from stage import Stage, until
from updraft.postgres import EmbeddedPostgres
from updraft.provision import SERVICES, provision
from updraft.servers_for_tests import SharedPostgres, make_database

pytestmark = pytest.mark.wire

MINUTES = float(os.environ.get("UPDRAFT_FAULT_MINUTES", "1"))
BURST = 20_000
"""Events of one measurement."""
STORES = int(600 / STORE_EVERY)
"""How often a relay stores its cursor in ten minutes at most."""


@pytest.fixture(scope="module")
def logical_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SharedPostgres, Path]]:
    """A PostgreSQL that can have logical replication slots."""
    folder = tmp_path_factory.mktemp("logical-postgres")
    server = EmbeddedPostgres(folder / "postgres", fsync=False, settings={"wal_level": "logical"})
    server.start()
    try:
        secrets_dir = folder / "secrets"
        provision(server.dsn, SERVICES, secrets_dir)
        host, port = server.address.split(":")
        yield SharedPostgres(host, int(port), server.dsn, str(secrets_dir)), folder
    finally:
        server.remove()


@pytest.fixture
async def logical_stage(broker: Any, identity: Any, logical_postgres: Any, tmp_path: Path) -> AsyncIterator[Stage]:
    """The rig's stage upon that PostgreSQL."""
    from kafka_side import fresh_topics
    from rig import tables

    server, folder = logical_postgres
    writing, reading = (make_database(server, service, folder) for service in ("engagement", "evaluation"))
    for database in (writing, reading):
        await tables.make(database.service, database.dsn("owner"))
    await fresh_topics(broker.bootstrap)
    made = Stage(tmp_path, broker.bootstrap, writing, reading, identity)
    yield made
    await made.close()


@asynccontextmanager
async def _snapshot(stage: Any) -> AsyncIterator[None]:
    """Somebody who looks at the outbox and never ends his transaction; he has lifted every limit of his session."""
    connection = await asyncpg.connect(stage.databases["engagement"].admin_dsn)
    try:
        await connection.execute("SET idle_in_transaction_session_timeout = 0; SET transaction_timeout = 0")
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.fetchval("SELECT count(*) FROM outbox")
        yield
        assert await connection.fetchval("SELECT 1") == 1
    finally:
        connection.terminate()


@asynccontextmanager
async def _dead_slot(stage: Any) -> AsyncIterator[None]:
    """A replication slot whose reader never comes: it keeps the log and holds the catalogues' horizon."""
    name = "left_behind"
    await stage.fetch("engagement", "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", name)
    try:
        yield
        held = await stage.value(
            "engagement", "SELECT catalog_xmin IS NOT NULL AND NOT active FROM pg_replication_slots"
        )
        assert held is True
    finally:
        await stage.fetch("engagement", "SELECT pg_drop_replication_slot($1)", name)


async def _burst(stage: Any, events: int = BURST) -> float:
    """Commit many events at once, copies of the outbox's newest row; how many a second the relay sends of them."""
    await stage.fetch(
        "engagement",
        "INSERT INTO outbox (business_unit_id, topic, key, headers, value)"
        " SELECT o.business_unit_id, o.topic, o.key, o.headers, o.value FROM"
        " (SELECT * FROM outbox ORDER BY seq DESC LIMIT 1) o, generate_series(1, $1)",
        events,
    )
    began = time.monotonic()
    highest = await stage.value("engagement", "SELECT max(seq) FROM outbox")
    while await stage.value("engagement", "SELECT seq FROM relay_cursor") < highest:
        assert time.monotonic() - began < 120, "a burst is not sent within 120 s"
        await asyncio.sleep(0.02)
    return events / (time.monotonic() - began)


async def _has_begun(stage: Any) -> bool:
    return bool(await stage.value("engagement", "SELECT seq > 0 FROM relay_cursor"))


async def _store_often(stage: Any, times: int) -> None:
    """Move the relay's cursor; each time leaves a version that nobody may remove."""
    connection = await asyncpg.connect(stage.databases["engagement"].admin_dsn)
    try:
        await connection.execute(
            f"DO $$ BEGIN FOR turn IN 1..{times} LOOP UPDATE relay_cursor SET seq = seq; COMMIT; END LOOP; END $$"
        )
    finally:
        await connection.close()


async def _fast_enough(stage: Any, base: float) -> float:
    """The median speed of the last five bursts; some more where something else on the machine took its time."""
    speeds = [await _burst(stage) for _ in range(4)]
    for _ in range(12):
        speeds.append(await _burst(stage))
        if statistics.median(speeds[-5:]) >= 0.8 * base:
            break
    return statistics.median(speeds[-5:])


@pytest.mark.requirement("F18", "I1", "I4")
@pytest.mark.parametrize("held", ["snapshot", "slot"])
@pytest.mark.parametrize(
    ("minutes", "timed"),
    [
        pytest.param(0.2, False, id="12 s"),
        pytest.param(MINUTES, True, id="long", marks=[pytest.mark.long, pytest.mark.timeout(MINUTES * 60 + 600)]),
    ],
)
async def test_a_relay_keeps_its_speed_while_a_reader_holds_the_horizon(logical_stage, held, minutes, timed):
    """A short run holds it to losing nothing and keeping order; only the long one measures, since nothing runs beside it."""
    stage = logical_stage
    writer = stage.service("engagement")
    async with Watched() as watched:
        stage.start("engagement", "relay", UPDRAFT_HTTP_PORT=watched.port)
        meetings = [uuid7() for _ in range(20)]
        async with commits_without_pause(writer, stage.ledger, meetings, pause=0.05):
            await until(lambda: _has_begun(stage), 30, "the first events are sent")
            await _burst(stage)
            base = statistics.median([await _burst(stage) for _ in range(5)])
            async with (_snapshot if held == "snapshot" else _dead_slot)(stage):
                began = time.monotonic()
                await _store_often(stage, STORES)
                while (left := minutes * 60 - (time.monotonic() - began)) > 0:
                    # The table under the horizon is written without pause, and every few seconds by many rows at once.
                    await asyncio.sleep(min(left, 5))
                    await _burst(stage)
                    progress(f"F18: {held} held for {time.monotonic() - began:.0f} of {minutes * 60:.0f} s")
                under = await (_fast_enough(stage, base) if timed else _burst(stage))
                rows = await stage.value("engagement", "SELECT count(*) FROM outbox")
                pages = await stage.value("engagement", "SELECT pg_relation_size('relay_cursor') / 8192")
                seconds = time.monotonic() - began
                assert (await watched.gauges())["updraft_relay_watermark_age_seconds"] < 5
        progress(f"F18: {base:.0f} events a second before, {under:.0f} at the end; {pages} pages of cursor")
    assert not timed or under >= 0.8 * base
    await stage.outbox_drained(30)
    evidence = await stage.evidence()
    assert not every_committed_event_is_published(evidence)
    assert not every_published_event_was_committed(evidence)
    assert not sequences_are_contiguous_and_monotone(evidence)
    assert len(evidence.topic) >= len(evidence.outbox)
    record(
        "F18",
        f"{'a REPEATABLE READ snapshot' if held == 'snapshot' else 'a dead replication slot'} held for {seconds:.0f} s,"
        f" {rows} events written under it",
        lost=0,
        recovery_seconds=None,
        bound_seconds=None,
        note=f"relay at {under / base:.0%} of its speed before ({base:.0f} events a second)",
    )


@pytest.mark.requirement("F18", "I1", "I4")
async def test_a_writer_left_open_is_ended_and_raises_an_alarm(stage):
    """He holds the relay back; the limits of his role end him, and what he had not committed never was."""
    writer = stage.service("engagement")
    async with Watched() as watched:
        stage.start("engagement", "relay", UPDRAFT_HTTP_PORT=watched.port)
        await until(watched.is_quiet, 30, "the relay runs")
        left_open = await asyncpg.connect(stage.databases["engagement"].dsn("api"))
        limit = await left_open.fetchval(
            "SELECT extract(epoch FROM current_setting('transaction_timeout')::interval)::int"
        )
        assert 0 < limit <= 60
        # Twice the longest silence that his role allows, so that only the transaction's own limit can end him.
        await left_open.execute("SET idle_in_transaction_session_timeout = 0")
        await left_open.execute("BEGIN")
        await left_open.execute(f"SET LOCAL app.business_unit = '{UNIT}'")
        await left_open.execute(
            "INSERT INTO outbox (business_unit_id, topic, key, headers, value) VALUES ($1, 'never', 'k', '[]', '{}')",
            UNIT,
        )
        began = time.monotonic()
        async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], pause=0.1):
            alarmed = await until(lambda: watched.has_alarm("writer-left-open"), 30, "the alarm is raised")
            progress(f"F18: alarm after {alarmed:.1f} s")
            waiting = await stage.value(
                "engagement", "SELECT (SELECT seq FROM relay_cursor) < (SELECT max(seq) FROM outbox)"
            )
            await until(lambda: _gone(left_open), limit + 15, "the writer is ended")
            ended = time.monotonic()
        resumed = await stage.outbox_drained(15)
        await until(watched.is_quiet, 15, "the alarm is gone")
    assert waiting is True
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts")
    await stage.caught_up(30)
    await stage.holds(stage.ledger)
    record(
        "F18",
        f"a writing transaction left open; its role's limit of {limit} s ended it after {ended - began:.0f} s",
        lost=0,
        recovery_seconds=resumed,
        bound_seconds=15,
        note=f"alarm after {alarmed:.0f} s",
    )


async def _gone(connection: Any) -> bool:
    await asyncio.sleep(0.2)
    return bool(connection.is_closed())
