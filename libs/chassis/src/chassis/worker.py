"""The process behind the API: relay, consumer and schedule of one service, with its health and metrics over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import structlog

from chassis.consumer import Consumer
from chassis.handlers import Handler
from chassis.health import Progress, worker_app
from chassis.relay import Relay, relay_for
from chassis.schedule import Every, Schedule
from chassis.server import serving, stop_on_signals
from chassis.service import Service

Part = Literal["consumer", "relay"]

LONGEST_STOP = 8.0
"""Seconds that relay and schedule get to finish what is under way."""

_log = structlog.get_logger("worker")


async def work(service: Service, handlers: Sequence[Handler], entries: Sequence[Every], parts: Sequence[Part]) -> None:
    """Run the parts until SIGTERM or SIGINT, then finish what is under way; raises when a part must not go on.

    The schedule runs beside the consumer.
    """
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    progress = Progress()
    progress.probe("database", service.database.ping)
    relay = relay_for(service, progress) if "relay" in parts else None
    consumer = Consumer(service, handlers, progress=progress) if "consumer" in parts and handlers else None
    schedule = Schedule(service, entries, progress=progress) if "consumer" in parts and entries else None
    _log.info("worker started", parts=list(parts))
    try:
        await _run_until(stopping, service, progress, relay, consumer, schedule)
    finally:
        for part in service.background:
            await part.aclose()
        await service.database.close()
        _log.info("worker stopped")


async def _run_until(
    stopping: asyncio.Event,
    service: Service,
    progress: Progress,
    relay: Relay | None,
    consumer: Consumer | None,
    schedule: Schedule | None,
) -> None:
    served = asyncio.Event()
    health = asyncio.create_task(serving(worker_app(progress), service.settings, progress=progress, stop=served))
    running: list[asyncio.Task[None]] = [
        asyncio.create_task(part.run()) for part in (relay, schedule) if part is not None
    ]
    watching: list[asyncio.Task[None]] = []
    if consumer is not None:
        joined = asyncio.Event()
        progress.probe("consumer", lambda: _happened(joined))
        await _started(consumer, stopping)
        joined.set()
        watching.append(asyncio.create_task(consumer.watch()))
        running.append(asyncio.create_task(consumer.failed()))
    told = asyncio.create_task(_until(stopping))
    ended, _ = await asyncio.wait([told, health, *running], return_when=asyncio.FIRST_COMPLETED)
    progress.stop()
    for part in (schedule, relay):
        if part is not None:
            part.stop()
    if consumer is not None:
        await consumer.stop()
    late = (await asyncio.wait(running, timeout=LONGEST_STOP))[1] if running else set()
    for task in (*late, *watching, told):
        task.cancel()
    served.set()
    await asyncio.gather(*running, *watching, told, health, return_exceptions=True)
    for task in ended - {told}:
        task.result()


async def _until(stopping: asyncio.Event) -> None:
    await stopping.wait()


async def _happened(event: asyncio.Event) -> None:
    if not event.is_set():
        raise LookupError("it has not happened yet")


async def _started(consumer: Consumer, stopping: asyncio.Event) -> None:
    """Join the group as soon as a broker can be reached."""
    pause = 0.2
    while not stopping.is_set():
        try:
            await consumer.start()
        except Exception as error:
            _log.warning("consumer waits for the broker", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return
