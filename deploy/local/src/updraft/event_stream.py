"""Reads the events of all topics off a broker, decoded, for people to look at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from contracts.catalog import TOPICS
from contracts.envelope import Envelope, Undecodable, UnknownType, decode

LARGEST_FETCH = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to show; an empty field lets everything through. `types` match the event's name, with or without version."""

    types: Sequence[str] = ()
    unit: UUID | None = None
    key: UUID | None = None

    def takes(self, event: Envelope[Any]) -> bool:
        """Whether the event is wanted."""
        name = event.type.rsplit(".", 2)[1]
        if self.types and not {name, event.type, event.type.rsplit(".", 1)[0]} & set(self.types):
            return False
        if self.unit is not None and self.unit not in {
            event.business_unit_id,
            *getattr(event.data, "named_unit_ids", ()),
        }:
            return False
        return self.key is None or event.subject == self.key


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no event, and why."""

    topic: str
    partition: int
    offset: int
    reason: str


async def read_events(
    kafka: str, wanted: Wanted, *, from_beginning: bool, follow: bool
) -> AsyncIterator[Envelope[Any] | Unreadable]:
    """Events in the order they come, per key in their own order. Without `follow` it ends at the end of all topics.

    Joins no consumer group and commits nothing. Raises aiokafka's KafkaError when the broker cannot be reached.
    """
    # Without a group, all partitions of the topics are assigned when it starts; topics that do not exist have none.
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        # Not by seeking afterwards: aiokafka resets positions in the background from the start, and that may come after the seek.
        auto_offset_reset="earliest" if from_beginning else "latest",
        max_partition_fetch_bytes=LARGEST_FETCH,
        fetch_max_wait_ms=200,
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        if not partitions:
            return
        ends = await consumer.end_offsets(partitions)
        while True:
            for records in (await consumer.getmany(timeout_ms=300)).values():
                for record in records:
                    found = _decoded(record)
                    if isinstance(found, Unreadable) or wanted.takes(found):
                        yield found
            if not follow and all([await consumer.position(partition) >= ends[partition] for partition in partitions]):
                return
    finally:
        await consumer.stop()


def _decoded(record: ConsumerRecord[bytes, bytes]) -> Envelope[Any] | Unreadable:
    try:
        return decode(record.topic, record.key, record.value, record.headers)
    except (Undecodable, UnknownType) as problem:
        return Unreadable(record.topic, record.partition, record.offset, f"{type(problem).__name__}: {problem}")


def as_document(event: Envelope[Any]) -> dict[str, Any]:
    """The event for `--json`: the envelope's fields and the payload."""
    return {
        "id": str(event.id),
        "type": event.type,
        "subject": str(event.subject),
        "time": event.time.isoformat(),
        "sequence": event.sequence,
        "business_unit_id": str(event.business_unit_id),
        "traceparent": event.traceparent,
        "data": json.loads(event.data.model_dump_json(exclude_none=True)),
    }
