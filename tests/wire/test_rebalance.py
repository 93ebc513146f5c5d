"""Members of the group come and go in the middle of batches: each event still has one effect."""

from __future__ import annotations

import asyncio

import pytest
from figures import record
from rig.ledger import commits_without_pause
from rig.services import uuid7

pytestmark = pytest.mark.wire


@pytest.mark.requirement("F7", "I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_second_consumer_that_joins_and_leaves_in_mid_batch_doubles_nothing(stage, record_property):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    slow = {"RIG_HANDLERS": "acts", "RIG_SLOW": "0.004", "RIG_BATCH": 60, "RIG_SESSION_MS": 1500}
    stage.start("evaluation", "consumer", **slow)
    meetings = [uuid7() for _ in range(12)]
    async with commits_without_pause(writer, stage.ledger, meetings, pause=0.05):
        for way in ("stop", "kill", "stop"):
            second = stage.start("evaluation", "consumer", **slow)
            await _joined(stage, 2)
            await asyncio.sleep(1)
            if way == "kill":
                second.kill()
            else:
                assert await second.stop() == 0
            await _joined(stage, 1)
    caught_up = await stage.caught_up(20)
    record_property("caught up after (s)", caught_up)
    evidence = await stage.holds(stage.ledger)
    record_property("events", len(evidence.inbox))
    record("F7", "a second consumer joins and leaves in the middle of batches, 3 times, once killed", 0, caught_up, 20)


async def _joined(stage, members: int) -> None:
    """Wait until the group has so many members and is at rest."""
    from aiokafka.admin import AIOKafkaAdminClient
    from kafka_side import GROUP
    from stage import until

    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    try:

        async def there() -> bool:
            (answer,) = await admin.describe_consumer_groups([GROUP])
            _error, _group, state, _kind, _protocol, found, *_ = answer.groups[0]
            return state == "Stable" and len(found) == members

        await until(there, 25, f"the group has {members} members")
    finally:
        await admin.close()
