"""`make bench`: measure, print the table, write `.updraft/bench.json`.

Without `--only` everything is measured; the rows of an `--only` run take their place among those of earlier runs, by name.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import traceback
from importlib import import_module
from typing import Any

from updraft.places import REPOSITORY

from load.rows import Bench, write
from load.servers import own_servers

SUBJECTS: dict[str, tuple[str, float]] = {
    "relay": ("load.relay", 150),
    "consume": ("load.consume", 240),
    "api": ("load.api", 240),
    "latency": ("load.latency", 600),
    "import": ("load.imports", 300),
    "rebuild": ("load.rebuild", 300),
    "memory": ("load.memory", 120),
    "start": ("load.start", 180),
    "matching": ("load.matching", 5400),
}
"""The module of each subject, whose `run(bench, servers, quick)` adds its rows, and the most seconds it may take."""


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__)
    parser.add_argument("--only", default="", help=f"comma separated, of: {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes; figures go to .updraft/bench-quick.json")
    chosen: Any = parser.parse_args(words)
    chosen.subjects = [name.strip() for name in chosen.only.split(",") if name.strip()] or list(SUBJECTS)
    unknown = [name for name in chosen.subjects if name not in SUBJECTS]
    if unknown:
        parser.error(f"no such subject: {', '.join(unknown)}")
    return chosen


async def _measure(subjects: list[str], *, quick: bool) -> bool:
    bench = Bench()
    target = REPOSITORY / ".updraft" / ("bench-quick.json" if quick else "bench.json")
    sound = True
    with own_servers() as servers:
        for name in subjects:
            module, limit = SUBJECTS[name]
            bench.say(f"[bold]{name}[/bold] (at most {limit:.0f} s)")
            began = time.monotonic()
            try:
                async with asyncio.timeout(limit):
                    await import_module(module).run(bench, servers, quick)
            except Exception:
                sound = False
                bench.say(f"[red]{name} failed after {time.monotonic() - began:.0f} s[/red]")
                traceback.print_exc()
            write(target, bench.rows)
    bench.print_table()
    bench.say(f"written to {target.relative_to(REPOSITORY)}")
    return sound


def main() -> int:
    """0 when everything was measured, whether or not goals were met; 1 when a subject failed."""
    chosen = _arguments(sys.argv[1:])
    return 0 if asyncio.run(_measure(chosen.subjects, quick=chosen.quick)) else 1


if __name__ == "__main__":
    sys.exit(main())
