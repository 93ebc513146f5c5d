"""The start of the whole system on one machine: from nothing to ready, and again with its data there."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from updraft.stack import Stack, remove_data

from load.rows import Bench
from load.servers import Servers


async def started(folder: Path) -> float:
    """Seconds until every process of a stack in `folder` is ready; it is stopped again."""
    stack = Stack(folder)
    began = time.perf_counter()
    await asyncio.to_thread(stack.start)
    seconds = time.perf_counter() - began
    await asyncio.to_thread(stack.stop)
    return seconds


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Three first starts, each followed by a second one."""
    folder = servers.folder / "start"
    first, second = [], []
    for number in range(1, 2 if quick else 4):
        first.append(await started(folder))
        second.append(await started(folder))
        await asyncio.to_thread(remove_data, folder)
        bench.say(f"start, round {number}: {first[-1]:.1f} s from nothing, {second[-1]:.1f} s with data")
    bench.record("start of the stack from nothing", "s", first)
    bench.record("start of the stack with its data", "s", second)
