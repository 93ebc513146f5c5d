"""The relay: sends the outbox to Kafka, in order of its numbers, up to a watermark below which nothing can still appear.

A sequence number is drawn before its transaction commits, so "greater than the last one seen" would skip rows that
commit late. The relay reads the sequence's value L, then which transactions hold the outbox locked as those do that insert
into it. Every transaction that has drawn a number up to L locked the outbox before it drew, and keeps the lock until what it
did can be seen or is gone. Once none of those transactions is left, the rows `cursor < seq <= L` are complete. Who writes
elsewhere, in this database or another of the cluster, holds nothing back (docs/decisions/0009-who-holds-the-outbox.md).

One relay leads per service, by an advisory lock on the very connection it reads with. The cursor moves when the broker
has acknowledged; losing a move only sends again, and the inbox of each consumer knows the events by their id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from sqlalchemy.engine import make_url

from chassis import metrics
from chassis.crash_points import AFTER_SEND, crash_point
from chassis.health import Progress
from chassis.migrations import OUTBOX_DAYS_AHEAD, OUTBOX_DAYS_KEPT
from chassis.sending import send_all
from chassis.service import Service

ROWS_A_FETCH = 2_000
SHORTEST_PAUSE = 0.005
LONGEST_PAUSE = 0.01
QUIET_AFTER = 5.0
"""Seconds without an event, after which the next may wait for `QUIET_PAUSE`: a service at rest asks less often."""
QUIET_PAUSE = 0.025
LEADERSHIP_PAUSE = 0.2
STORE_EVERY = 0.1
"""Seconds between two stores of the cursor: each leaves a dead version, which under somebody's old snapshot nobody removes."""
BOOKKEEPING_EVERY = 1.0
PARTITIONS_EVERY = 60.0
LONGEST_BACK_OFF = 5.0

HIGHEST = "SELECT coalesce(pg_sequence_last_value('outbox_seq'), 0)"
"""The highest number drawn. A SELECT from the sequence would read its row unlocked, and with it, for a moment in every 32
numbers, the value that `nextval` writes ahead into the log: the relay would pass over numbers that nobody has drawn yet."""
_WRITERS = """SELECT array_agg(virtualtransaction) FROM pg_locks
 WHERE locktype = 'relation' AND relation = 'outbox'::regclass AND mode = 'RowExclusiveLock' AND granted
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_ROWS = "SELECT seq, topic, key, headers, value FROM outbox WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3"
_CURSOR = "SELECT seq FROM relay_cursor"
_STORE = "UPDATE relay_cursor SET seq = $1"
_OLDEST_ROW = (
    "SELECT extract(epoch FROM clock_timestamp() - appended_at)::float8 FROM outbox WHERE seq > $1 ORDER BY seq LIMIT 1"
)

_log = structlog.get_logger("relay")


class Relay:
    """Relays one service's outbox until stopped; many may run, one leads."""

    def __init__(
        self,
        *,
        database: str,
        kafka: str,
        progress: Progress,
        kafka_security: dict[str, Any] | None = None,
        rows_a_fetch: int = ROWS_A_FETCH,
    ) -> None:
        self._database = make_url(database)
        self._kafka = kafka
        self._kafka_security = kafka_security or {}
        self._progress = progress
        self._rows_a_fetch = rows_a_fetch
        self._stopping = asyncio.Event()
        self._watermark = 0
        self._cursor = 0
        self._stored = 0
        self._stored_at = 0.0
        self._candidate: tuple[int, set[str], float] | None = None
        self._booked = 0.0
        self._kept = 0.0
        self._led = False

    def stop(self) -> None:
        """Finish the batch under way and end `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Lead when possible and relay, until `stop`; a lost database or broker is met with a new connection and a pause."""
        self._progress.expect("relay", max_age=90.0)
        pause = LEADERSHIP_PAUSE
        while not self._stopping.is_set():
            self._led = False
            try:
                await self._lead()
                pause = LEADERSHIP_PAUSE
            except Exception as error:
                metrics.RELAY_ERRORS.inc()
                if self._led:
                    # It had recovered since the last fault: this one is the first again.
                    pause = LEADERSHIP_PAUSE
                _log.warning("relay interrupted", again_in_seconds=pause, exc_info=error)
                await self._sleep(pause)
                pause = min(pause * 2, LONGEST_BACK_OFF)
            finally:
                metrics.RELAY_LEADER.set(0)
        self._progress.forget("relay")

    async def _sleep(self, seconds: float) -> None:
        self._progress.beat("relay")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _lead(self) -> None:
        connection = await asyncpg.connect(
            host=self._database.host,
            port=self._database.port,
            user=self._database.username,
            password=self._database.password,
            database=self._database.database,
            timeout=5,
            command_timeout=20,
            server_settings={"application_name": "updraft relay", "synchronous_commit": "off"},
        )
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext('updraft relay'))"):
                _measure_nothing()
                await self._sleep(LEADERSHIP_PAUSE)
                if self._stopping.is_set():
                    return
            # Without a broker there is no producer, and the backlog is to be seen all the same.
            await self._book(connection, await connection.fetchval(_CURSOR))
            producer = AIOKafkaProducer(
                bootstrap_servers=self._kafka,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=300 * 1024,
                max_request_size=1024 * 1024,
                request_timeout_ms=15_000,
                client_id="updraft-relay",
                **self._kafka_security,
            )
            await producer.start()
            try:
                metrics.RELAY_LEADER.set(1)
                await self._relay(connection, producer)
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(5):
                        await producer.stop()
        finally:
            await self._close(connection)

    @staticmethod
    async def _close(connection: Any) -> None:
        try:
            await connection.close(timeout=2)
        except Exception:
            connection.terminate()

    async def _relay(self, connection: Any, producer: AIOKafkaProducer) -> None:
        cursor: int = await connection.fetchval(_CURSOR)
        self._watermark, self._candidate = cursor, None
        self._cursor = self._stored = cursor
        try:
            await self._relay_from(connection, producer, cursor)
        finally:
            with contextlib.suppress(Exception):
                await self._store(connection, at_once=True)

    async def _relay_from(self, connection: Any, producer: AIOKafkaProducer, cursor: int) -> None:
        pause, sent_at = SHORTEST_PAUSE, time.monotonic()
        while not self._stopping.is_set():
            self._progress.beat("relay")
            await self._raise_watermark(connection)
            self._led = True
            if cursor < self._watermark:
                cursor = await self._send_up_to_watermark(connection, producer, cursor)
                pause, sent_at = SHORTEST_PAUSE, time.monotonic()
            else:
                await self._sleep(pause)
                longest = LONGEST_PAUSE if time.monotonic() - sent_at < QUIET_AFTER else QUIET_PAUSE
                pause = SHORTEST_PAUSE if self._candidate else min(pause * 1.5, longest)
            await self._store(connection)
            await self._book(connection, cursor)

    async def _raise_watermark(self, connection: Any) -> None:
        if self._candidate is None:
            highest = await connection.fetchval(HIGHEST)
            if highest <= self._watermark:
                metrics.RELAY_WATERMARK_AGE.set(0)
                return
            waiting_for, since = set(await connection.fetchval(_WRITERS) or ()), time.monotonic()
        else:
            highest, waiting_for, since = self._candidate
            waiting_for.intersection_update(await connection.fetchval(_WRITERS) or ())
        if waiting_for:
            self._candidate = (highest, waiting_for, since)
            metrics.RELAY_WATERMARK_AGE.set(time.monotonic() - since)
        else:
            self._watermark, self._candidate = highest, None
            metrics.RELAY_WATERMARK_AGE.set(0)

    async def _send_up_to_watermark(self, connection: Any, producer: AIOKafkaProducer, cursor: int) -> int:
        rows = await connection.fetch(_ROWS, cursor, self._watermark, self._rows_a_fetch)
        while rows:
            last = rows[-1]["seq"]
            full = len(rows) == self._rows_a_fetch
            sent = asyncio.ensure_future(send_all(producer, rows))
            try:
                following = await connection.fetch(_ROWS, last, self._watermark, self._rows_a_fetch) if full else []
                while not (await asyncio.wait([sent], timeout=BOOKKEEPING_EVERY))[0]:
                    await self._book(connection, cursor)
                await sent
            finally:
                await _end(sent)
            _count(rows)
            crash_point(AFTER_SEND)
            self._cursor = cursor = last if full else self._watermark
            await self._store(connection)
            self._progress.beat("relay")
            if self._stopping.is_set():
                return cursor
            rows = following
        if cursor < self._watermark:
            self._cursor = cursor = self._watermark
        return cursor

    async def _store(self, connection: Any, *, at_once: bool = False) -> None:
        """Keep how far the broker has acknowledged; losing the last move only sends again."""
        now = time.monotonic()
        if self._cursor > self._stored and (at_once or now - self._stored_at >= STORE_EVERY):
            await connection.execute(_STORE, self._cursor)
            self._stored, self._stored_at = self._cursor, now

    async def _book(self, connection: Any, cursor: int) -> None:
        now = time.monotonic()
        if now - self._booked >= BOOKKEEPING_EVERY:
            self._booked = now
            highest = await connection.fetchval(HIGHEST)
            metrics.OUTBOX_DEPTH.set(max(0, highest - cursor))
            age = await connection.fetchval(_OLDEST_ROW, cursor) if highest > cursor else None
            metrics.OUTBOX_OLDEST_AGE.set(age or 0.0)
        if now - self._kept >= PARTITIONS_EVERY:
            self._kept = now
            await connection.fetchval(
                "SELECT outbox_keep_partitions($1, $2, $3)", OUTBOX_DAYS_AHEAD, OUTBOX_DAYS_KEPT, cursor
            )


async def _end(sending: asyncio.Future[None]) -> None:
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await sending


def _measure_nothing() -> None:
    """Who does not lead knows nothing of the backlog; what it knew when it led would be an alarm for ever."""
    for gauge in (metrics.OUTBOX_DEPTH, metrics.OUTBOX_OLDEST_AGE, metrics.RELAY_WATERMARK_AGE):
        gauge.set(0)


def _count(rows: Sequence[Any]) -> None:
    by_topic: dict[str, int] = {}
    for row in rows:
        by_topic[row["topic"]] = by_topic.get(row["topic"], 0) + 1
    for topic, number in by_topic.items():
        metrics.RELAY_SENT.labels(topic=topic).inc(number)


def relay_for(service: Service, progress: Progress) -> Relay:
    """The relay of a service, with the worker role's connection."""
    settings = service.settings
    return Relay(
        database=settings.database_url("worker", service.name),
        kafka=settings.kafka,
        progress=progress,
        kafka_security=settings.kafka_security(),
    )
