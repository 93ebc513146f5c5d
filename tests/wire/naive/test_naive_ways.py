"""Each naive way loses something at a named place; the test beside it, or the one it names, shows ours at the same place."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from typing import Annotated, Any
from uuid import uuid4

import kafka_side
import pytest
from contracts.envelope import decode
from faststream import AckPolicy, Context
from faststream.kafka import KafkaBroker
from faststream_outbox import ConstantRetry, OutboxBroker, make_outbox_table
from invariants import Evidence, each_event_has_one_inbox_row_and_one_effect, sequences_are_contiguous_and_monotone
from rig.ledger import commit_counts, commit_load
from rig.services import UNIT, create, uuid7
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from stage import until
from test_poison import event
from updraft.processes import Child, spawn

from naive.ways import event_id_of, poll_by_id, publish_with_leases

pytestmark = pytest.mark.wire


@pytest.mark.requirement("I1")
async def test_polling_by_id_never_sends_what_commits_late(stage):
    """Ours at the same place: test_relay.test_one_transaction_left_open_holds_the_watermark_and_no_row_is_skipped."""
    writer = stage.service("engagement")
    stopping = asyncio.Event()
    polling = asyncio.create_task(poll_by_id(stage.databases["engagement"].dsn("worker"), stopping))
    async with writer.database.write(business_unit_id=UNIT) as late:
        await create(writer.open_unit_of_work(late, business_unit_id=UNIT))
        await late.flush()
        await commit_counts(writer, stage.ledger, [uuid7()])
        await asyncio.sleep(0.2)
        await late.commit()
    stopping.set()
    sent = await polling
    rows = await stage.fetch("engagement", "SELECT seq, headers FROM outbox ORDER BY seq")
    assert [event_id_of(row) in sent for row in rows] == [False, True]


def _naive(stage, name: str, *arguments: str, crash: str = "") -> Child:
    from stage import _WIRE

    environment = {key: value for key, value in os.environ.items() if not key.startswith(("UPDRAFT_", "RIG_"))}
    return spawn(
        name,
        [sys.executable, "-m", f"naive.{name}", *arguments],
        run_dir=stage.folder / "run",
        log=stage.folder / "logs" / f"{name}.log",
        env={**environment, "PYTHONPATH": str(_WIRE), "UPDRAFT_CRASH_POINT": crash},
    )


async def _ended(child: Child, seconds: float = 30) -> int | None:
    deadline = time.monotonic() + seconds
    while child.poll() is None:
        assert time.monotonic() < deadline, child.tail()
        await asyncio.sleep(0.02)
    code = child.poll()
    child.kill()
    return code


@pytest.mark.requirement("F1", "I1", "I2")
@pytest.mark.parametrize("order", ["commit-then-publish", "publish-then-commit"])
async def test_a_dual_write_killed_between_its_halves_leaves_one_half(stage, order):
    """Ours at the same place: test_crashes.test_an_api_killed_around_its_commit_loses_and_invents_nothing."""
    dsn = stage.databases["engagement"].dsn("worker")
    crashes = 2
    for _ in range(crashes):
        assert await _ended(_naive(stage, "publisher", order, dsn, stage.kafka, "20", crash="between:5")) == -9
    assert await _ended(_naive(stage, "publisher", order, dsn, stage.kafka, "5")) == 0
    committed = {row["meeting_id"] for row in await stage.fetch("engagement", "SELECT meeting_id FROM counted")}
    published = {event.subject for event in kafka_side.events_in(await kafka_side.dump(stage.kafka))}
    lost, phantom = committed - published, published - committed
    assert (len(lost), len(phantom)) == ((crashes, 0) if order == "commit-then-publish" else (0, crashes))


async def _effects(stage) -> Counter[Any]:
    rows = await stage.fetch("evaluation", "SELECT event_id, count(*) AS times FROM effects GROUP BY event_id")
    return Counter({row["event_id"]: row["times"] for row in rows})


@pytest.mark.requirement("F3", "I3")
async def test_the_default_acknowledgement_loses_the_batch_that_a_kill_interrupts(stage):
    """FastStream acknowledges first: the offset is committed by the clock while the batch is still at work."""
    events = [event(uuid7(), 1) for _ in range(40)]
    await kafka_side.send(stage.kafka, [record for _, record in events])
    group = f"naive.{uuid4()}"
    arguments = (stage.databases["evaluation"].admin_dsn, stage.kafka, group)
    assert await _ended(_naive(stage, "reader", *arguments, crash="in-batch:1")) == -9
    again = _naive(stage, "reader", *arguments)

    async def drained() -> bool:
        ends = await kafka_side.end_offsets(stage.kafka)
        return not kafka_side.lag(ends, await kafka_side.committed_offsets(stage.kafka, group))

    await until(drained, 30, "the group's lag is 0")
    await asyncio.sleep(1)
    again.kill()
    applied = await _effects(stage)
    lost = [event_id for event_id, _ in events if not applied[event_id]]
    assert 0 < len(lost) <= 20

    # Ours, killed in its batch before the effect, on the same records.
    await stage.fetch("evaluation", "TRUNCATE effects")
    assert await stage.start("evaluation", "consumer", crash="consumer-before-commit:1", RIG_BATCH=20).ended(30) == -9
    stage.start("evaluation", "consumer", RIG_BATCH=20)
    await stage.without_lag()
    await stage.holds(by_hand={event_id for event_id, _ in events})


async def _consume(stage, policy: AckPolicy, handler: Any, until_: Any, **more: Any) -> str:
    """Run a FastStream subscriber in this process until `until_` holds; the group's name."""
    group = f"naive.{uuid4()}"
    broker = KafkaBroker(stage.kafka, logger=None)
    broker.subscriber(
        kafka_side.TOPIC, group_id=group, auto_offset_reset="earliest", ack_policy=policy, decoder=_undecoded, **more
    )(handler)
    await broker.start()
    try:
        await until(until_, 30, "the naive consumer has done its part")
    finally:
        await broker.stop()
    return group


async def _undecoded(message: Any) -> Any:
    return message.body


@pytest.mark.requirement("F3", "I3")
async def test_acknowledging_always_skips_what_fails_once(stage):
    """Ours: test_poison.test_a_handler_bug_kills_only_its_record_and_a_replay_applies_it_once."""
    events = [event(uuid7(), 1) for _ in range(40)]
    await kafka_side.send(stage.kafka, [record for _, record in events])
    unlucky = {event_id for event_id, _ in events[::9]}
    failed: set[Any] = set()
    applied: Counter[Any] = Counter()

    async def handle(message: Annotated[Any, Context("message")]) -> None:
        raw = message.raw_message
        event_id = decode(raw.topic, raw.key, raw.value, raw.headers).id
        if event_id in unlucky and event_id not in failed:
            failed.add(event_id)
            raise ConnectionError("now and then")
        applied[event_id] += 1

    async def through() -> bool:
        return len(applied) + len(failed) == len(events)

    group = await _consume(stage, AckPolicy.ACK, handle, through)
    assert (
        kafka_side.lag(
            await kafka_side.end_offsets(stage.kafka), await kafka_side.committed_offsets(stage.kafka, group)
        )
        == 0
    )
    assert {event_id for event_id, _ in events} - applied.keys() == unlucky


@pytest.mark.requirement("F9")
async def test_nack_on_error_alone_stands_still_before_one_poison_message(stage):
    """Ours: test_poison.test_each_kind_of_poison_is_set_aside_and_nothing_else_waits."""
    good = [event(uuid7(), 1)[1] for _ in range(20)]
    async with kafka_side.producer(stage.kafka) as out:
        await out.send_and_wait(kafka_side.TOPIC, partition=0, key=b"k", value=b"{", headers=[])
        for record in good:
            await out.send_and_wait(
                record.topic, partition=0, key=record.key, value=record.value, headers=list(record.headers)
            )
    reads = behind = 0

    async def handle(message: Annotated[Any, Context("message")]) -> None:
        nonlocal reads, behind
        raw = message.raw_message
        reads += 1
        decode(raw.topic, raw.key, raw.value, raw.headers)
        behind += 1

    async def enough() -> bool:
        return reads >= 300

    began = time.monotonic()
    await _consume(stage, AckPolicy.NACK_ON_ERROR, handle, enough)
    assert reads / (time.monotonic() - began) > 10
    assert behind == 0


@pytest.mark.requirement("F9", "I3")
async def test_faststreams_own_parser_loses_a_whole_batch_to_one_null_header(stage):
    """In spite of NACK_ON_ERROR and without a word: the next commit passes the batch. Found in 0.7.8."""
    events = [event(uuid7(), 1) for _ in range(10)]
    async with kafka_side.producer(stage.kafka) as out:
        for number, (_, record) in enumerate(events):
            headers = [*record.headers, *((("x-nothing", None),) if number == 4 else ())]
            await out.send_and_wait(record.topic, partition=0, key=record.key, value=record.value, headers=headers)
    seen: list[Any] = []

    async def handle(message: Annotated[Any, Context("message")]) -> None:
        for raw in message.raw_message:
            seen.append(decode(raw.topic, raw.key, raw.value, raw.headers).id)

    last = event(uuid7(), 1)

    async def later_one_seen() -> bool:
        return last[0] in seen

    sending = asyncio.create_task(_later(stage, last))
    group = await _consume(
        stage, AckPolicy.NACK_ON_ERROR, handle, later_one_seen, batch=True, batch_timeout_ms=50, session_timeout_ms=3000
    )
    await sending
    lost = {event_id for event_id, _ in events} - set(seen)
    offsets = await kafka_side.committed_offsets(stage.kafka, group)
    assert lost == {event_id for event_id, _ in events}
    assert offsets[0] == 11

    # Ours: the header is not an event's, so all are applied.
    stage.start("evaluation", "consumer")
    await stage.without_lag()
    await stage.holds(by_hand={event_id for event_id, _ in [*events, last]})


async def _later(stage, last: Any) -> None:
    """One good record more on the same partition, once the batch before it has been passed over."""
    await asyncio.sleep(2)
    async with kafka_side.producer(stage.kafka) as out:
        record = last[1]
        await out.send_and_wait(
            record.topic, partition=0, key=record.key, value=record.value, headers=list(record.headers)
        )


@pytest.mark.requirement("I4")
async def test_a_lease_per_row_lets_a_later_event_overtake(stage):
    """Ours keeps the order under the same and worse: test_relay.test_many_writers_on_few_keys_keep_the_order_of_each_key."""
    writer = stage.service("engagement")
    await commit_load(writer, stage.ledger, [uuid7()], writers=1, rounds=6)
    failed: list[int] = []

    def fails_once(row: Any) -> bool:
        if row["seq"] == 3 and not failed:
            failed.append(row["seq"])
            return True
        return False

    async with kafka_side.producer(stage.kafka) as out:
        await publish_with_leases(stage.databases["engagement"].dsn("worker"), out, fails_once)
    topic = kafka_side.events_in(await kafka_side.dump(stage.kafka))
    assert [one.sequence for one in topic] == [1, 2, 4, 5, 6, 3]
    assert sequences_are_contiguous_and_monotone(Evidence(topic=topic))
    assert each_event_has_one_inbox_row_and_one_effect(Evidence(topic=topic))


@pytest.mark.requirement("I4")
async def test_a_well_kept_outbox_library_does_not_promise_the_order_of_a_key(stage):
    """`faststream-outbox`, one worker, one failure that passes: the retried row comes after later ones of its key.

    Ours keeps the order under worse: test_relay.test_many_writers_on_few_keys_keep_the_order_of_each_key.
    """
    owner = stage.databases["engagement"].dsn("owner").replace("postgresql://", "postgresql+asyncpg://")
    metadata = MetaData()
    table = make_outbox_table(metadata, table_name="library_outbox")
    engine = create_async_engine(owner)
    broker = OutboxBroker(engine, outbox_table=table)
    relayed: list[int] = []
    failed: list[int] = []

    @broker.subscriber(
        "meetings", max_workers=1, retry_strategy=ConstantRetry(delay_seconds=0.3), min_fetch_interval=0.05
    )
    async def relay(sequence: int) -> None:
        if sequence == 3 and not failed:
            failed.append(sequence)
            raise ConnectionError
        relayed.append(sequence)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        async with AsyncSession(engine) as session, session.begin():
            for sequence in range(1, 7):
                await broker.publish(sequence, queue="meetings", session=session)
        await broker.start()

        async def all_relayed() -> bool:
            return len(relayed) == 6

        await until(all_relayed, 20, "the library has relayed everything")
    finally:
        await broker.stop()
        await engine.dispose()
    assert failed == [3]
    assert sorted(relayed) == [1, 2, 3, 4, 5, 6]
    assert relayed != sorted(relayed)
