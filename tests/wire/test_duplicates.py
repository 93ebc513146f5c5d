"""Everything delivered again, by another producer or from offset 0: the state does not move."""

from __future__ import annotations

import asyncio

import pytest
from figures import record
from invariants import projection_hash
from kafka_side import dump, events_in, rewind, send_again
from rig import tables
from rig.ledger import commit_load
from rig.services import uuid7

pytestmark = pytest.mark.wire


@pytest.mark.requirement("F8", "I3", "I5")
@pytest.mark.parametrize("kind", ["projects", "acts"])
async def test_the_whole_topic_once_more_changes_nothing(stage, kind, record_property):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS=kind)
    meetings = [uuid7() for _ in range(8)]
    await commit_load(writer, stage.ledger, meetings, writers=4, rounds=6)
    await stage.caught_up()
    before = await stage.holds(stage.ledger)

    # While new events arrive, a stranger puts every record on the topic again.
    load = asyncio.create_task(commit_load(writer, stage.ledger, meetings, writers=2, rounds=6))
    await send_again(stage.kafka, await dump(stage.kafka))
    await load
    await stage.caught_up()
    after = await stage.holds(stage.ledger)
    assert after.duplicates >= len(before.topic)

    # The group starts over at offset 0.
    assert await consumer.stop() == 0
    await rewind(stage.kafka)
    stage.start("evaluation", "consumer", RIG_HANDLERS=kind)
    await stage.without_lag()
    again = await stage.holds(stage.ledger)
    assert projection_hash(again.projection) == projection_hash(after.projection)
    assert again.effects == after.effects
    record_property("duplicates on the topic", again.duplicates)
    record(
        "F8",
        f"every event once more by another producer, then all from offset 0, to a reader that {kind}",
        0,
        None,
        None,
    )


@pytest.mark.requirement("I5", "F8")
async def test_an_empty_reader_builds_the_same_projection_from_offset_0(stage, make_database):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="batch")
    await commit_load(writer, stage.ledger, [uuid7() for _ in range(10)], writers=4, rounds=5)
    await stage.caught_up()
    lived = await stage.holds(stage.ledger)
    consumer.kill()
    fresh = make_database("evaluation")
    await tables.make("evaluation", fresh.dsn("owner"))
    await stage.change_database("evaluation", fresh)
    # The same events, taken in order by a handler that acts instead of projecting.
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts", UPDRAFT_CONSUMER_GROUP="updraft.evaluation.anew")
    await stage.caught_up(20, group="updraft.evaluation.anew")
    rebuilt = await stage.evidence()
    assert projection_hash(rebuilt.projection) == projection_hash(lived.projection)
    assert rebuilt.effects == lived.effects
    assert len(events_in(await dump(stage.kafka))) == len(lived.topic)
