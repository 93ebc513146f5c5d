"""Memory of every process of the running system, at rest and under load: what it has for itself plus its part of what is shared (PSS)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import psutil
from updraft.stack import Stack

from load.latency import running_path
from load.rows import Bench
from load.servers import Servers

_MEGABYTE = 1024 * 1024
_LOAD = 200


def megabytes(stack: Stack) -> dict[str, float]:
    """Memory of each role with all its processes, by name."""
    found = {}
    for name, role in stack.roles.items():
        if role.child is not None:
            process = psutil.Process(role.child.pid)
            found[name] = sum(_of(one) for one in (process, *process.children(recursive=True))) / _MEGABYTE
    return found


def _of(process: psutil.Process) -> float:
    try:
        # Only Linux tells how much of what is shared is one's own.
        memory = process.memory_full_info()
        return float(getattr(memory, "pss", memory.uss))
    except psutil.NoSuchProcess:
        return 0.0


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """At rest after the start, and the most seen while 200 writes a second pass through all of it."""
    seconds, rounds = (2.0, 1) if quick else (8.0, 3)
    async with running_path(servers.folder / "memory") as way:
        await asyncio.sleep(seconds)
        resting = [await asyncio.to_thread(megabytes, way.stack)]
        loaded = []
        for number in range(1, rounds + 1):
            load = asyncio.create_task(way.latencies(_LOAD, seconds, seed=number))
            most: Mapping[str, float] = {}
            while not load.done():
                now = await asyncio.to_thread(megabytes, way.stack)
                most = {name: max(value, most.get(name, 0.0)) for name, value in now.items()}
                await asyncio.wait([load], timeout=0.5)
            await load
            loaded.append(most)
            bench.say(f"memory under load, round {number}: {sum(most.values()):.0f} MB in all")
    for name in sorted(resting[0]):
        bench.record(f"memory of {name} at rest", "MB", [one[name] for one in resting])
        bench.record(f"memory of {name} at {_LOAD} writes a second", "MB", [one[name] for one in loaded if name in one])
