"""One business unit sends a hundred times as much as the others: it is slowed down, they are not."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from behind_gateway import apis_behind_gateway
from figures import progress, record
from rig.ledger import Load
from rig.services import uuid7
from updraft.gateway import RateLimit

pytestmark = pytest.mark.wire

QUIET_UNITS = 4
RATE = 5.0
"""Requests a second of each quiet unit."""

STORM = 100 * RATE


@asynccontextmanager
async def _storm(address: str, token: str, answers: Counter[str]) -> AsyncIterator[None]:
    """The storm rages while the block runs; its answers by status are added to `answers`."""
    parts = urlsplit(address)
    command = [str(Path(__file__).with_name("storm.py")), str(parts.hostname), str(parts.port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, f"{parts.path}/v1/meetings", str(STORM), "64",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(token.encode() + b"\n")
        await process.stdin.drain()
        # What has been saved up in its bucket is spent before anybody is timed.
        await asyncio.sleep(3)
        yield
        process.terminate()
        said, _ = await asyncio.wait_for(process.communicate(), 40)
        answers.update(json.loads(said))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _quiet(stage, address: str, units, seconds: float) -> list[float]:
    """The quiet units' requests for so long: seconds each took. AssertionError when one fails."""
    async with AsyncExitStack() as stack:
        loads = []
        for unit in units:
            meetings = [uuid7() for _ in range(3)]
            load = Load(address, stage.token_of(unit), meetings, clients=2, rate=RATE, timeout=25)
            loads.append(await stack.enter_async_context(load))
        await asyncio.sleep(seconds)
    calls = [call for load in loads for call in load.ledger.calls]
    assert [call for call in calls if call.failed or call.status == 429] == []
    return [call.seconds for call in calls]


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


async def _others_are_served(
    stage, identity, folder, *, rounds: int, seconds: float, bound: float | None, limit: RateLimit
) -> None:
    stage.start("engagement", "relay")
    stage.start("evaluation", "consumer")
    units, storming = [uuid7() for _ in range(QUIET_UNITS)], uuid7()
    base: list[float] = []
    beside: list[float] = []
    answers: Counter[str] = Counter()
    async with apis_behind_gateway(stage, identity, folder, 1, limit) as apis:
        await _quiet(stage, apis.address, units, 2)
        for number in range(rounds):
            base.append(_p99(await _quiet(stage, apis.address, units, seconds)))
            async with _storm(apis.address, stage.token_of(storming), answers):
                beside.append(_p99(await _quiet(stage, apis.address, units, seconds)))
            progress(
                f"F22: round {number + 1} of {rounds}: p99 {base[-1] * 1000:.0f} ms alone,"
                f" {beside[-1] * 1000:.0f} ms beside the storm; storm {dict(answers)}"
            )
    ratio = statistics.median(storm / alone for storm, alone in zip(beside, base, strict=True))
    assert set(answers) <= {"201", "429+", "503+"}, "the storm was refused in another way than to try again later"
    assert answers["429+"] > answers["201"], "the storm was not slowed down: its sender may be too slow"
    await stage.outbox_drained(30)
    held_to = "" if bound is None else f", at most {bound:g}"
    record(
        "F22",
        f"one unit sends {STORM:.0f} requests a second, {QUIET_UNITS} others {RATE:.0f} each, {rounds * seconds:.0f} s with and"
        " without it, in turn",
        0,
        None,
        None,
        f"99th percentile of the others {statistics.median(base) * 1000:.0f} ms alone,"
        f" {statistics.median(beside) * 1000:.0f} ms beside it ({ratio:.1f} times{held_to});"
        f" of the storm {answers['201']} were served, {answers['429+']} answered 429",
    )
    assert bound is None or ratio <= bound


@pytest.mark.requirement("F22", "S7")
async def test_a_storm_of_one_unit_leaves_the_others_served(stage, identity, tmp_path):
    """Each request of theirs is answered, the storm is told to slow down; by how much they slow is for the long test."""
    limit = RateLimit(per_second=20, burst=20)
    await _others_are_served(stage, identity, tmp_path, rounds=1, seconds=6, bound=None, limit=limit)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.requirement("F22", "S7")
async def test_a_storm_of_one_unit_at_most_doubles_the_others_slowest_answers(stage, identity, tmp_path):
    await _others_are_served(stage, identity, tmp_path, rounds=5, seconds=20, bound=2, limit=RateLimit())
