"""Outbox rows on their way to Kafka: one batch a partition, built here.

aiokafka's own way costs a future and a partitioning in Python a record, together more than all else that the relay does with it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from chassis.telemetry import start_span

_SAMPLED = b'-01"]'
"""How a traceparent that is recorded ends in a row's headers."""

_headers = msgspec.json.Decoder(list[tuple[str, str]])


async def send_all(producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
    """Send rows of the outbox (topic, key, headers, value), those of one key in their order; returns when the broker has all.

    Raises KafkaError when it has not: some may have arrived.
    """
    partitions: dict[str, int] = {}
    batches: dict[tuple[str, int], Any] = {}
    acknowledgements: list[asyncio.Future[Any]] = []
    for row in rows:
        topic = row["topic"]
        if topic not in partitions:
            partitions[topic] = len(await producer.partitions_for(topic))
        place = (topic, partition_of(row["key"], partitions[topic]))
        batch = batches.get(place)
        if batch is None or not _appended(batch, row):
            if batch is not None:
                acknowledgements.append(await producer.send_batch(batch, topic, partition=place[1]))
            batch = batches[place] = producer.create_batch()
            if not _appended(batch, row):
                raise RuntimeError("an empty batch refuses a record; nothing may be skipped")
    for (topic, partition), batch in batches.items():
        batch.close()
        acknowledgements.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*acknowledgements)


def _appended(batch: Any, row: Any) -> bool:
    """Whether the row found room; a traced one gets a span of its own beside the consumer's, both below the request's."""
    stored = row["headers"]
    headers = _headers.decode(stored)
    encoded = [(name, value.encode()) for name, value in headers]
    if batch.append(timestamp=None, key=row["key"], value=row["value"], headers=encoded) is None:
        return False
    if _SAMPLED in stored:
        traceparent = next((value for name, value in headers if name == "traceparent" and value.endswith("-01")), None)
        if traceparent is not None:
            with start_span(f"send {row['topic']}", kind="producer", parent=traceparent) as span:
                span.set("messaging.destination.name", row["topic"])
    return True


def partition_of(key: bytes, partitions: int) -> int:
    """Where every Kafka client puts a record with this key: murmur2, as aiokafka's and Java's partitioners compute it."""
    words = len(key) >> 2
    found = 0x9747B28C ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        mixed = word * 0x5BD1E995 & 0xFFFFFFFF
        found = (found * 0x5BD1E995 & 0xFFFFFFFF) ^ ((mixed ^ mixed >> 24) * 0x5BD1E995 & 0xFFFFFFFF)
    if len(key) & 3:
        found = (found ^ int.from_bytes(key[words * 4 :], "little")) * 0x5BD1E995 & 0xFFFFFFFF
    found = (found ^ found >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return ((found ^ found >> 15) & 0x7FFFFFFF) % partitions
