"""Scoring of a whole cohort with every hard rule: the best 50 of each of 50,000 mentors and of each of 50,000 mentees."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

from matching.domain.encoding import encode

from load.people_to_match import large_snapshot
from load.rows import Bench, Goal, Peer
from load.servers import TESTS, Servers

PEOPLE, CLASSES, MOST, THREADS = 50_000, 1_200, 50, 2
_SLICE = 400
"""Mentors the peer takes; its figure is scaled to all of them."""


async def _measured(module: str, *arguments: object) -> dict[str, Any]:
    """What a module of this folder prints about itself. RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    said, complaint = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module}: {complaint.decode()[-2000:]}")
    found: dict[str, Any] = json.loads(said)
    return found


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Rounds of ours and of a plain NumPy pipeline on the same encoded cohort, each in a process of its own.

    AssertionError when the two differ about the best of the first eight mentors.
    """
    people, classes, slice_of = (2_000, 200, 200) if quick else (PEOPLE, CLASSES, _SLICE)
    path = servers.folder / "encoded.pickle"
    encoded_in = await asyncio.to_thread(_prepare, people, classes, path)
    name = f"{people:,} x {people:,}"
    megabytes: list[float] = []
    pricing: list[float] = []
    surveys: list[float] = []
    blocking: list[float] = []
    best: list[Any] = []

    async def ours() -> float:
        found = await _measured("load.scoring_ours", path, MOST, THREADS)
        assert found["edges"] >= people, found
        megabytes.append(found["megabytes"])
        pricing.append(found["pricing_seconds"])
        surveys.append(found["survey_seconds"])
        blocking.append(found["blocking_seconds"])
        best.append(found["best_of_first"])
        return float(found["seconds"])

    async def plain_numpy() -> float:
        found = await _measured("load.scoring_peer", path, MOST, slice_of)
        assert [one[-MOST:] for one in best[-1]] == found["best_of_first"], (best[-1], found)
        return float(found["seconds"]) * people / slice_of

    await bench.alternate(
        f"scoring {name} with all rules, best {MOST} of each",
        "s",
        ours,
        [Peer(f"plain NumPy, scaled from {slice_of} mentors, one thread", plain_numpy)],
        rounds=1 if quick else 3,
        goal=None if quick else Goal(below=8),
    )
    bench.record(f"memory of scoring {name}", "MB", megabytes, goal=None if quick else Goal(below=250))
    bench.record(f"pricing out {name}", "s", pricing, goal=None if quick else Goal(below=2))
    bench.record(f"counting every rule over {name}", "s", surveys)
    bench.record(f"counting the blocking pairs of {name}", "s", blocking)
    bench.record(f"encoding {people:,} a side", "s", [encoded_in])


def _prepare(people: int, classes: int, path: Path) -> float:
    """Write the encoded cohort; the seconds its encoding took."""
    snapshot = large_snapshot(people, classes)
    began = time.perf_counter()
    encoded = encode(snapshot, "bench")
    seconds = time.perf_counter() - began
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(encoded))
    return seconds
