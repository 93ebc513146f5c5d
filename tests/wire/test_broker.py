"""The broker dies and comes back: connections are cut, the log is kept, everything goes on by itself."""

from __future__ import annotations

import asyncio
import time

import pytest
from figures import record
from rig.ledger import Load
from rig.services import uuid7

pytestmark = pytest.mark.wire


@pytest.mark.requirement("F4", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_killed_broker_loses_nothing_and_all_recover_by_themselves(stage, broker, record_property):
    relay = stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts")
    stage.start("engagement", "api")
    await stage.api_ready()
    recovered = []
    async with Load(stage.address, stage.token, [uuid7() for _ in range(6)], clients=4) as load:
        await load.answered(40)
        for _ in range(2):
            broker.kill()
            await load.answered(len(load.ledger.answers) + 60)
            await asyncio.to_thread(broker.restart)
            began = time.monotonic()
            sent = await stage.value("engagement", "SELECT coalesce(max(seq), 0) FROM outbox")
            await _known(stage, sent)
            recovered.append(round(time.monotonic() - began, 1))
    record_property("recovered after (s)", recovered)
    await stage.caught_up(15)
    await stage.holds(load.ledger)
    assert relay.alive
    assert consumer.alive
    assert max(recovered) <= 15
    record("F4", f"broker killed under load, {len(recovered)} times", 0, max(recovered), 15)


@pytest.mark.requirement("F4", "I1", "I3", "I9")
async def test_who_starts_before_the_broker_waits_for_it(stage, broker):
    broker.kill()
    relay = stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "worker")
    stage.start("engagement", "api")
    await stage.api_ready()
    async with Load(stage.address, stage.token, [uuid7()], clients=2) as load:
        await load.answered(20)
    await asyncio.to_thread(broker.restart)
    await stage.caught_up(15)
    await stage.holds(load.ledger)
    assert relay.alive
    assert consumer.alive


async def _known(stage, seq: int) -> None:
    """Wait until every row up to `seq` has had its effect at the reader."""
    from stage import until

    async def done() -> bool:
        relayed = await stage.value("engagement", "SELECT seq FROM relay_cursor")
        if relayed < seq:
            return False
        written = await stage.value("engagement", "SELECT count(*) FROM outbox WHERE seq <= $1", seq)
        return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") >= written)

    await until(done, 30, f"rows up to {seq} have their effect")
