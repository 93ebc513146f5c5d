"""How fast a contender goes, seen from outside: what it has done is counted while it works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from updraft.processes import Child

from load.servers import Servers, cpu_seconds

_EVERY = 0.02
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What was seen between the first sign of work and the last."""

    rate: float
    """Events a second."""
    seen: int
    """Events done in all."""
    cpu: str
    """Processor microseconds an event, by process, in words."""


async def pace(
    counted: Callable[[], Awaitable[int]],
    total: int,
    contender: Child,
    servers: Servers,
    *,
    at_most_seconds: float,
) -> Pace:
    """Watch until `total` events are done, or for `at_most_seconds` from the first sign of work; starting up is not measured.

    AssertionError when the contender dies or shows no sign for a minute.
    """
    began = time.monotonic()
    while not (first := await counted()):
        assert contender.poll() is None, f"{contender.name} ended:\n{contender.tail()}"
        assert time.monotonic() - began < _PATIENCE, f"{contender.name} does nothing:\n{contender.tail()}"
        await asyncio.sleep(_EVERY)
    began, before = time.monotonic(), {contender.name: cpu_seconds(contender), **servers.cpu_seconds()}
    seen, last, now = first, first, began
    while seen < total and time.monotonic() - began < at_most_seconds:
        await asyncio.sleep(_EVERY)
        assert contender.poll() is None, f"{contender.name} ended:\n{contender.tail()}"
        seen = await counted()
        if seen > last:
            last, now = seen, time.monotonic()
    after = {contender.name: cpu_seconds(contender), **servers.cpu_seconds()}
    # A contender that is done between two looks is taken to have needed one.
    done, seconds = max(seen - first, 1), max(now - began, _EVERY)
    cpu = ", ".join(f"{who} {(after[who] - before[who]) / done * 1e6:.0f}" for who in after)
    return Pace(done / seconds, seen, f"{cpu} µs of processor an event")
