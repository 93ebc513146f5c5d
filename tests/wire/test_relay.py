"""The relay: one leads, none is missed, nothing is invented, and the order of each key is the order of its commits."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import asyncpg
import msgspec
import pytest
from invariants import (
    every_committed_event_is_published,
    every_published_event_was_committed,
    sequences_are_contiguous_and_monotone,
)
from kafka_side import dump, events_in
from naive.ways import poll_by_id
from rig.ledger import Ledger, commit_load
from rig.services import UNIT, count_up, create, uuid7
from stage import until

pytestmark = pytest.mark.wire


@pytest.mark.requirement("F1", "I1", "I2", "I4")
async def test_of_two_relays_one_leads_and_the_other_takes_over(stage, record_property):
    writer = stage.service("engagement")
    meetings = [uuid7() for _ in range(6)]
    first = stage.start("engagement", "relay")
    await commit_load(writer, stage.ledger, meetings, writers=2, rounds=2)
    await stage.outbox_drained(20)
    second = stage.start("engagement", "relay")
    await until(lambda: _relays(stage, 2), 20, "both are connected")
    load = asyncio.create_task(commit_load(writer, stage.ledger, meetings, writers=4, rounds=15))
    await asyncio.sleep(0.2)
    assert await _leaders(stage) == 1
    first.kill()
    killed = time.monotonic()
    await until(lambda: _led(stage), 10, "the standby leads")
    record_property("standby leads after (s)", round(time.monotonic() - killed, 2))
    await load
    await stage.outbox_drained(10)
    assert await _leaders(stage) == 1
    assert await second.stop() == 0
    assert await _leaders(stage) == 0
    evidence = await stage.evidence()
    assert not every_committed_event_is_published(evidence)
    assert not every_published_event_was_committed(evidence)
    assert not sequences_are_contiguous_and_monotone(evidence)
    record_property("duplicates on the topic", evidence.duplicates)


async def _relays(stage, number: int) -> bool:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'updraft relay' AND datname = current_database()"
    return bool(await stage.value("engagement", sql) == number)


async def _leaders(stage) -> int:
    sql = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
    )
    return int(await stage.value("engagement", sql))


async def _led(stage) -> bool:
    return await _leaders(stage) == 1


@pytest.mark.requirement("I1", "I2", "I4")
async def test_late_committers_lose_nothing_while_polling_by_id_loses_them_in_the_same_run(stage, record_property):
    """Sixteen writers hold their transactions open for different times after drawing their numbers; every fifth rolls back."""
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    await until(lambda: _relays(stage, 1), 20, "the relay is connected")
    stopping = asyncio.Event()
    naive = asyncio.create_task(poll_by_id(stage.databases["engagement"].dsn("worker"), stopping))
    rolled_back: set[UUID] = set()

    async def slow_writer(number: int) -> None:
        for turn in range(12):
            async with writer.database.write(business_unit_id=UNIT) as session:
                uow = writer.open_unit_of_work(session, business_unit_id=UNIT)
                meeting_id = await create(uow)
                await session.flush()
                await asyncio.sleep(((number * 7 + turn * 3) % 11) * 0.01)
                if (number + turn) % 5 == 0:
                    rolled_back.add(meeting_id)
                    continue
                await session.commit()

    await asyncio.gather(*(slow_writer(number) for number in range(16)))
    await stage.outbox_drained(10)
    stopping.set()
    seen_by_naive = await naive
    evidence = await stage.evidence()
    committed = {event.event_id for event in evidence.outbox}
    assert {event.event_id for event in evidence.topic} == committed
    assert not {event.subject for event in evidence.topic} & rolled_back
    assert len(rolled_back) > 20
    lost = committed - seen_by_naive
    record_property("lost by polling by id", f"{len(lost)} of {len(committed)}")
    assert lost, "polling by id lost nothing: the writers did not overlap"


@pytest.mark.requirement("I1", "I4")
async def test_one_transaction_left_open_holds_the_watermark_and_no_row_is_skipped(stage):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    async with writer.database.write(business_unit_id=UNIT) as late:
        uow = writer.open_unit_of_work(late, business_unit_id=UNIT)
        late_meeting = await create(uow)
        await late.flush()
        await commit_load(writer, Ledger(), [uuid7()], writers=1, rounds=20)
        await asyncio.sleep(0.5)
        early = events_in(await dump(stage.kafka))
        await late.commit()
    # What was committed after the late one had drawn its number waits for it, in the order of the numbers.
    assert early == []
    await stage.outbox_drained(10)
    topic = events_in(await dump(stage.kafka))
    assert len(topic) == 21
    assert late_meeting in {event.subject for event in topic}


@pytest.mark.requirement("I4", "I1")
async def test_many_writers_on_few_keys_keep_the_order_of_each_key(stage, record_property):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    ledger, meetings = Ledger(), [uuid7() for _ in range(3)]

    async def events_before_the_lock(number: int) -> None:
        """Each transaction writes something of its own before it waits for the row that orders the events."""
        for turn in range(25):
            meeting_id = meetings[(number + turn) % len(meetings)]
            async with writer.database.write(business_unit_id=UNIT) as session:
                uow = writer.open_unit_of_work(session, business_unit_id=UNIT)
                await create(uow)
                await session.flush()
                await count_up(meeting_id, uow)
                await session.commit()

    await commit_load(writer, ledger, meetings, writers=1, rounds=1)
    await asyncio.gather(*(events_before_the_lock(number) for number in range(12)))
    await stage.outbox_drained(10)
    evidence = await stage.evidence()
    assert not sequences_are_contiguous_and_monotone(evidence)
    assert not every_committed_event_is_published(evidence)
    record_property("events", len(evidence.topic))
    assert len(evidence.topic) == 3 + 2 * 12 * 25


@pytest.mark.requirement("I1", "I2")
async def test_the_cursor_moved_back_sends_the_same_bytes_again(stage):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    await commit_load(writer, stage.ledger, [uuid7()], writers=1, rounds=10)
    await stage.outbox_drained(15)
    before = await dump(stage.kafka)
    admin = await asyncpg.connect(stage.databases["engagement"].admin_dsn)
    try:
        await admin.execute("UPDATE relay_cursor SET seq = 0")
        # The leader keeps its place in memory; a new leader reads it.
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'updraft relay' AND datname = current_database()"
        )
    finally:
        await admin.close()
    await until(lambda: _records(stage, 2 * len(before)), 15, "all is sent again")
    after = await dump(stage.kafka)
    once, again = ([(r.key, r.value, tuple(r.headers)) for r in part] for part in (after[:10], after[10:]))
    assert once == again
    headers = dict(
        msgspec.json.decode((await stage.fetch("engagement", "SELECT headers FROM outbox ORDER BY seq"))[0][0])
    )
    assert dict(before[0].headers)["ce_id"].decode() == headers["ce_id"]


async def _records(stage, number: int) -> bool:
    return len(await dump(stage.kafka)) == number
