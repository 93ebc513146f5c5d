"""From a POST at the gateway to evaluation's projection, with random arrivals: what a person waits until others can see it.

Meetings are logged by the program managers of 50 units for pairs put into engagement's database; from there on everything is as in
life: Envoy, engagement's API, its outbox and relay, Kafka, evaluation's consumer. A latency begins at the moment at which the request was
due, whether or not it could be sent then, and ends when PostgreSQL committed the projection's row by its own word
(track_commit_timestamp). That moment lies just before the flush to disk, so the usual time of a flush is added to every latency.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import asyncpg
from updraft.gateway import RateLimit
from updraft.places import LOCAL_HOST
from updraft.stack import Stack, remove_data

from load.api import add_pairs, managers, meetings
from load.peers.client import Line
from load.people import Staff, imported
from load.rows import Bench, Goal
from load.servers import Servers

SECONDS = 30.0
MEDIAN = Goal(below=20)
USUAL = Goal(below=60)
BESIDE_AN_IMPORT = Goal(below=250)
PEOPLE = 100_000
_PREFIX = b"POST /engagement"
_PATIENCE = 60.0
_AGAIN_SECONDS = 0.2


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


async def arrivals(
    port: int, requests: Iterator[bytes], *, rate: float, seconds: float, seed: int, enough: asyncio.Event | None = None
) -> dict[UUID, float]:
    """Send at random moments, `rate` a second on average, never waiting for answers; meetings and when each was due (Unix time).

    Ends after `seconds`, or sooner when `enough` is set. A request answered with 503 is sent again under its key, as clients are
    told to. AssertionError when another answer than 201 comes, or none within a minute.
    """
    loop = asyncio.get_running_loop()
    draw = random.Random(seed)
    idle: list[Line] = []
    under_way: dict[Line, tuple[float, bytes]] = {}
    due: dict[UUID, float] = {}
    wrong: list[bytes] = []
    settled = asyncio.Event()

    def answered(line: Line, status: int, answer: bytes) -> None:
        if line not in under_way:
            return
        if status == 503 and not line.lost:
            loop.call_later(_AGAIN_SECONDS, line.send, under_way[line][1])
            return
        began, _ = under_way.pop(line)
        if status != 201:
            wrong.append(answer[:2000])
            settled.set()
            return
        due[UUID(json.loads(answer[answer.index(b"\r\n\r\n") + 4 :])["meeting_id"])] = began
        idle.append(line)
        if not under_way:
            settled.set()

    lines: list[Line] = []

    async def another() -> Line:
        line = (await loop.create_connection(lambda: Line(answered), LOCAL_HOST, port))[1]
        lines.append(line)
        return line

    idle.extend([await another() for _ in range(min(64, int(rate) + 2))])
    moment = time.time()
    end = moment + seconds
    try:
        while not (enough and enough.is_set()):
            moment += draw.expovariate(rate)
            if moment > end:
                break
            request = _PREFIX + next(requests).removeprefix(b"POST ")
            await asyncio.sleep(max(0.0, moment - time.time()))
            while idle and idle[-1].lost:
                idle.pop()
            line = idle.pop() if idle else await another()
            under_way[line] = moment, request
            line.send(request)
        if under_way and not wrong:
            settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await settled.wait()
    finally:
        for line in lines:
            line.close()
    assert not wrong, f"{len(wrong)} requests failed, the first with {wrong[0]!r}"
    assert not under_way, f"{len(under_way)} requests were never answered"
    return due


class Way:
    """The whole way through a running stack."""

    def __init__(self, stack: Stack, requests: Iterator[bytes], flush: float) -> None:
        self.stack = stack
        self.requests = requests
        self.flush = flush
        self.port = int(stack.gateway_url.rsplit(":", 1)[1])

    async def latencies(
        self, rate: float, seconds: float, seed: int, enough: asyncio.Event | None = None
    ) -> list[float]:
        """Milliseconds of every write. AssertionError when one does not arrive."""
        due = await arrivals(self.port, self.requests, rate=rate, seconds=seconds, seed=seed, enough=enough)
        connection = await asyncpg.connect(_database(self.stack, "evaluation"))
        try:
            give_up = time.monotonic() + _PATIENCE
            while True:
                rows = await connection.fetch(
                    "SELECT meeting_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at"
                    " FROM known_meetings WHERE meeting_id = ANY($1)",
                    list(due),
                )
                if len(rows) == len(due):
                    break
                assert time.monotonic() < give_up, f"{len(due) - len(rows)} of {len(due)} meetings did not arrive"
                await asyncio.sleep(0.2)
        finally:
            await connection.close()
        return [1000 * (row["at"] - due[row["meeting_id"]] + self.flush) for row in rows]


def _database(stack: Stack, service: str) -> str:
    return stack.postgres_dsn.rsplit("/", 1)[0] + f"/{service}"


async def _flush_seconds(dsn: str) -> float:
    """The usual time of a commit that writes one row, less than which no commit of the projection takes."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE probe (n integer)")
        found = []
        for number in range(60):
            began = time.perf_counter()
            await connection.execute("INSERT INTO probe VALUES ($1)", number)
            found.append(time.perf_counter() - began)
        await connection.execute("DROP TABLE probe")
        return statistics.median(found)
    finally:
        await connection.close()


@asynccontextmanager
async def running_path(folder: Path) -> AsyncIterator[Way]:
    """A whole stack with pairs that can log meetings, thrown away at the end."""
    stack = Stack(folder, rate_limit=RateLimit(per_second=100_000, burst=100_000))
    assert stack.postgres is not None
    stack.postgres.settings = {"track_commit_timestamp": "on"}
    await asyncio.to_thread(stack.start)
    try:
        people = managers(stack.identity)
        await add_pairs(_database(stack, "engagement"), people)
        yield Way(stack, meetings(people), await _flush_seconds(stack.postgres_dsn))
    finally:
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(remove_data, folder)


def _said(values: Sequence[float]) -> str:
    return (
        f"median {statistics.median(values):.1f} ms, 99 % under {percentile(values, 0.99):.1f} ms,"
        f" at most {max(values):.1f} ms of {len(values)} writes"
    )


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """At 2 and at 200 writes a second, then at 200 a second with an import beside it."""
    seconds, rounds, people = (2.0, 1, 1_000) if quick else (SECONDS, 3, PEOPLE)
    async with running_path(servers.folder / "latency") as way:
        bench.say(f"{way.flush * 1000:.1f} ms are added to every latency for the flush to disk")
        await way.latencies(100, 3.0, seed=0)
        for rate in (2, 200):
            medians, highs = [], []
            for number in range(1, rounds + 1):
                values = await way.latencies(rate, seconds, seed=number)
                medians.append(statistics.median(values))
                highs.append(percentile(values, 0.99))
                bench.say(f"latency at {rate} writes a second, round {number}: {_said(values)}")
            bench.record(f"POST to projection at {rate} writes a second, median", "ms", medians, goal=MEDIAN)
            bench.record(f"POST to projection at {rate} writes a second, 99th percentile", "ms", highs, goal=USUAL)
        await _beside_an_import(bench, way, people, rounds)


async def _beside_an_import(bench: Bench, way: Way, people: int, rounds: int) -> None:
    staff = await asyncio.to_thread(Staff, people)
    highs = []
    for number in range(1, rounds + 1):
        done = asyncio.Event()
        task = asyncio.create_task(imported(way.stack, staff, f"-{number}"))
        task.add_done_callback(lambda _task, done=done: done.set())
        values = await way.latencies(200, 10 * SECONDS, seed=10 + number, enough=done)
        seconds = await task
        highs.append(percentile(values, 0.99))
        bench.say(f"latency beside an import of {seconds:.0f} s, round {number}: {_said(values)}")
    name = "POST to projection at 200 writes a second beside an import of 100,000 people, 99th percentile"
    bench.record(name, "ms", highs, goal=BESIDE_AN_IMPORT)
