from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from chassis.health import Progress
from chassis.server import serving
from chassis.settings import ServiceSettings

from .sample import make_sample
from .tokens import Issuer

SCRIPT = """
import asyncio, sys
from chassis.server import serve
from chassis.settings import ServiceSettings

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await asyncio.sleep(1.0 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

serve(app, ServiceSettings())
"""


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_answered(client: httpx.AsyncClient, path: str, seconds: float = 20) -> httpx.Response:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await client.get(path)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


@pytest.mark.requirement("F20")
async def test_sigterm_lets_requests_finish_and_ends_well() -> None:
    port = free_port()
    environment = os.environ | {"UPDRAFT_HTTP_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            assert (await until_answered(client, "/")).status_code == 200
            slow = [asyncio.create_task(client.get("/slow")) for _ in range(5)]
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*slow)
        assert [answer.text for answer in answers] == ["ok"] * 5
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.requirement("F20")
async def test_a_stopping_api_says_so_while_it_drains(issuer: Issuer) -> None:
    port, stop, started = free_port(), asyncio.Event(), asyncio.Event()
    sample = make_sample(issuer.path, http_port=port, drain_seconds=0.4)
    settings = sample.app.state.service.settings
    server = asyncio.create_task(serving(sample.app, settings, stop=stop, started=started.set))
    await asyncio.wait_for(started.wait(), 20)
    async with (
        sample.client(issuer.token()) as inside,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        assert (await client.get("/health/ready")).status_code == 200
        assert gc.get_freeze_count() > 0
        stop.set()
        await asyncio.sleep(0.1)
        ready = await client.get("/health/ready")
        served = await client.get("/v1/notes", headers=inside.headers)
    await asyncio.wait_for(server, 10)
    assert (ready.status_code, served.status_code) == (503, 200)
    assert sample.database.closed


async def test_an_api_without_keys_does_not_start(tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "jwks.json")
    sample.app.state.verifier = None
    with pytest.raises(RuntimeError, match="UPDRAFT_JWKS"):
        async with sample.app.router.lifespan_context(sample.app):
            raise AssertionError("started")


async def test_the_loop_beats_while_the_api_runs(issuer: Issuer) -> None:
    sample = make_sample(issuer.path)
    progress: Progress = sample.app.state.progress
    async with sample.app.router.lifespan_context(sample.app):
        await asyncio.sleep(0)
        assert progress.late() == ()
        assert await progress.unready() == ()
        sample.database.down = True
        deadline = time.monotonic() + 10
        while await progress.unready() != ("database",):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    assert progress.stopping


async def test_a_taken_port_ends_the_start() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = ServiceSettings(http_port=holder.getsockname()[1])
        with pytest.raises(SystemExit):
            await serving(_never, settings, stop=asyncio.Event())


async def _never(scope: object, receive: object, send: object) -> None:
    raise AssertionError("served")
