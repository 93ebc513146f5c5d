"""Exactly one effect per event: one transaction takes the batch's event ids into the inbox, runs the handlers of the fresh
ones in order and commits; an event that was there already is a duplicate and does nothing.

Topics upon which some handler acts are taken strictly in order of the sequence per aggregate: an event that comes early, or
whose handler misses a fact of another aggregate, is parked and run as soon as what it waits for has been applied.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from contracts.envelope import Envelope, decode

from chassis import metrics
from chassis.database import Database, UnitOfWork, WriteSession, is_transient
from chassis.dead_letters import RawRecord
from chassis.handlers import Acts, Projects, ProjectsBatch, Routing
from chassis.ports import Missing
from chassis.telemetry import Span, start_span

_TAKE = """INSERT INTO inbox (consumer, event_id) SELECT $1, e FROM unnest($2::uuid[]) AS e
 ON CONFLICT DO NOTHING RETURNING event_id"""
_OUTCOMES = """UPDATE inbox SET outcome = o.outcome FROM unnest($2::uuid[], $3::text[]) AS o(event_id, outcome)
 WHERE inbox.consumer = $1 AND inbox.event_id = o.event_id"""
_POSITIONS = """SELECT topic, subject, sequence FROM handler_positions
 WHERE consumer = $1 AND (topic, subject) IN (SELECT * FROM unnest($2::text[], $3::uuid[])) FOR UPDATE"""
_ADVANCE = """INSERT INTO handler_positions (consumer, topic, subject, sequence)
 SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::bigint[])
 ON CONFLICT (consumer, topic, subject) DO UPDATE SET sequence = excluded.sequence"""
_PARK = """INSERT INTO parked_events
 (consumer, event_id, waiting_for, topic, partition_number, record_offset, subject, sequence, key, headers, value)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
 ON CONFLICT (consumer, event_id) DO NOTHING"""
_WAITING = """DELETE FROM parked_events WHERE consumer = $1 AND waiting_for = ANY ($2::uuid[])
 RETURNING topic, partition_number, record_offset, key, headers, value, sequence, subject"""
_LATE = """DELETE FROM parked_events WHERE consumer = $1 AND event_id IN (
 SELECT e.event_id FROM parked_events AS e LEFT JOIN handler_positions AS p USING (consumer, topic, subject)
 WHERE e.consumer = $1 AND e.parked_at < clock_timestamp() - make_interval(secs => $2)
 AND (e.waiting_for <> e.subject OR e.sequence <= coalesce(p.sequence, 0) + 1)
 ORDER BY e.parked_at LIMIT $3)
 RETURNING topic, partition_number, record_offset, key, headers, value, sequence, subject"""
_UNPARK = "DELETE FROM parked_events WHERE consumer = $1 AND event_id = ANY ($2::uuid[])"
_UNTAKE = "DELETE FROM inbox WHERE consumer = $1 AND event_id = ANY ($2::uuid[])"
_SETTLED = "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY ($2::uuid[]) AND outcome <> 'parked'"
_RETRIED_AT_ONCE = 200

_Place = tuple[str, UUID]


class Received(NamedTuple):
    """A decoded event together with the record it came in."""

    envelope: Envelope[Any]
    record: RawRecord


@dataclass(slots=True)
class _Batch:
    outcomes: dict[UUID, str] = field(default_factory=dict)
    positions: dict[_Place, int] = field(default_factory=dict)
    moved: set[_Place] = field(default_factory=set)
    applied: list[Envelope[Any]] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)
    casualties: list[tuple[Received, Exception]] = field(default_factory=list)


def _span(envelope: Envelope[Any]) -> Span:
    """The event's own part of its trace, below the request or event that caused it."""
    return start_span(
        f"apply {envelope.type}",
        kind="consumer",
        parent=envelope.traceparent,
        attributes={"messaging.destination.name": envelope.data.TOPIC},
    )


class Inbox:
    """Applies events for one consumer (a service) on its database."""

    def __init__(
        self,
        *,
        consumer: str,
        database: Database,
        routing: Routing,
        unit_of_work: Callable[[WriteSession], UnitOfWork],
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._routing = routing
        self._unit_of_work = unit_of_work

    def wants(self, envelope: Envelope[Any]) -> bool:
        """Whether the event has a handler here, or counts in the order of a topic that is acted upon."""
        return envelope.type in self._routing.by_type or envelope.data.TOPIC in self._routing.ordered

    async def apply(
        self, batch: Sequence[Received], before_commit: Callable[[], None] | None = None
    ) -> list[tuple[Received, Exception]]:
        """Apply the batch in one transaction. Raises whatever a handler raises; then nothing of the batch is applied.

        Returns the parked events that were woken and failed, each with its error: they belong to the dead letters, while
        what woke them is applied. They stay parked until `bury`, so that a crash before their dead letter loses nothing.
        """
        done = _Batch()
        async with self._database.write() as session:
            driver = await session.driver()
            unit = self._unit_of_work(session)
            fresh = await self._fresh(driver, batch)
            if fresh:
                await self._load_positions(driver, fresh, done)
                await self._run(driver, unit, fresh, done)
                await self._wake(driver, unit, done)
                await self._store(driver, done)
            if before_commit is not None:
                before_commit()
            await session.commit()
        self._count(batch, fresh, done)
        return done.casualties

    async def retry_parked(self, seconds: float) -> list[tuple[Received, Exception]]:
        """Run what has been parked for `seconds` or longer and may be able to run by now; returns as `apply` does.

        Two consumers that commit at the same moment do not see each other: one parks an event while the other applies
        what it waits for, and nothing wakes it. What a crash has kept from its dead letter is found here too.
        """
        done = _Batch()
        async with self._database.write() as session:
            driver = await session.driver()
            rows = await driver.fetch(_LATE, self._consumer, seconds, _RETRIED_AT_ONCE)
            if rows:
                unit = self._unit_of_work(session)
                await self._run_woken(driver, unit, rows, done)
                await self._wake(driver, unit, done)
                await self._store(driver, done)
                await session.commit()
        self._count((), (), done)
        return done.casualties

    async def bury(self, casualties: Sequence[tuple[Received, Exception]]) -> None:
        """Forget woken events whose dead letters have been written: only a replay brings them back."""
        ids = [received.envelope.id for received, _ in casualties]
        async with self._database.write() as session:
            driver = await session.driver()
            await driver.execute(_UNPARK, self._consumer, ids)
            await driver.execute(_UNTAKE, self._consumer, ids)
            await session.commit()

    async def settled(self, ids: Sequence[UUID]) -> set[UUID]:
        """Which of the events have found their end here: applied or superseded, not waiting."""
        async with self._database.read() as session:
            driver = await session.driver()
            return {row["event_id"] for row in await driver.fetch(_SETTLED, self._consumer, ids)}

    async def parked(self) -> int:
        """How many events wait for a predecessor."""
        async with self._database.read() as session:
            driver = await session.driver()
            number: int = await driver.fetchval(
                "SELECT count(*) FROM parked_events WHERE consumer = $1", self._consumer
            )
            return number

    async def _fresh(self, driver: Any, batch: Sequence[Received]) -> list[Received]:
        first: dict[UUID, Received] = {}
        for received in batch:
            first.setdefault(received.envelope.id, received)
        taken = {row["event_id"] for row in await driver.fetch(_TAKE, self._consumer, list(first))}
        return [received for event_id, received in first.items() if event_id in taken]

    async def _load_positions(self, driver: Any, fresh: Sequence[Received], done: _Batch) -> None:
        places = {
            (received.envelope.data.TOPIC, received.envelope.subject)
            for received in fresh
            if received.envelope.data.TOPIC in self._routing.ordered
        }
        await self._load(driver, places, done)

    async def _load(self, driver: Any, places: set[_Place], done: _Batch) -> None:
        wanted = sorted(places - done.positions.keys(), key=str)
        if not wanted:
            return
        for place in wanted:
            done.positions[place] = 0
        rows = await driver.fetch(
            _POSITIONS, self._consumer, [topic for topic, _ in wanted], [subject for _, subject in wanted]
        )
        for row in rows:
            done.positions[(row["topic"], row["subject"])] = row["sequence"]

    async def _run(self, driver: Any, unit: UnitOfWork, fresh: Sequence[Received], done: _Batch) -> None:
        grouped: dict[int, tuple[ProjectsBatch, list[Envelope[Any]]]] = {}
        session = unit.session
        for received in fresh:
            handler = self._routing.by_type.get(received.envelope.type)
            ordered = received.envelope.data.TOPIC in self._routing.ordered
            if isinstance(handler, ProjectsBatch) and not ordered:
                grouped.setdefault(id(handler), (handler, []))[1].append(received.envelope)
            elif isinstance(handler, Projects) and not ordered:
                await self._project(driver, unit, handler, received, done)
            else:
                await self._one(driver, unit, received, done)
        await session.flush()
        done.outcomes.update(dict.fromkeys(session.superseded, "superseded"))
        for handler, envelopes in grouped.values():
            with contextlib.ExitStack() as spans:
                for envelope in envelopes:
                    if envelope.traceparent is not None and envelope.traceparent.endswith("-01"):
                        spans.enter_context(_span(envelope))
                await handler.handler(envelopes, unit)
                await unit.session.flush()
            done.applied.extend(envelopes)
            done.touched.update(envelope.subject for envelope in envelopes)

    async def _project(
        self, driver: Any, unit: UnitOfWork, handler: Projects, received: Received, done: _Batch
    ) -> None:
        """As `_one`, with what the handler has staged put off: all that the batch's projections write travels in one go.

        The statements keep their order, and whatever a handler reads is read after those before it have been sent.
        """
        envelope, session = received.envelope, unit.session
        guarded, overtaken = session.guarded, session.overtaken
        try:
            with _span(envelope):
                await handler.handler(envelope, unit)
        except Missing as missing:
            session.forget_staged()
            await self._park(driver, received, missing.subject, done)
            return
        session.put_off(envelope.id, guarded=session.guarded - guarded, overtaken=session.overtaken - overtaken)
        done.applied.append(envelope)
        done.touched.add(envelope.subject)

    async def _one(self, driver: Any, unit: UnitOfWork, received: Received, done: _Batch) -> None:
        envelope = received.envelope
        place = (envelope.data.TOPIC, envelope.subject)
        ordered = envelope.data.TOPIC in self._routing.ordered
        if ordered:
            position = done.positions[place]
            if envelope.sequence <= position:
                done.outcomes[envelope.id] = "superseded"
                return
            if envelope.sequence > position + 1:
                await self._park(driver, received, envelope.subject, done)
                return
        try:
            superseded = await self._handle(unit, envelope)
        except Missing as missing:
            unit.session.forget_staged()
            await self._park(driver, received, missing.subject, done)
            return
        if superseded:
            done.outcomes[envelope.id] = "superseded"
        elif done.outcomes.get(envelope.id) == "parked":
            done.outcomes[envelope.id] = "applied"
        if ordered:
            done.positions[place] = envelope.sequence
            done.moved.add(place)
        done.applied.append(envelope)
        done.touched.add(envelope.subject)

    async def _handle(self, unit: UnitOfWork, envelope: Envelope[Any]) -> bool:
        """Run the event's handler; True when every row it wanted to write had been overtaken by something newer."""
        handler = self._routing.by_type.get(envelope.type)
        if handler is None:
            return False
        session = unit.session
        guarded, overtaken = session.guarded, session.overtaken
        with _span(envelope):
            match handler:
                case Projects() | Acts():
                    await handler.handler(envelope, unit)
                case ProjectsBatch():
                    await handler.handler([envelope], unit)
            await session.flush()
        newly_guarded, newly_overtaken = session.guarded - guarded, session.overtaken - overtaken
        return newly_guarded > 0 and newly_guarded == newly_overtaken

    async def _park(self, driver: Any, received: Received, waiting_for: UUID, done: _Batch) -> None:
        envelope, record = received.envelope, received.record
        # Headers that are not an event's may hold anything; the event's own have been read as text before.
        headers = [(name, value.decode(errors="replace")) for name, value in record.headers if value is not None]
        await driver.execute(
            _PARK,
            self._consumer,
            envelope.id,
            waiting_for,
            record.topic,
            record.partition,
            record.offset,
            envelope.subject,
            envelope.sequence,
            record.key,
            msgspec.json.encode(headers),
            record.value,
        )
        done.outcomes[envelope.id] = "parked"

    async def _wake(self, driver: Any, unit: UnitOfWork, done: _Batch) -> None:
        """Run the parked events that waited for something this batch has applied, until none is left."""
        while done.touched:
            subjects, done.touched = list(done.touched), set()
            rows = await driver.fetch(_WAITING, self._consumer, subjects)
            await self._run_woken(driver, unit, rows, done)

    async def _run_woken(self, driver: Any, unit: UnitOfWork, rows: Sequence[Any], done: _Batch) -> None:
        woken = []
        for row in sorted(rows, key=lambda row: (row["topic"], row["subject"], row["sequence"])):
            headers = tuple(
                (name, value.encode())
                for name, value in msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
            )
            envelope = decode(row["topic"], row["key"], row["value"], headers)
            record = RawRecord(
                row["topic"], row["partition_number"], row["record_offset"], row["key"], row["value"], headers
            )
            woken.append(Received(envelope, record))
            done.outcomes[envelope.id] = "parked"
        await self._load_positions(driver, woken, done)
        for received in woken:
            await driver.execute("SAVEPOINT woken")
            try:
                await self._one(driver, unit, received, done)
            except Exception as error:
                if is_transient(error):
                    raise
                unit.session.forget_staged()
                await driver.execute("ROLLBACK TO SAVEPOINT woken")
                await self._park(driver, received, received.envelope.id, done)
                done.casualties.append((received, error))
            else:
                await driver.execute("RELEASE SAVEPOINT woken")

    async def _store(self, driver: Any, done: _Batch) -> None:
        if done.moved:
            places = sorted(done.moved, key=str)
            await driver.execute(
                _ADVANCE,
                self._consumer,
                [topic for topic, _ in places],
                [subject for _, subject in places],
                [done.positions[place] for place in places],
            )
        if done.outcomes:
            await driver.execute(_OUTCOMES, self._consumer, list(done.outcomes), list(done.outcomes.values()))

    @staticmethod
    def _count(batch: Sequence[Received], fresh: Sequence[Received], done: _Batch) -> None:
        ends: Counter[tuple[str, str]] = Counter()
        for received in fresh:
            envelope = received.envelope
            ends[envelope.type, done.outcomes.get(envelope.id, "applied") if done.outcomes else "applied"] += 1
        if len(fresh) < len(batch):
            ends.update((received.envelope.type, "duplicate") for received in batch)
            ends.subtract((received.envelope.type, "duplicate") for received in fresh)
        for (event_type, outcome), number in ends.items():
            metrics.EVENTS.labels(type=event_type, outcome=outcome).inc(number)
        now = datetime.now(UTC)
        ages = {
            event_type: metrics.EVENT_AGE.labels(type=event_type) for event_type in {one.type for one in done.applied}
        }
        for envelope in done.applied:
            ages[envelope.type].observe(max(0.0, (now - envelope.time).total_seconds()))
