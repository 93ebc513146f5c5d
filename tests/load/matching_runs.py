"""Whole match runs: from participant rows in PostgreSQL to explained proposals stored, and again after withdrawals."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psutil
from chassis.ports import Principal
from chassis.service import Service
from matching.application.release_run import ReleaseRun, release_run
from matching.application.start_run import StartRun, start_run
from matching.bootstrap import bootstrap
from matching.entrypoints.schedule import execute_runs
from matching.settings import Settings

from load.cohort_rows import COHORT, UNIT, CohortRows
from load.people_to_match import large_snapshot
from load.rows import Bench, Goal
from load.servers import Servers

_MEGABYTE = 1024 * 1024
BOUNDED_SECONDS = 30
CHANGES = 20
AFTER_SOLVING = ("survey", "stability", "explain", "check", "certify", "store")
SEARCHING = ("solve", "survey", "stability")
"""Steps that go over all pairs."""
MANAGER = Principal("bench", None, UNIT, frozenset({"program_manager"}))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run: its row, seconds from the claim to the stored result, most memory of the worker and its processes, and the
    longest time the worker's event loop was held.
    """

    run_id: UUID
    result: Any
    seconds: float
    megabytes: float
    held_milliseconds: float

    @property
    def levels(self) -> dict[str, int]:
        """The objective reached, by level."""
        return {level["level"]: level["value"] for level in self.result["certificate"]["objective"]}

    @property
    def bounds(self) -> dict[str, int]:
        """What is proven to be the most, by level."""
        return {level["level"]: level["value"] for level in self.result["certificate"]["bound"]}

    @property
    def solving(self) -> int:
        """Milliseconds of solving alone."""
        return int(self.result["timings"]["solve"])

    @property
    def beside_search(self) -> int:
        """Milliseconds of all steps but those that go over all pairs."""
        return sum(taken for step, taken in self.result["timings"].items() if step not in SEARCHING)


class Cohort:
    """A filled database and a worker upon it."""

    def __init__(self, servers: Servers) -> None:
        database = servers.database("matching")
        self.rows = CohortRows(database.admin_dsn)
        settings = Settings(database=database.address, secrets=database.secrets_dir, settle_seconds=0.0)
        self.worker: Service = bootstrap("worker", settings)

    async def matched(self, **how: Any) -> Figures:
        """One run from the request on."""
        async with self.worker.database.write() as session:
            run = await start_run(
                StartRun(COHORT, **how),
                self.worker.open_unit_of_work(session, MANAGER, UNIT),  # type: ignore[arg-type]
            )
            await session.commit()
        watch = _Watch()
        watching = asyncio.create_task(watch.run())
        began = time.perf_counter()
        assert await execute_runs(self.worker)
        seconds = time.perf_counter() - began
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        (row,) = await self.rows.fetch("SELECT state, result::text AS result FROM runs WHERE run_id = $1", run.run_id)
        assert row["state"] == "completed", row
        return Figures(run.run_id, json.loads(row["result"]), seconds, watch.megabytes, watch.held * 1000)

    async def released(self, run_id: UUID) -> float:
        """Release a run; the seconds until all of it is."""
        began = time.perf_counter()
        async with self.worker.database.write() as session:
            await release_run(
                ReleaseRun(run_id),
                self.worker.open_unit_of_work(session, MANAGER, UNIT),  # type: ignore[arg-type]
            )
            await session.commit()
        await execute_runs(self.worker)
        (row,) = await self.rows.fetch("SELECT state FROM runs WHERE run_id = $1", run_id)
        assert row["state"] == "released", row
        return time.perf_counter() - began

    async def pairs(self, run_id: UUID) -> set[tuple[UUID, UUID]]:
        """What a run proposes."""
        found = await self.rows.fetch(
            "SELECT mentor_participation_id AS one, mentee_participation_id AS other FROM pairs WHERE run_id = $1",
            run_id,
        )
        return {(row["one"], row["other"]) for row in found}

    async def close(self) -> None:
        """Give everything back."""
        await self.worker.database.close()
        for part in self.worker.background:
            await part.aclose()


class _Watch:
    """Memory of this process's children, and how long its own event loop was ever held."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self.held = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        memory = asyncio.create_task(self._memory())
        try:
            while True:
                began = time.perf_counter()
                await asyncio.sleep(0.005)
                self.held = max(self.held, time.perf_counter() - began - 0.005)
        finally:
            memory.cancel()

    async def _memory(self) -> None:
        me = psutil.Process()
        while True:
            self.megabytes = max(self.megabytes, await asyncio.to_thread(_of_children, me))
            await asyncio.sleep(0.1)


def _of_children(process: psutil.Process) -> float:
    total = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                total += child.memory_info().rss / _MEGABYTE
    return total


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Full runs, a bounded one, a re-match after withdrawals, a release; then twenty changes in a row at a smaller size."""
    size, small, rounds = (1_000, 300, 1) if quick else (50_000, 5_000, 3)
    cohort = Cohort(servers)
    try:
        await cohort.rows.fill(await asyncio.to_thread(large_snapshot, size, min(1_200, size // 2)))
        await _full(bench, cohort, f"{size:,} a side", rounds, quick=quick)
    finally:
        await cohort.close()
    cohort = Cohort(servers)
    try:
        await cohort.rows.fill(await asyncio.to_thread(large_snapshot, small, min(1_200, small // 2)))
        await _changes(bench, cohort, f"{small:,} a side")
    finally:
        await cohort.close()


async def _full(bench: Bench, cohort: Cohort, name: str, rounds: int, *, quick: bool) -> None:
    await cohort.matched(deadline_seconds=3600)
    figures = []
    for number in range(1, rounds + 1):
        figures.append(await cohort.matched())
        last = figures[-1]
        bench.say(
            f"run {number}: {last.seconds:.1f} s, {last.megabytes:.0f} MB, {last.result['timings']}, {last.levels}"
        )
    assert all(one.levels == one.bounds for one in figures), "a gap is left"
    assert len({one.result["certificate_hash"] for one in figures}) == 1, "a run came to something else"
    full = figures[-1]
    whole = Goal() if quick else Goal(below=60)
    bench.record(f"rows to stored proposals, {name}", "s", [one.seconds for one in figures], goal=whole)
    for step in full.result["timings"]:
        bench.record(f"of it {step}, {name}", "s", [one.result["timings"][step] / 1000 for one in figures])
    beside = [one.beside_search / 1000 for one in figures]
    limit = Goal() if quick else Goal(below=20)
    bench.record(f"reading, writing, explaining and checking in all, {name}", "s", beside, goal=limit)
    bench.record(
        f"memory of the solving process, {name}", "MB", [one.megabytes for one in figures], goal=Goal(below=1024)
    )
    bench.record(
        f"longest hold of the worker's event loop, {name}",
        "ms",
        [one.held_milliseconds for one in figures],
        goal=Goal(below=50),
    )
    await _bounded(bench, cohort, name, full, quick=quick)
    await _again(bench, cohort, name, full)


async def _bounded(bench: Bench, cohort: Cohort, name: str, full: Figures, *, quick: bool) -> None:
    """A run with so much time to solve that all of it, from the rows to the stored proposals, takes half a minute."""
    after = sum(full.result["timings"][step] for step in AFTER_SOLVING) / 1000
    deadline = max(5, int(BOUNDED_SECONDS - after - 1))
    bounded = await cohort.matched(deadline_seconds=deadline)
    bench.say(f"bounded, {deadline} s to solve: {bounded.seconds:.1f} s, {bounded.result['timings']}, {bounded.levels}")
    goal = Goal() if quick else Goal(below=BOUNDED_SECONDS)
    bench.record(f"bounded run, {name}", "s", [bounded.seconds], goal=goal)
    share = 100 * bounded.levels["score"] / max(1, bounded.bounds["score"])
    bench.record(f"score of the bound, bounded run, {name}", "%", [share], goal=Goal(least=99.9))


async def _again(bench: Bench, cohort: Cohort, name: str, full: Figures) -> None:
    """A re-match after withdrawals, and its release."""
    gone = await _withdraw(cohort, 0.01, seed=1)
    again = await cohort.matched(keep=full.run_id)
    changed = _changed(await cohort.pairs(full.run_id), await cohort.pairs(again.run_id), gone)
    bench.say(f"re-match: {again.seconds:.1f} s, {again.result['timings']}, {again.result['certificate']['rematch']}")
    what = "re-match after 1 % withdrawals, share of a full run's time"
    shares = 100 * again.solving / full.solving, 100 * again.seconds / full.seconds
    bench.record(f"{what}, solving alone, {name}", "%", [shares[0]], goal=Goal(below=20))
    bench.record(f"{what}, {name}", "%", [shares[1]], goal=Goal(below=20))
    bench.record(f"other pairs changed by the re-match, {name}", "%", [100 * changed], goal=Goal(below=3))
    bench.record(f"release of all proposals, {name}", "s", [await cohort.released(again.run_id)])


async def _changes(bench: Bench, cohort: Cohort, name: str) -> None:
    """Twenty times some withdraw; what keeping the proposals has cost each time, and in the end against a fresh run."""
    last = await cohort.matched()
    lost: list[int] = []
    changed: list[float] = []
    for number in range(CHANGES):
        before = await cohort.pairs(last.run_id)
        gone = await _withdraw(cohort, 0.01, seed=number)
        last = await cohort.matched(keep=last.run_id)
        lost.append(last.result["certificate"]["rematch"]["score_lost"])
        changed.append(100 * _changed(before, await cohort.pairs(last.run_id), gone))
    fresh = await cohort.matched()
    rematch = last.result["certificate"]["rematch"]
    assert fresh.levels["score"] == rematch["fresh_score"], "the fresh optimum is not what the re-match said"
    assert fresh.levels["people_covered"] == last.levels["people_covered"], "a re-match covered fewer people"
    bench.say(
        f"fit lost after each of {CHANGES} changes: {lost}; other pairs changed, %: {[round(x, 2) for x in changed]}"
    )
    what = f"{CHANGES} changes of 1 % each"
    share = 100 * lost[-1] / max(1, rematch["fresh_score"])
    bench.record(f"cumulative fit lost after {what}, {name}", "%", [share])
    bench.record(f"most other pairs changed by one of {what}, {name}", "%", [max(changed)], goal=Goal(below=3))


async def _withdraw(cohort: Cohort, share: float, *, seed: int) -> set[UUID]:
    found = await cohort.rows.fetch(
        "SELECT participation_id FROM known_participations WHERE state = 'admitted' ORDER BY participation_id"
    )
    keys = [row["participation_id"] for row in found]
    gone = random.Random(seed).sample(keys, max(1, round(share * len(keys))))
    await cohort.rows.withdraw(gone)
    return set(gone)


def _changed(before: set[tuple[UUID, UUID]], after: set[tuple[UUID, UUID]], gone: set[UUID]) -> float:
    """Of the pairs whose two people are still there the share that is not proposed again."""
    still = {pair for pair in before if not gone.intersection(pair)}
    return len(still - after) / max(1, len(still))
