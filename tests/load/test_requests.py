"""The rounds of the rows about requests do what they say, with a few of everything: what is not run rots."""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import kafka_side
import pytest
from updraft.identity import DevelopmentIdentity
from updraft.kafka import embedded_kafka

from load.api import add_pairs, contenders, managers, meetings, proposals
from load.broker_side import open_eye
from load.latency import arrivals, percentile
from load.memory import megabytes
from load.peers.client import Line, drive, post
from load.people import Staff
from load.rebuild import RebuildSubject, history, produce
from load.servers import Servers


@pytest.fixture(scope="module")
def servers(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("requests")
    with embedded_kafka(folder) as broker, Servers(folder, postgres=postgres, kafka=broker.bootstrap) as made:
        yield made


@pytest.fixture
async def answering() -> AsyncIterator[Any]:
    """A server that answers each request with the next of its `answers`, the last one for ever, and counts them."""
    seen = SimpleNamespace(port=0, requests=[], answers=[b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readline():
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            seen.requests.append((request, await reader.readexactly(length)))
            answer = seen.answers.pop(0) if len(seen.answers) > 1 else seen.answers[0]
            for piece in (answer[:30], answer[30:]):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    yield seen
    server.close()


async def test_the_client_counts_what_was_answered(answering: Any) -> None:
    requests = (
        post("/v1/things", {"idempotency-key": str(number)}, {"number": number}) for number in itertools.count()
    )
    driven = await drive(answering.port, requests, connections=3, seconds=0.2)
    assert driven.answers[201] == len(answering.requests) == len(driven.latencies) > 3
    assert answering.requests[0] == (b"POST /v1/things HTTP/1.1\r\n", b'{"number":0}')
    assert driven.seconds >= 0.2
    assert max(driven.latencies) < driven.seconds
    answering.answers[:] = [b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", *answering.answers]
    driven = await drive(answering.port, requests, connections=1, seconds=0.1)
    assert (driven.answers[503], driven.refused[-4:]) == (1, b"busy")


async def test_arrivals_do_not_wait_for_answers_and_are_random(answering: Any) -> None:
    """Nobody answers, and all the same everything is sent in time."""
    sent: list[float] = []

    class Silent(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            sent.extend([asyncio.get_running_loop().time()] * data.count(b"POST /engagement/x"))

    server = await asyncio.get_running_loop().create_server(Silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    requests = itertools.repeat(post("/x", {}, {}))
    task = asyncio.create_task(arrivals(port, requests, rate=400, seconds=1, seed=3))
    await asyncio.sleep(3)
    task.cancel()
    server.close()
    assert 300 < len(sent) < 500
    gaps = [after - before for before, after in itertools.pairwise(sorted(sent))]
    assert statistics.pstdev(gaps) > 0.5 * statistics.mean(gaps)
    answering.answers[:] = [b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"]
    with pytest.raises(AssertionError, match="requests failed"):
        await arrivals(answering.port, requests, rate=50, seconds=0.2, seed=3)


async def test_what_is_told_to_try_again_counts_from_when_it_was_due(answering: Any) -> None:
    body = b'{"meeting_id":"01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"}'
    created = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    answering.answers[:] = [b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy", created]
    began = time.time()
    due = await arrivals(answering.port, itertools.repeat(post("/x", {}, {})), rate=2, seconds=1.5, seed=3)
    assert len(answering.requests) >= 2
    assert began < due[UUID("01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69")] < time.time()


async def test_a_lost_connection_is_an_answer() -> None:
    answers: list[int] = []
    line = Line(lambda _line, status, _answer: answers.append(status))
    line.connection_lost(None)
    assert (answers, line.lost) == ([0], True)


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50, 99, 100)
    assert percentile([7.0], 0.99) == 7


@pytest.mark.wire
@pytest.mark.parametrize(("service", "table"), [("enrollment", "programs"), ("engagement", "meetings")])
async def test_rounds_of_writes_create_what_they_count(servers: Servers, service: str, table: str) -> None:
    people = managers(DevelopmentIdentity(servers.folder / "identity").ensure(), units=3)
    database = servers.database(service)
    if service == "engagement":
        await add_pairs(database.admin_dsn, people)
    requests = proposals if service == "enrollment" else meetings
    found = await contenders(servers, service, database, lambda: requests(people), 0.2)
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        before = await admin.fetchval(f"SELECT count(*) FROM {table}")
        for contender in found:
            assert await contender.round() > 0
            assert contender.processor[0] > 0
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") == before + found[0].created
        assert await admin.fetchval("SELECT count(*) FROM outbox") == before + found[0].created
    finally:
        await admin.close()
        for contender in found:
            contender.child.stop()


@pytest.mark.wire
async def test_a_rebuild_ends_with_everything_and_notices_what_is_missing(servers: Servers) -> None:
    await kafka_side.fresh_topics(servers.kafka)
    assert await asyncio.to_thread(produce, servers.kafka, history(100, 500)) == 500
    async with open_eye(servers.kafka) as eye:
        subject = RebuildSubject(servers, servers.database("evaluation"), eye, 100, 500)
        assert await subject.round() > 0
        subject._meetings = 101
        with pytest.raises(AssertionError):
            await subject.round()


def test_every_file_is_of_other_people() -> None:
    staff = Staff(200)
    first, second = staff.file("-1"), staff.file("-2")
    assert first.count(b"\n") == second.count(b"\n") == 201
    for line, other in zip(first.splitlines()[1:], second.splitlines()[1:], strict=True):
        assert (b"-1" in line, b"-2" in other, line.replace(b"-1,", b"-2,").replace(b"-1|", b"-2|")) == (
            True,
            True,
            other,
        )


def test_memory_is_that_of_the_roles_processes() -> None:
    mine = SimpleNamespace(child=SimpleNamespace(pid=os.getpid()))
    running: Any = SimpleNamespace(roles={"this": mine, "gone": SimpleNamespace(child=None)})
    assert megabytes(running).keys() == {"this"}
    assert 20 < megabytes(running)["this"] < 20_000
