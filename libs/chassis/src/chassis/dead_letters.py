"""Records that could not be applied: set aside with everything needed to understand them and to try again.

A dead letter's key is `topic/partition/offset` of the record, so setting the same one aside twice leaves one (the topics are
compacted). Its value is a JSON document that holds the record unchanged, nulls and broken headers included.
Replaying sends the document to the redrive topic of the consumer. The consumer removes the dead letter when the event has
found its end, and nobody else does: a removal by the sender could erase the letter that the consumer has just written anew.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from contracts import catalog

LARGEST_REQUEST = 16 * 1024 * 1024
"""Bytes of the largest dead letter that is sent: a record over the limit must fit with its base64 overhead."""

_KEPT_OF_DETAIL = 500


class RawRecord(NamedTuple):
    """A record as it came off the topic, trusted in nothing."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class DeadLetter(msgspec.Struct, frozen=True):
    """One record set aside. `reason` is a code, `detail` says what exactly; neither repeats a value of the record."""

    consumer: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    died_at: str
    trace_id: str | None
    event_id: str | None
    event_type: str | None
    record_key: str | None
    record_value: str | None
    record_headers: list[tuple[str, str | None]]

    @property
    def key(self) -> str:
        """`topic/partition/offset` of the record."""
        return _key(self)

    @property
    def record(self) -> RawRecord:
        """The record as it was."""
        return RawRecord(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            key=_bytes(self.record_key),
            value=_bytes(self.record_value),
            headers=tuple((name, _bytes(value)) for name, value in self.record_headers),
        )


def _key(record: RawRecord | DeadLetter) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


def _header(record: RawRecord, name: str) -> str | None:
    for header, value in record.headers:
        if header == name and value is not None:
            return value.decode("ascii", "replace")
    return None


def dead_letter(record: RawRecord, *, consumer: str, reason: str, detail: str) -> DeadLetter:
    """Wrap a record that could not be applied."""
    traceparent = _header(record, "traceparent")
    parts = traceparent.split("-") if traceparent else []
    return DeadLetter(
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        detail=detail[:_KEPT_OF_DETAIL],
        died_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        trace_id=parts[1] if len(parts) == 4 else None,
        event_id=_header(record, "ce_id"),
        event_type=_header(record, "ce_type"),
        record_key=_text(record.key),
        record_value=_text(record.value),
        record_headers=[(name, _text(value)) for name, value in record.headers],
    )


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(DeadLetter)


def redriven(record: RawRecord) -> RawRecord | None:
    """The original record inside a record of a redrive topic, or None when the document is broken."""
    try:
        return _decoder.decode(record.value or b"").record
    except (msgspec.MsgspecError, ValueError):
        return None


def _home(topic: str, consumer: str) -> str:
    """The topic where a dead letter lies: its record's own, or the consumer's first for what came from no event topic."""
    home = catalog.dead_letter_topic(topic, consumer)
    read = [catalog.dead_letter_topic(one.name, consumer) for one in catalog.topics_read_by(consumer)]
    return home if home in read or not read else min(read)


class DeadLetterWriter:
    """Sends dead letters and waits until the broker has them."""

    def __init__(self, kafka: str, security: dict[str, Any] | None = None) -> None:
        self._kafka = kafka
        self._security = security or {}
        self._producer: AIOKafkaProducer | None = None

    async def write(self, letters: Iterable[DeadLetter]) -> None:
        """Send each to `<topic>.<consumer>.dlq`; returns when all are acknowledged, raises KafkaError when not."""
        rows = [(_home(letter.topic, letter.consumer), letter.key, _encode(letter)) for letter in letters]
        await self._send(rows)

    async def remove(self, records: Iterable[RawRecord], consumer: str) -> None:
        """Take back the dead letters of `consumer` for these records, as `write` sends them."""
        await self._send([(_home(record.topic, consumer), _key(record), None) for record in records])

    async def _send(self, rows: Sequence[tuple[str, str, bytes | None]]) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._kafka,
                acks="all",
                enable_idempotence=True,
                max_request_size=LARGEST_REQUEST,
                **self._security,
            )
            await producer.start()
            self._producer = producer
        waiting = [await self._producer.send(topic, key=key.encode(), value=value) for topic, key, value in rows]
        for acknowledgement in waiting:
            await acknowledgement

    async def close(self) -> None:
        """Give the connection back."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()


@contextlib.asynccontextmanager
async def _reader(kafka: str, security: dict[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    # "earliest" rather than seeking: a seek right after `assign` loses against aiokafka's own first positioning at the end.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=LARGEST_REQUEST,
        **security,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _partitions(kafka: str, names: Sequence[str], security: dict[str, Any]) -> list[TopicPartition]:
    """The partitions of those of the topics that exist."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, **security)
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in topics
        if topic["topic"] in names
        for partition in topic["partitions"]
    ]


async def list_dead_letters(kafka: str, *, security: dict[str, Any] | None = None) -> list[DeadLetter]:
    """Every dead letter that has not been replayed with success, by topic, partition and offset."""
    names = [topic.name for topic in catalog.all_kafka_topics() if topic.name.endswith(".dlq")]
    found: dict[str, DeadLetter] = {}
    async with _reader(kafka, security or {}) as consumer:
        partitions = await _partitions(kafka, names, security or {})
        if not partitions:
            return []
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        open_ = {partition for partition in partitions if ends[partition] > 0}
        while open_:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    place = f"{partition.topic} {(record.key or b'').decode()}"
                    if record.value is None:
                        found.pop(place, None)
                    else:
                        with contextlib.suppress(msgspec.MsgspecError):
                            found[place] = _decoder.decode(record.value)
            for partition in list(open_):
                if await consumer.position(partition) >= ends[partition]:
                    open_.discard(partition)
    return sorted(found.values(), key=lambda letter: (letter.topic, letter.partition, letter.offset, letter.consumer))


async def show(kafka: str, key: str, *, security: dict[str, Any] | None = None) -> list[DeadLetter]:
    """The dead letters of one record (`topic/partition/offset`), one for each consumer that set it aside."""
    return [letter for letter in await list_dead_letters(kafka, security=security) if letter.key == key]


async def replay(
    kafka: str,
    keys: Sequence[str] | None = None,
    *,
    consumer: str | None = None,
    security: dict[str, Any] | None = None,
) -> list[DeadLetter]:
    """Hand dead letters back to the consumers that set them aside; all of them when `keys` is None. Returns those sent.

    A consumer applies each once where it still matters and records it as superseded where something newer has been applied;
    either removes the dead letter. One that fails again, or still waits for a predecessor, stays listed.
    """
    chosen = [
        letter
        for letter in await list_dead_letters(kafka, security=security)
        if (keys is None or letter.key in keys) and consumer in (None, letter.consumer)
    ]
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks="all",
        enable_idempotence=True,
        max_request_size=LARGEST_REQUEST,
        **(security or {}),
    )
    await producer.start()
    try:
        for letter in chosen:
            topic = catalog.redrive_topic(letter.consumer)
            await producer.send_and_wait(topic, key=letter.key.encode(), value=_encode(letter))
    finally:
        await producer.stop()
    return chosen
