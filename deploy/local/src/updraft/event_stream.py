"""Reads the events of topics off a broker, decoded, for people to look at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from contracts.catalog import TOPICS
from contracts.enrollment import BusinessUnitState
from contracts.envelope import Envelope, Undecodable, UnknownType, decode

LARGEST_FETCH = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read: the broker, keyword arguments of aiokafka's clients for who reads, and the topics' names (all if left out)."""

    kafka: str
    security: Mapping[str, Any] = field(default_factory=dict)
    topics: Sequence[str] = tuple(TOPICS)


@dataclass(frozen=True, slots=True)
class Span:
    """What to read: from the `start` or from what was published `since` then (aware), else what is new; then `follow` or end."""

    from_start: bool = False
    since: datetime | None = None
    follow: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to show; an empty field lets everything through.

    `types` match the event's name, its type with or without version; `key` is the aggregate's id or how that ends.
    """

    types: Sequence[str] = ()
    unit: UUID | None = None
    key: str = ""

    def takes(self, event: Envelope[Any]) -> bool:
        """Whether the event is wanted."""
        if self.types and not {name_of(event), event.type, event.type.rsplit(".", 1)[0]} & set(self.types):
            return False
        if self.unit is not None and self.unit not in {
            event.business_unit_id,
            *getattr(event.data, "named_unit_ids", ()),
        }:
            return False
        return str(event.subject).endswith(self.key.lower())

    def takes_unreadable(self) -> bool:
        """Whether a record is wanted of which none of this is known."""
        return not (self.types or self.unit or self.key)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no event, and why."""

    topic: str
    partition: int
    offset: int
    reason: str


async def read_events(source: Source, wanted: Wanted, span: Span) -> AsyncIterator[Envelope[Any] | Unreadable]:
    """Events in the order they come, per key in their own order. A span that does not follow ends at the end of all topics.

    Joins no consumer group and commits nothing. Raises aiokafka's KafkaError when the broker cannot be reached or refuses.
    """
    # Without a group, all partitions of the topics are assigned when it starts; topics that do not exist have none.
    consumer = AIOKafkaConsumer(
        *source.topics,
        bootstrap_servers=source.kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if span.from_start else "latest",
        max_partition_fetch_bytes=LARGEST_FETCH,
        fetch_max_wait_ms=200,
        **source.security,
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        if not partitions:
            return
        ends = await consumer.end_offsets(partitions)
        # aiokafka resets positions in the background from the start; a seek counts only after that.
        for partition in partitions:
            await consumer.position(partition)
        if span.since is not None:
            moment = int(span.since.timestamp() * 1000)
            for partition, found in (await consumer.offsets_for_times(dict.fromkeys(partitions, moment))).items():
                consumer.seek(partition, found.offset if found is not None else ends[partition])
        while True:
            for records in (await consumer.getmany(timeout_ms=300)).values():
                for record in records:
                    read = _decoded(record)
                    if wanted.takes_unreadable() if isinstance(read, Unreadable) else wanted.takes(read):
                        yield read
            if not span.follow and all([await consumer.position(one) >= ends[one] for one in partitions]):
                return
    finally:
        await consumer.stop()


async def units_by_code(source: Source) -> dict[str, UUID]:
    """The business units that there are, by their codes. Raises as `read_events` does."""
    topic = Source(source.kafka, source.security, (BusinessUnitState.TOPIC,))
    return {
        event.data.code: event.business_unit_id
        async for event in read_events(topic, Wanted(), Span(from_start=True, follow=False))
        if isinstance(event, Envelope)
    }


def name_of(event: Envelope[Any]) -> str:
    """The event's name: `MeetingLogged`."""
    return event.type.rsplit(".", 2)[1]


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
