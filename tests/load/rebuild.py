"""The rebuild of a projection: evaluation's meetings out of 1,000,000 events, from an empty database and offset 0 to the last event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from uuid import uuid4

import asyncpg
import kafka_side
from confluent_kafka import Producer
from contracts.envelope import Record
from contracts.identifiers import uuid7
from updraft.servers_for_tests import ServiceDatabase

from load.broker_side import TOPIC, Eye, open_eye
from load.meetings import VERSIONS, header, meeting_events
from load.rows import Bench
from load.servers import Servers

MEETINGS = 50_000
EVENTS = 1_000_000
_PATIENCE = 240.0


def history(meetings: int, events: int) -> Iterator[Record]:
    """`events` events of `meetings` meetings, each meeting's in order: what happened to each goes on being corrected."""
    first = [record for record in meeting_events(meetings * VERSIONS) if header(record, "ce_sequence") == b"1"][
        :meetings
    ]
    for version in range(1, events // meetings + 1):
        for record in first:
            changed = {"ce_id": str(uuid7()).encode(), "ce_sequence": str(version).encode()}
            headers = tuple((name, changed.get(name, value)) for name, value in record.headers)
            yield record._replace(headers=headers)


def produce(bootstrap: str, records: Iterator[Record]) -> int:
    """Send the records, each key's in order; how many. RuntimeError when one is refused."""
    refused: list[str] = []
    # The topics of events take no batch that is much larger than the largest event.
    producer = Producer({
        "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "batch.size": 128 * 1024,
        "queue.buffering.max.messages": 100_000,
    })  # fmt: skip

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            refused.append(str(error))

    number = 0
    for number, record in enumerate(records, start=1):  # noqa: B007 - the last number is how many there were
        while True:
            try:
                producer.produce(
                    record.topic, record.value, record.key, headers=list(record.headers), on_delivery=delivered
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(120)
    if refused:
        raise RuntimeError(f"{len(refused)} records refused: {refused[0]}")
    return number


class RebuildSubject:
    """Rounds over one topic; every round begins with nothing."""

    def __init__(self, servers: Servers, database: ServiceDatabase, eye: Eye, meetings: int, events: int) -> None:
        self._servers, self._database, self._eye = servers, database, eye
        self._meetings, self._events = meetings, events

    async def round(self) -> float:
        """Seconds from the start of the consumer's process to the commit of the last offset. AssertionError unless all is there."""
        admin = await asyncpg.connect(self._database.admin_dsn)
        try:
            await admin.execute("TRUNCATE inbox, known_meetings, known_pairs, handler_positions, parked_events CASCADE")
            await admin.execute("CHECKPOINT")
            group = f"rebuild-{uuid4()}"
            environment = {"UPDRAFT_CONSUMER_GROUP": group}
            began = time.perf_counter()
            with self._servers.running(
                "evaluation-consumer", ["evaluation", "consumer"], database=self._database, environment=environment
            ) as consumer:
                while await self._eye.committed(group) < self._events:
                    assert consumer.poll() is None, consumer.tail(30)
                    assert time.perf_counter() - began < _PATIENCE, consumer.tail(30)
                    await asyncio.sleep(0.05)
                seconds = time.perf_counter() - began
            found = await admin.fetchrow(
                "SELECT count(*) AS meetings, min(sequence) AS oldest, (SELECT count(*) FROM inbox) AS taken FROM known_meetings"
            )
        finally:
            await admin.close()
        newest = self._events // self._meetings
        assert (found["meetings"], found["oldest"], found["taken"]) == (self._meetings, newest, self._events), found
        return seconds


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Three rebuilds of the same history."""
    meetings, events = (500, 5_000) if quick else (MEETINGS, EVENTS)
    await kafka_side.fresh_topics(servers.kafka)
    sent = await asyncio.to_thread(produce, servers.kafka, history(meetings, events))
    bench.say(f"{sent:,} events on {TOPIC}")
    async with open_eye(servers.kafka) as eye:
        subject = RebuildSubject(servers, servers.database("evaluation"), eye, meetings, sent)
        found: list[float] = []
        for number in range(1, 2 if quick else 4):
            found.append(await subject.round())
            bench.say(f"rebuild, round {number}: {found[-1]:.1f} s, {sent / found[-1]:,.0f} events a second")
    _record(bench, found, sent)


def _record(bench: Bench, seconds: Sequence[float], events: int) -> None:
    bench.record("rebuild of a projection from 1,000,000 events", "s", [one * EVENTS / events for one in seconds])
    bench.record("events replayed in a rebuild, the consumer's start included", "/s", [events / one for one in seconds])
