"""A consumer a hundred times slower than usual: it stays in its group, its memory stays flat, and nobody else feels it."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import psutil
import pytest
from figures import progress, record
from health_side import Watched
from kafka_side import GROUP, committed_offsets
from rig.ledger import Load, commit_load
from rig.services import uuid7
from stage import until

pytestmark = pytest.mark.wire

SLOW = 0.15
"""Seconds a handler sleeps for each event; without that an event takes about 1.5 milliseconds."""
BACKLOG = 1_500
MEGABYTE = 1024 * 1024


@pytest.mark.requirement("F14", "I1", "I3", "I4", "I9")
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(20, id="20 s"),
        pytest.param(120, id="2 min", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)
async def test_a_slow_consumer_stays_in_its_group_and_holds_nobody_back(stage, seconds):
    """Batches of 500 would take 75 s, longer than a transaction may last: the consumer must find shorter ones by itself."""
    writer = stage.service("engagement")
    stage.start("engagement", "api")
    await stage.api_ready()
    async with Watched() as relaying, Watched() as consuming:
        stage.start("engagement", "relay", UPDRAFT_HTTP_PORT=relaying.port)
        calm = await _answer_times(stage)
        await commit_load(writer, stage.ledger, [uuid7() for _ in range(50)], writers=4, rounds=BACKLOG // 200)
        await stage.outbox_drained(30)
        consumer = stage.start(
            "evaluation", "consumer", RIG_HANDLERS="acts", RIG_SLOW=SLOW, UPDRAFT_HTTP_PORT=consuming.port
        )
        process = psutil.Process(consumer.child.pid)
        await until(lambda: _inbox(stage, 1), 60, "the consumer has begun")
        generation = await _generation(stage)
        before, began, applied = process.memory_info().rss, time.monotonic(), await _applied(stage)
        largest, longest_open = before, 0.0
        slowed = asyncio.create_task(_answer_times(stage))
        while time.monotonic() - began < seconds:
            await asyncio.sleep(0.5)
            largest = max(largest, process.memory_info().rss)
            longest_open = max(longest_open, (await relaying.gauges())["updraft_relay_watermark_age_seconds"])
            assert (await consuming.ready()).get("status") == "ok"
        busy = await slowed
        rate = (await _applied(stage) - applied) / (time.monotonic() - began)
        growth = (largest - before) / MEGABYTE
        progress(f"F14: {rate:.1f} events a second, {growth:+.0f} MB, relay held back for {longest_open:.1f} s")
        assert await _applied(stage) > applied, "no progress"
        assert await _generation(stage) == generation, "the group was rebalanced"
        assert consumer.alive
        assert growth <= 50
        # However long the consumer of one service takes, the relay of another waits for its own writers only.
        assert longest_open <= 10
        assert seconds < 60 or busy <= 4 * calm + 0.25
        offsets = await committed_offsets(stage.kafka)
        # In the middle of a batch it stops as soon as any other; with the slow code gone everything is applied, once.
        stopping = time.monotonic()
        assert await consumer.stop() == 0
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts")
    await stage.caught_up(60)
    recovered = time.monotonic() - stopping
    assert sum((await committed_offsets(stage.kafka)).values()) > sum(offsets.values())
    record(
        "F14",
        f"a handler that sleeps {SLOW * 1000:.0f} ms for each event, for {seconds} s, {BACKLOG} events waiting",
        lost=0,
        recovery_seconds=recovered,
        bound_seconds=60,
        note=f"no rebalance, memory {growth:+.0f} MB, other writers' events held back {longest_open:.1f} s at most,"
        f" 99th percentile of the API {busy * 1000:.0f} ms (before: {calm * 1000:.0f})",
    )


async def _answer_times(stage: Any) -> float:
    """The 99th percentile of 300 requests at 30 a second, in seconds."""
    async with Load(stage.address, stage.token, [uuid7() for _ in range(50)], clients=6, rate=30) as load:
        await load.answered(300, 60)
    stage.ledger.answers.update(load.ledger.answers)
    return statistics.quantiles((call.seconds for call in load.ledger.calls), n=100)[98]


async def _applied(stage: Any) -> int:
    number: int = await stage.value("evaluation", "SELECT count(*) FROM inbox")
    return number


async def _inbox(stage: Any, number: int) -> bool:
    return await _applied(stage) >= number


async def _generation(stage: Any) -> tuple[str, ...]:
    """Who is in the group; a rebalance that throws somebody out gives him a new name."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([GROUP])
        _error, _group, _state, _kind, _protocol, members, *_ = answer.groups[0]
        return tuple(sorted(member[0] for member in members))
    finally:
        await admin.close()
