"""What the wire tests do with the broker: fresh topics, whole dumps, offsets, records of any shape."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError
from contracts import catalog
from contracts.engagement import MeetingLogged
from contracts.envelope import Record, Undecodable, UnknownType, decode
from invariants import TopicEvent
from updraft.topics import apply_topics

TOPIC = MeetingLogged.TOPIC
CONSUMER = "evaluation"
GROUP = f"updraft.{CONSUMER}"
DEAD_LETTERS = catalog.dead_letter_topic(TOPIC, CONSUMER)
REDRIVE = catalog.redrive_topic(CONSUMER)
STRAY_LETTERS = min(catalog.dead_letter_topic(topic.name, CONSUMER) for topic in catalog.topics_read_by(CONSUMER))
"""Where the chassis puts dead letters of records that came from no event topic."""
_OURS = {TOPIC, DEAD_LETTERS, REDRIVE, STRAY_LETTERS}
_LARGEST = 16 * 1024 * 1024


async def fresh_topics(bootstrap: str) -> None:
    """The rig's topics, empty. The broker forgets a group's offsets with the topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    await admin.start()
    try:
        there = set(await admin.list_topics()) & _OURS
        if there:
            await admin.delete_topics(sorted(there))
        deadline = time.monotonic() + 20
        while set(await admin.list_topics()) & _OURS:
            assert time.monotonic() < deadline, "the broker keeps the old topics"
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    apply_topics(bootstrap, [topic for topic in catalog.all_kafka_topics() if topic.name in _OURS])


@asynccontextmanager
async def reader(bootstrap: str, **settings: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without subscription."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_LARGEST,
        **settings,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def producer(bootstrap: str, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A careful producer."""
    made = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=_LARGEST, **settings
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


_PARTITIONS = {topic.name: topic.partitions for topic in catalog.all_kafka_topics()}


def _partitions(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(_PARTITIONS[topic])]


async def dump(bootstrap: str, topic: str = TOPIC) -> list[Any]:
    """Every record of the topic, partition by partition."""
    found: list[Any] = []
    async with reader(bootstrap) as consumer:
        partitions = _partitions(topic)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {partition for partition in partitions if ends[partition] > 0}
        while waiting:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                found.extend(record for record in records if record.offset < ends[partition])
            for partition in list(waiting):
                if await consumer.position(partition) >= ends[partition]:
                    waiting.discard(partition)
    return sorted(found, key=lambda record: (record.partition, record.offset))


def events_in(records: Iterable[Any]) -> list[TopicEvent]:
    """The decodable ones among records of the rig's topic."""
    found = []
    for record in records:
        try:
            event = decode(record.topic, record.key, record.value, record.headers)
        except (Undecodable, UnknownType):
            continue
        found.append(
            TopicEvent(record.partition, record.offset, event.id, event.subject, event.sequence, event.data.minutes)
        )
    return found


async def send(bootstrap: str, records: Sequence[Record]) -> None:
    """Put encoded events on the topic, in this order."""
    async with producer(bootstrap) as out:
        waiting = [
            await out.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))
            for record in records
        ]
        for acknowledgement in waiting:
            await acknowledgement


async def send_again(bootstrap: str, records: Sequence[Any]) -> None:
    """Put records that were read from the topic on it once more, byte by byte, by a producer of no acquaintance."""
    async with producer(bootstrap) as out:
        waiting = [
            await out.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                partition=record.partition,
            )
            for record in records
        ]
        for acknowledgement in waiting:
            await acknowledgement


async def committed_offsets(bootstrap: str, group: str = GROUP, topic: str = TOPIC) -> dict[int, int]:
    """Partition → the group's committed offset; partitions without one are left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    await admin.start()
    try:
        # The broker makes its own topic for groups when it is first asked about one.
        deadline = time.monotonic() + 10
        while True:
            try:
                offsets = await admin.list_consumer_group_offsets(group, partitions=_partitions(topic))
                break
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
    return {
        partition.partition: found.offset
        for partition, found in offsets.items()
        if partition.topic == topic and found.offset >= 0
    }


async def end_offsets(bootstrap: str, topic: str = TOPIC) -> dict[int, int]:
    """Partition → the offset the next record will have; empty partitions are left out."""
    async with reader(bootstrap) as consumer:
        ends = await consumer.end_offsets(_partitions(topic))
    return {partition.partition: end for partition, end in ends.items() if end}


async def rewind(bootstrap: str, group: str = GROUP, topic: str = TOPIC) -> None:
    """Set the group's offsets back to 0; nobody may be in the group."""
    async with reader(bootstrap, group_id=group) as consumer:
        partitions = _partitions(topic)
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))


def lag(ends: Mapping[int, int], committed: Mapping[int, int]) -> int:
    """Records that the group has not committed."""
    return sum(end - committed.get(partition, 0) for partition, end in ends.items())
