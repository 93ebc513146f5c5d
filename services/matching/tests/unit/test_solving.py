"""Solving in processes of its own: the event loop goes on, a dead process is replaced, nothing outlives its owner."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from matching.adapters.solving import SolverPool
from matching.application.ports import Report, SolverDied
from matching.domain.run_matching import run_matching

from .worlds import mentee, mentor, random_snapshot, snapshot

MEGABYTE = 1024 * 1024


@pytest.fixture
async def pool() -> AsyncIterator[SolverPool]:
    made = SolverPool()
    yield made
    await made.aclose()


def solvers() -> list[psutil.Process]:
    """The solving processes of this test that still live."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def test_the_loop_keeps_its_heartbeat_while_a_run_is_solved(pool: SolverPool) -> None:
    await pool.solve(snapshot(mentor(1), mentee(2)))
    longest, last = 0.0, time.monotonic()
    solving = asyncio.ensure_future(pool.solve(random_snapshot(1, 250, 250)))
    while not solving.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    outcome = await solving
    spent = sum(outcome.timings.values()) / 1000
    assert spent > 0.2
    assert longest < max(0.2, spent / 2)
    assert outcome.certificate.content == run_matching(random_snapshot(1, 250, 250)).certificate.content


@pytest.mark.requirement("F21")
async def test_a_killed_solver_is_reported_and_replaced(pool: SolverPool) -> None:
    world = snapshot(mentor(1), mentee(2))
    await pool.solve(world)
    solving = asyncio.ensure_future(pool.solve(random_snapshot(1, 250, 250)))
    await asyncio.sleep(0.2)
    for process in solvers():
        process.kill()
    with pytest.raises(SolverDied):
        await solving
    assert len((await pool.solve(world)).pairs) == 1


async def test_closing_ends_a_run_in_the_midst(pool: SolverPool) -> None:
    await pool.solve(snapshot(mentor(1), mentee(2)))
    solving = asyncio.ensure_future(pool.solve(random_snapshot(1, 250, 250)))
    await asyncio.sleep(0.2)
    await asyncio.wait_for(pool.aclose(), 10)
    assert solvers() == []
    with pytest.raises((SolverDied, asyncio.CancelledError)):
        await solving


async def test_solvers_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(
        textwrap.dedent(
            """
            import asyncio
            from datetime import date
            from matching.adapters.solving import SolverPool
            from matching.domain.facts import *

            async def main():
                rules = ProgramRules(PairType.REVERSE, Direction.GRADE, 1, LanguageLevel.B1, 60, Weights(1, 1, 1, 1, 1))
                await SolverPool().solve(Snapshot(date(2025, 3, 3), rules, (), (), ()))
                print("solved", flush=True)
                await asyncio.sleep(60)

            if __name__ == "__main__":
                asyncio.run(main())
            """
        )
    )
    owner = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    try:
        assert owner.stdout is not None
        assert await owner.stdout.readline() == b"solved\n"
        children = psutil.Process(owner.pid).children(recursive=True)
        assert children
    finally:
        owner.kill()
        await owner.wait()
    deadline = time.monotonic() + 15
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline, "a solver outlived its owner"
        await asyncio.sleep(0.05)


def kept_after_use(_report: Report) -> int:
    """Megabytes a solving process holds on to after large arrays, with small ones between them that stay, were freed."""
    large, small = [np.ones(MEGABYTE)], []
    large.clear()
    before = psutil.Process().memory_info().rss
    for _ in range(20):
        large.append(np.ones(6 * MEGABYTE // 8))
        small.append(np.ones(12_000))
    large.clear()
    return int(psutil.Process().memory_info().rss - before) // MEGABYTE


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
async def test_what_a_run_has_freed_goes_back_to_the_system(pool: SolverPool) -> None:
    assert await pool.call(kept_after_use) < 30
