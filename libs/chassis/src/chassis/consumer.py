"""The consumer of a service: batches from Kafka, each applied once, the unusable set aside, the offset committed last.

FastStream delivers the batches; its defaults lose messages (docs/architecture.md, "Traps"), so one factory here sets
what is safe: acknowledge after the work, earliest offset, no auto-created topics, a parser that cannot raise.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from contracts import catalog
from contracts.envelope import Undecodable, UnknownType, decode
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from chassis import metrics
from chassis.crash_points import (
    CONSUMER_AFTER_COMMIT,
    CONSUMER_AFTER_DEAD_LETTERS,
    CONSUMER_BEFORE_COMMIT,
    crash_point,
)
from chassis.database import is_transient
from chassis.dead_letters import DeadLetter, DeadLetterWriter, RawRecord, dead_letter, redriven
from chassis.handlers import Acts, Handler, Projects, ProjectsBatch, Routing
from chassis.health import Progress
from chassis.inbox import Inbox, Received
from chassis.offsets import Acknowledged, Offsets
from chassis.service import Service

__all__ = ["Acts", "Consumer", "Projects", "ProjectsBatch", "TooManyDeadLetters"]

RECORDS_A_BATCH = 2_000
BATCH_SECONDS = 5.0
"""What the records of one read should take at most: who reads too seldom is put out of the group."""
RECORDS_A_TRANSACTION = 500
"""While PostgreSQL works on so many, the next are decoded."""
DECODED_AT_ONCE = 25
"""Then those at work in the database have their turn."""
LONGEST_READ_MS = 25
"""Then a read without records returns, so that the broker is told how far the consumer has come."""
QUIET_READ_MS = 250
"""The same where the broker has been told; a record ends every read at once."""
LONGEST_RETRY = 60.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
FIRST_SLICE = 20
"""Records of the first transaction, before it is known how long a handler takes."""
SLICE_SECONDS = 1.0
"""What one transaction should take at most: who writes events holds back the relay of the service until the end."""
LONGEST_WITHOUT_READING = 8.0
"""Seconds of refused reads after which the driver is given up."""
LONGEST_FINISH = 5.0
"""Seconds that a stopping consumer goes on with its batch; then it gives the rest back."""
DEAD_LETTERS_IN_A_ROW = 200
PARKED_RETRY_SECONDS = 5.0

_log = structlog.get_logger("consumer")


class TooManyDeadLetters(Exception):
    """So many records in a row could not be applied that the fault is ours: stop instead of draining the topic."""


class NothingCanBeRead(Exception):
    """The driver has refused to read for so long that it will not recover: a new process joins the group anew."""


class _GivenBack(Exception):
    """The consumer stops in the middle of a batch: its offset stays, what was applied is known to the inbox."""


class Consumer:
    """Reads the topics of a service's handlers, and its redrive topic, as one member of the service's group."""

    def __init__(
        self,
        service: Service,
        handlers: Sequence[Handler],
        *,
        progress: Progress,
        dead_letters_in_a_row: int = DEAD_LETTERS_IN_A_ROW,
        session_timeout_ms: int = 10_000,
        records_a_batch: int = RECORDS_A_BATCH,
        parked_retry_seconds: float = PARKED_RETRY_SECONDS,
    ) -> None:
        settings = service.settings
        self._name = service.name
        self._progress = progress
        self._limit = dead_letters_in_a_row
        self._largest_batch = self._largest_slice = records_a_batch
        self._slice = min(FIRST_SLICE, records_a_batch)
        self._in_a_row = 0
        self._parked_retry = parked_retry_seconds
        self._retried = time.monotonic()
        self._working = asyncio.Lock()
        self._stopping = False
        self._finish_by = math.inf
        self._routing = Routing.of(handlers)
        self._inbox = Inbox(
            consumer=service.name,
            database=service.database,
            routing=self._routing,
            unit_of_work=service.open_unit_of_work,
        )
        security = settings.kafka_security()
        self._dead_letters = DeadLetterWriter(settings.kafka, security)
        self._redrive = catalog.redrive_topic(service.name)
        self._offsets = Offsets()
        self._broker = KafkaBroker(
            settings.kafka,
            allow_auto_create_topics=False,
            # It would find out in a thread, for every batch, what the handler's parameters are.
            apply_types=False,
            logger=None,
            client_id=f"updraft-{service.name}",
            security=_security(security),
        )
        self._stopped = asyncio.Event()
        self._failure: BaseException | None = None
        self._subscriber = self._broker.subscriber(
            *sorted(self._routing.topics),
            self._redrive,
            batch=True,
            group_id=settings.consumer_group or f"updraft.{service.name}",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            auto_offset_reset="earliest",
            batch_timeout_ms=LONGEST_READ_MS,
            max_records=min(RECORDS_A_TRANSACTION, records_a_batch),
            fetch_max_wait_ms=100,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=max(300, session_timeout_ms // 4),
            max_partition_fetch_bytes=2 * 1024 * 1024,
            parser=self._parse,
            decoder=_decode,
        )
        self._subscriber(self._on_batch)
        self._refused_since: float | None = None
        # FastStream has no hook where it reads, sleeps after a read without records, and repeats a failing one in silence for ever.
        self._subscriber.get_msg = self._read_or_give_up  # type: ignore[method-assign]

    async def _parse(self, message: tuple[Any, ...]) -> Acknowledged:
        # FastStream's own batch parser decodes headers and loses the whole batch when one is null or not UTF-8
        # (reproduced in 0.7.8, whatever the acknowledgement policy); this one looks at nothing.
        consumer = self._subscriber.consumer
        return Acknowledged(body=message, headers={}, raw_message=message, consumer=consumer, offsets=self._offsets)

    async def _read_or_give_up(self, consumer: Any) -> tuple[Any, ...]:
        try:
            await self._offsets.tell(consumer)
            longest = LONGEST_READ_MS if self._offsets.untold else QUIET_READ_MS
            found = await consumer.getmany(timeout_ms=longest, max_records=self._subscriber.max_records)
        except KafkaError as error:
            # An error that aiokafka's heartbeat does not expect ends the heartbeat, and every read fails from then on.
            now = time.monotonic()
            self._refused_since = self._refused_since or now
            _log.warning("nothing can be read", error=type(error).__name__)
            if now - self._refused_since > LONGEST_WITHOUT_READING:
                self._failure = NothingCanBeRead(str(error))
                self._stopped.set()
            raise
        self._refused_since = None
        return tuple(chain.from_iterable(found.values()))

    async def start(self) -> None:
        """Join the group and begin."""
        self._progress.expect("consumer", max_age=90.0)
        await self._broker.start()

    async def stop(self) -> None:
        """Finish the batch under way, leave the group."""
        self._stopping = self._offsets.at_once = True
        if self._subscriber.consumer is not None:
            await self._offsets.tell(self._subscriber.consumer)
        self._finish_by = time.monotonic() + LONGEST_FINISH
        await self._broker.stop()
        await self._dead_letters.close()
        self._progress.forget("consumer")
        self._stopped.set()

    async def failed(self) -> None:
        """Wait until the consumer must not go on, then raise why; returns when it was stopped."""
        await self._stopped.wait()
        if self._failure is not None:
            raise self._failure

    async def watch(self) -> None:
        """Keep the gauges (lag, parked events) and the heartbeat, run late parked events; until cancelled or stopped."""
        # A cancellation may be swallowed below (https://github.com/python/cpython/issues/86296); stopping ends the loop too.
        while not self._stopped.is_set():
            consumer = self._subscriber.consumer
            if not self._working.locked() and any(not task.done() for task in self._subscriber.tasks):
                self._progress.beat("consumer")
            if consumer is not None:
                await self._measure(consumer)
            if time.monotonic() - self._retried >= self._parked_retry:
                await self._retry_parked()
            await asyncio.sleep(0.5)

    async def _retry_parked(self) -> None:
        try:
            async with self._working:
                if not self._stopping:
                    letters: list[DeadLetter] = []
                    casualties = await self._inbox.retry_parked(self._parked_retry)
                    self._give_up_all(casualties, letters)
                    await self._set_aside(letters, casualties)
        except Exception as error:
            _log.warning("parked events not retried", error=type(error).__name__)
        self._retried = time.monotonic()

    async def _measure(self, consumer: Any) -> None:
        try:
            for partition in consumer.assignment():
                end = consumer.highwater(partition)
                position = await asyncio.wait_for(consumer.position(partition), 1)
                if end is not None:
                    metrics.CONSUMER_LAG.labels(topic=partition.topic, partition=str(partition.partition)).set(
                        max(0, end - position)
                    )
            metrics.PARKED_EVENTS.set(await self._inbox.parked())
        except Exception as error:
            _log.debug("gauges not read", error=type(error).__name__)

    async def _on_batch(self, batch: Sequence[Any]) -> None:
        records = [_raw(record) for record in batch]
        started = time.monotonic()
        try:
            async with self._working:
                await self._process(records)
        except TooManyDeadLetters as failure:
            self._failure = failure
            self._stopped.set()
            _log.error("consumer stopped", reason=str(failure))
            await asyncio.sleep(LONGEST_PAUSE)
            raise
        self._progress.beat("consumer")
        seconds = time.monotonic() - started
        self._adapt_batch(len(records), seconds)
        metrics.BATCH_SECONDS.observe(seconds)

    def _adapt_batch(self, records: int, seconds: float) -> None:
        if seconds > BATCH_SECONDS:
            self._subscriber.max_records = max(1, int(records * BATCH_SECONDS / seconds))
        elif records == self._subscriber.max_records and seconds < BATCH_SECONDS / 4:
            self._subscriber.max_records = min(records * 2, self._largest_batch)

    async def _process(self, records: Sequence[RawRecord]) -> None:
        letters: list[DeadLetter] = []
        casualties: list[tuple[Received, Exception]] = []
        handed_back: list[Received] = []
        applying: asyncio.Task[None] | None = None
        try:
            for start in range(0, len(records), RECORDS_A_TRANSACTION):
                part = records[start : start + RECORDS_A_TRANSACTION]
                received = await self._read_all(part, letters, handed_back)
                if applying is not None:
                    await applying
                applying = asyncio.create_task(self._with_patience(received, letters, casualties))
            if applying is not None:
                await applying
        finally:
            if applying is not None and not applying.done():
                applying.cancel()
                await asyncio.gather(applying, return_exceptions=True)
        crash_point(CONSUMER_AFTER_COMMIT)
        self._in_a_row = self._in_a_row + len(letters) if len(letters) == len(records) else len(letters)
        if self._in_a_row > self._limit:
            raise TooManyDeadLetters(f"{self._in_a_row} records in a row could not be applied: {letters[-1].reason}")
        if letters:
            await self._set_aside(letters, casualties)
            crash_point(CONSUMER_AFTER_DEAD_LETTERS)
        if handed_back:
            await self._remove_settled(handed_back)

    async def _remove_settled(self, handed_back: Sequence[Received]) -> None:
        settled = await self._inbox.settled([one.envelope.id for one in handed_back])
        done = [one for one in handed_back if one.envelope.id in settled or not self._inbox.wants(one.envelope)]
        await self._dead_letters.remove([one.record for one in done], self._name)

    async def _read_all(
        self, records: Sequence[RawRecord], letters: list[DeadLetter], handed_back: list[Received]
    ) -> list[Received]:
        received: list[Received] = []
        for place, record in enumerate(records, 1):
            one = self._read(record, letters)
            if one is not None and self._inbox.wants(one.envelope):
                received.append(one)
            if one is not None and record.topic == self._redrive:
                handed_back.append(one)
            if place % DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return received

    def _read(self, record: RawRecord, letters: list[DeadLetter]) -> Received | None:
        original = redriven(record) if record.topic == self._redrive else record
        if original is None:
            letters.append(dead_letter(record, consumer=self._name, reason="unreadable-dead-letter", detail=""))
            return None
        try:
            return Received(decode(original.topic, original.key, original.value, original.headers), original)
        except UnknownType as unknown:
            letters.append(dead_letter(original, consumer=self._name, reason="unknown-type", detail=str(unknown)))
        except Undecodable as broken:
            letters.append(dead_letter(original, consumer=self._name, reason="undecodable", detail=str(broken)))
        return None

    async def _with_patience(
        self, received: Sequence[Received], letters: list[DeadLetter], casualties: list[tuple[Received, Exception]]
    ) -> None:
        """Apply them; wait out transient faults; a fault of a handler makes them go record by record."""
        if not received:
            return
        try:
            await self._until_possible(received, casualties)
        except _GivenBack:
            raise
        except Exception as error:
            if is_transient(error):
                raise
            for one in received:
                try:
                    await self._until_possible([one], casualties)
                except _GivenBack:
                    raise
                except Exception as failure:
                    if is_transient(failure):
                        raise
                    self._give_up(one, failure, letters)
        self._give_up_all(casualties, letters)

    def _give_up_all(self, casualties: Sequence[tuple[Received, Exception]], letters: list[DeadLetter]) -> None:
        for received, failure in casualties:
            self._give_up(received, failure, letters)

    def _give_up(self, received: Received, failure: Exception, letters: list[DeadLetter]) -> None:
        envelope = received.envelope
        _log.error("event set aside", event_type=envelope.type, event_id=str(envelope.id), error=type(failure).__name__)
        letters.append(
            dead_letter(received.record, consumer=self._name, reason="handler-error", detail=_described(failure))
        )

    async def _until_possible(self, received: Sequence[Received], casualties: list[tuple[Received, Exception]]) -> None:
        """Apply in slices, each a transaction; when a later one fails, those before it stay applied and the inbox knows them."""
        give_up = time.monotonic() + LONGEST_RETRY
        pause = FIRST_PAUSE
        waiting = list(received)
        while waiting:
            if time.monotonic() > self._finish_by:
                raise _GivenBack
            part = waiting[: self._slice]
            began = time.monotonic()
            try:
                casualties.extend(await self._inbox.apply(part, _crash_before_commit))
            except Exception as error:
                self._adapt_slice(len(part), time.monotonic() - began)
                if not is_transient(error) or time.monotonic() > give_up:
                    raise
                metrics.CONSUMER_RETRIES.inc()
                self._progress.beat("consumer")
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                del waiting[: len(part)]
                self._adapt_slice(len(part), time.monotonic() - began)
                self._progress.beat("consumer")
                give_up, pause = time.monotonic() + LONGEST_RETRY, FIRST_PAUSE

    def _adapt_slice(self, records: int, seconds: float) -> None:
        if seconds > SLICE_SECONDS:
            self._slice = max(1, int(records * SLICE_SECONDS / seconds))
        elif records == self._slice and seconds < SLICE_SECONDS / 4:
            self._slice = min(self._slice * 2, self._largest_slice)

    async def _set_aside(
        self, letters: Sequence[DeadLetter], casualties: Sequence[tuple[Received, Exception]] = ()
    ) -> None:
        await self._dead_letters.write(letters)
        if casualties:
            await self._inbox.bury(casualties)
        for letter in letters:
            metrics.DEAD_LETTERS.labels(topic=letter.topic, reason=letter.reason).inc()


def _crash_before_commit() -> None:
    crash_point(CONSUMER_BEFORE_COMMIT)


async def _decode(message: Acknowledged) -> Any:
    return message.body


def _security(arguments: dict[str, Any]) -> BaseSecurity | None:
    """The keyword arguments of aiokafka's clients in FastStream's form."""
    if not arguments:
        return None
    context = arguments.get("ssl_context")
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    kind = kinds.get(arguments.get("sasl_mechanism", ""))
    if kind is None:
        return BaseSecurity(ssl_context=context)
    return kind(
        arguments["sasl_plain_username"],
        arguments["sasl_plain_password"],
        ssl_context=context,
        use_ssl=context is not None,
    )


def _raw(record: Any) -> RawRecord:
    return RawRecord(record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers))


def _described(failure: Exception) -> str:
    """The error's type and place in code; its message may quote values and stays out of the dead letter."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(failure).__name__}{place}"
