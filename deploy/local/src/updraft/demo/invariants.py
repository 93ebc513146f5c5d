"""The invariants I1 to I5 and I9, checked from outside: what was committed, what is on the topics, what became of it.

Reads the mechanism's own tables (outbox, inbox, parked events) as a superuser and the topics from offset 0.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from contracts import catalog


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant came to: `numbers` in a sentence, `violations` as short descriptions (none: it holds)."""

    name: str
    meaning: str
    numbers: str
    violations: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    event_id: str
    event_type: str
    subject: str
    sequence: int


async def on_topics(kafka: str, *, security: Mapping[str, Any] | None = None) -> list[Sent]:
    """Every record of every event topic, partition by partition in order of its offset.

    `security` is what an aiokafka client is told besides the bootstrap servers, here and below.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest", **(security or {})
    )
    await consumer.start()
    try:
        partitions = _partitions(catalog.TOPICS)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {partition for partition in partitions if ends[partition]}
        found: list[Sent] = []
        while waiting:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    headers = {name: (value or b"").decode() for name, value in record.headers}
                    found.append(
                        Sent(
                            partition.topic,
                            partition.partition,
                            record.offset,
                            headers["ce_id"],
                            headers["ce_type"],
                            headers["ce_subject"],
                            int(headers["ce_sequence"]),
                        )
                    )
            for partition in list(waiting):
                if await consumer.position(partition) >= ends[partition]:
                    waiting.discard(partition)
        return found
    finally:
        await consumer.stop()


async def committed(dsn: str) -> list[Mapping[str, str]]:
    """The headers of every event in a service's outbox."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT headers FROM outbox ORDER BY seq")
        return [dict(msgspec.json.decode(row["headers"])) for row in rows]
    finally:
        await connection.close()


async def settled(
    databases: Mapping[str, str], kafka: str, *, seconds: float = 60.0, security: Mapping[str, Any] | None = None
) -> None:
    """Wait until every outbox is sent and every consumer has read to the end. TimeoutError when they do not."""
    give_up = asyncio.get_running_loop().time() + seconds
    while True:
        waiting = [service for service, dsn in databases.items() if await _unsent(dsn)]
        if not waiting:
            waiting = [service for service in databases if await _lag(kafka, service, security or {})]
        if not waiting:
            return
        if asyncio.get_running_loop().time() > give_up:
            raise TimeoutError(f"still at work after {seconds:.0f} s: {', '.join(waiting)}")
        await asyncio.sleep(0.2)


async def _unsent(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        number: int = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE seq > (SELECT seq FROM relay_cursor)"
        )
        return number
    finally:
        await connection.close()


async def _lag(kafka: str, service: str, security: Mapping[str, Any]) -> int:
    """Records between the committed offsets of a service's group and the ends of the topics it reads."""
    partitions = _partitions([topic.name for topic in catalog.topics_read_by(service)])
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=f"updraft.{service}", enable_auto_commit=False, **security
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        return sum([max(0, ends[place] - (await consumer.committed(place) or 0)) for place in partitions])
    finally:
        await consumer.stop()


def _partitions(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(name, number) for name in topics for number in range(catalog.TOPICS[name].partitions)]


def compare(outboxes: Mapping[str, Sequence[Mapping[str, str]]], sent: Sequence[Sent]) -> list[Finding]:
    """I1, I2 and I4 out of what was committed (by service) and what is on the topics."""
    promised = {headers["ce_id"]: headers for rows in outboxes.values() for headers in rows}
    on_topic = {event.event_id for event in sent}
    missing = sorted(set(promised) - on_topic)
    phantom = sorted(on_topic - set(promised))
    order, repeated = _order(sent)
    return [
        Finding(
            "I1",
            "every committed event is published",
            f"{len(promised)} events committed, {len(on_topic & set(promised))} of them on the topics",
            tuple(f"{promised[event_id]['ce_type']} {event_id} was never sent" for event_id in missing[:5]),
        ),
        Finding(
            "I2",
            "every published event was committed",
            f"{len(sent)} records ({repeated} sent twice), {len(phantom)} without a commit",
            tuple(f"{event_id} was never committed" for event_id in phantom[:5]),
        ),
        Finding(
            "I4",
            "per aggregate the sequence is contiguous and rises",
            f"{len({(event.topic, event.subject) for event in sent})} aggregates",
            tuple(order[:5]),
        ),
    ]


def _order(sent: Sequence[Sent]) -> tuple[list[str], int]:
    seen: set[str] = set()
    last: dict[tuple[str, str], int] = defaultdict(int)
    violations = []
    repeated = 0
    for event in sorted(sent, key=lambda event: (event.topic, event.partition, event.offset)):
        if event.event_id in seen:
            repeated += 1
            continue
        seen.add(event.event_id)
        place = (event.topic, event.subject)
        if event.sequence != last[place] + 1:
            violations.append(f"{event.event_type} of {event.subject}: {event.sequence} after {last[place]}")
        last[place] = event.sequence
    return violations, repeated


async def taken_once(databases: Mapping[str, str], sent: Sequence[Sent]) -> Finding:
    """I3: every service has each event of the types it handles once in its inbox, nothing else, nothing parked or dead."""
    violations: list[str] = []
    inbox_rows = 0
    by_id = {event.event_id: event for event in sent}
    for service, dsn in databases.items():
        connection = await asyncpg.connect(dsn)
        try:
            taken = {str(row["event_id"]) for row in await connection.fetch("SELECT event_id FROM inbox")}
            parked = await connection.fetchval("SELECT count(*) FROM parked_events")
        finally:
            await connection.close()
        inbox_rows += len(taken)
        if parked:
            violations.append(f"{service} still waits for the predecessors of {parked} events")
        handled = {by_id[event_id].event_type for event_id in taken if event_id in by_id}
        expected = {event.event_id for event in sent if event.event_type in handled}
        if taken - set(by_id):
            violations.append(f"{service} took {len(taken - set(by_id))} events that are on no topic")
        if expected - taken:
            violations.append(f"{service} missed {len(expected - taken)} events")
    return Finding(
        "I3",
        "each event has one effect at each reader",
        f"{inbox_rows} inbox rows at {len(databases)} services",
        tuple(violations),
    )


async def fingerprint(dsn: str) -> dict[str, str]:
    """A hash of each projection (`known_*` table), rows in any order, without columns of the local time of arrival."""
    connection = await asyncpg.connect(dsn)
    try:
        names = [
            row["relname"]
            for row in await connection.fetch(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'known\\_%' ORDER BY relname"
            )
        ]
        result = {}
        for name in names:
            rows = sorted(row["r"] for row in await connection.fetch(f"SELECT to_jsonb(t)::text AS r FROM {name} t"))
            result[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return result
    finally:
        await connection.close()


def same_projections(live: Mapping[str, Mapping[str, str]], replayed: Mapping[str, Mapping[str, str]]) -> Finding:
    """I5: the projections of each service equal those of a fresh database that replayed the topics from offset 0."""
    violations = [
        f"{service}.{table} differs from its replay"
        for service, tables in live.items()
        for table, value in tables.items()
        if replayed.get(service, {}).get(table) != value
    ]
    number = sum(len(tables) for tables in live.values())
    return Finding(
        "I5",
        "each projection equals its replay from offset 0",
        f"{number} projections compared by hash",
        tuple(violations),
    )


def visible(promised: Mapping[str, set[Any]], found: Mapping[str, set[Any]]) -> Finding:
    """I9: everything that was answered 2xx is visible; both by kind, as sets of ids."""
    violations = tuple(
        f"{len(ids - found.get(kind, set()))} {kind} were promised and are not there"
        for kind, ids in promised.items()
        if ids - found.get(kind, set())
    )
    numbers = ", ".join(f"{len(ids)} {kind}" for kind, ids in promised.items())
    return Finding("I9", "every request that was answered 2xx is visible", numbers, violations)
