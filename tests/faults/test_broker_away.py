"""The broker is away for long while requests keep coming: they are answered, their events wait in the outbox, somebody hears of it."""

from __future__ import annotations

import asyncio
import time

import pytest
from figures import progress, record
from health_side import Watched
from rig.ledger import Load
from rig.services import uuid7
from stage import until
from updraft.places import choose_port

pytestmark = pytest.mark.wire

RATE = 60.0


@pytest.mark.requirement("F5", "I1", "I2", "I3", "I4", "I5", "I9")
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(20, id="20 s"),
        pytest.param(300, id="5 min", marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
async def test_requests_are_answered_while_the_broker_is_away(stage, broker, seconds):
    async with Watched() as watched:
        relay = stage.start("engagement", "relay", UPDRAFT_HTTP_PORT=watched.port)
        consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="batch")
        stage.start("engagement", "api")
        await stage.api_ready()
        async with Load(stage.address, stage.token, [uuid7() for _ in range(50)], clients=12, rate=RATE) as load:
            await load.answered(300)
            await stage.outbox_drained(20)
            await until(watched.is_quiet, 20, "no alarm is raised")

            answers, rows = len(load.ledger.answers), await _rows(stage)
            began = time.monotonic()
            await asyncio.to_thread(broker.stop)
            alarmed = await until(lambda: watched.has_alarm("events-not-sent"), 30, "the alarm is raised")
            progress(f"F5: broker away, alarm after {alarmed:.1f} s")
            while (left := seconds - (time.monotonic() - began)) > 0:
                await asyncio.sleep(min(left, 15))
                gauges = await watched.gauges()
                progress(
                    f"F5: {time.monotonic() - began:.0f} of {seconds} s, {gauges['updraft_outbox_depth']:.0f} wait"
                )
            away = time.monotonic() - began
            backlog = await stage.value(
                "engagement", "SELECT (SELECT max(seq) FROM outbox) - (SELECT seq FROM relay_cursor)"
            )
            answered, grown = len(load.ledger.answers) - answers, await _rows(stage) - rows
            depth = (await watched.gauges())["updraft_outbox_depth"]

            await asyncio.to_thread(broker.restart)
            highest = await stage.value("engagement", "SELECT max(seq) FROM outbox")
            drained = await until(lambda: _sent(stage, highest), seconds / 5 + 30, "the backlog is sent")
            rate = backlog / drained
            progress(f"F5: {backlog} events sent {drained:.1f} s after the broker's return")
            assert not load.ledger.failed, "a request was not answered 2xx at once"
            await until(watched.is_quiet, 20, "the alarm is gone")

        # Every request was answered, one row each: the outbox grows as the answers do and no faster.
        assert answered >= 0.1 * RATE * seconds
        assert grown <= answered + 12 * 2
        assert depth >= 0.8 * backlog
        assert drained <= 60
        if seconds >= 300:
            assert rate >= 5 * answered / away
        await stage.caught_up(60)
        await stage.holds(load.ledger)
        assert relay.alive
        assert consumer.alive
        size = await stage.value(
            "engagement",
            "SELECT sum(pg_total_relation_size(inhrelid)) / (SELECT count(*) FROM outbox)"
            " FROM pg_inherits WHERE inhparent = 'outbox'::regclass",
        )
    record(
        "F5",
        f"broker stopped for {seconds} s under {answered / away:.0f} requests a second",
        lost=0,
        recovery_seconds=drained,
        bound_seconds=60,
        note=f"{answered} of {answered} answered 2xx, alarm after {alarmed:.0f} s, {backlog} events waited"
        f" ({size / 1024:.1f} KB each), sent at {rate:.0f} a second (reconnecting included),"
        f" {rate / (answered / away):.0f} times as fast as they came",
    )


async def _rows(stage) -> int:
    number: int = await stage.value("engagement", "SELECT count(*) FROM outbox")
    return number


async def _sent(stage, seq: int) -> bool:
    return bool(await stage.value("engagement", "SELECT seq >= $1 FROM relay_cursor", seq))


@pytest.mark.requirement("F5")
async def test_a_consumer_that_no_broker_lets_in_lives_but_is_not_ready(stage, broker):
    """A roll-out waits for it instead of going on without anybody who reads."""
    async with Watched() as watched:
        elsewhere = f"127.0.0.1:{choose_port('nobody')}"
        stage.start("evaluation", "consumer", UPDRAFT_HTTP_PORT=watched.port, UPDRAFT_KAFKA=elsewhere)

        async def waits() -> bool:
            return await watched.ready() == {"status": "waiting", "waiting_for": ["consumer"]}

        await until(waits, 20, "the consumer says what it waits for")
        assert await watched.lives()
    async with Watched() as watched:
        stage.start("evaluation", "consumer", UPDRAFT_HTTP_PORT=watched.port)
        await until(watched.is_quiet, 20, "the consumer is ready")
