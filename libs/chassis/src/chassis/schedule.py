"""Work that no request and no event starts: rules about time, run over and over in one worker at a time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chassis import metrics
from chassis.database import is_transient
from chassis.health import Progress
from chassis.service import Service
from chassis.telemetry import start_span

LONGEST_PAUSE = 30.0

_log = structlog.get_logger("schedule")


@dataclass(frozen=True, slots=True)
class Every:
    """Run `job` every `seconds` of real time; it judges by the rules' clock (`uow.now`).

    `job(uow)` does a bounded piece of work in its own transaction, idempotently, and returns True when more is waiting.
    With `owns_transactions` the job is called as `job(service)` and opens units of work itself (long work in short transactions).
    """

    seconds: float
    job: Callable[[Any], Awaitable[bool]]
    owns_transactions: bool = False

    @property
    def name(self) -> str:
        """The job's name in metrics and locks."""
        return self.job.__name__


class Schedule:
    """Runs the jobs of a service; an advisory lock per job keeps several workers from running the same one at once."""

    def __init__(self, service: Service, entries: Sequence[Every], *, progress: Progress) -> None:
        self._service = service
        self._entries = entries
        self._progress = progress
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the runs under way and end `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Run every job until `stop`."""
        async with asyncio.TaskGroup() as group:
            for entry in self._entries:
                group.create_task(self._repeat(entry))

    async def _repeat(self, entry: Every) -> None:
        heartbeat = f"schedule:{entry.name}"
        self._progress.expect(heartbeat, max_age=max(120.0, entry.seconds * 3))
        pause = entry.seconds
        while not self._stopping.is_set():
            started = time.monotonic()
            rules_time = self._service.clock.now()
            try:
                more = await self._once(entry)
                pause = 0.0 if more else entry.seconds
                if not more:
                    metrics.SCHEDULE_RULES_TIME.labels(job=entry.name).set(rules_time.timestamp())
            except Exception as error:
                metrics.SCHEDULE_FAILURES.labels(job=entry.name).inc()
                if is_transient(error):
                    _log.warning("scheduled run failed", job=entry.name, error=type(error).__name__)
                else:
                    _log.exception("scheduled run failed", job=entry.name)
                pause = min(max(pause, entry.seconds) * 2, LONGEST_PAUSE)
            metrics.SCHEDULE_SECONDS.labels(job=entry.name).observe(time.monotonic() - started)
            self._progress.beat(heartbeat)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
        self._progress.forget(heartbeat)

    async def _once(self, entry: Every) -> bool:
        if entry.owns_transactions:
            return await entry.job(self._service)
        async with self._service.database.write() as session:
            driver = await session.driver()
            if not await driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1))", f"schedule {entry.name}"):
                return False
            with start_span(f"schedule {entry.name}"):
                more = await entry.job(self._service.open_unit_of_work(session))
                await session.commit()
            return more
