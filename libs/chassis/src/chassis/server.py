"""Serving an ASGI application: uvicorn on uvloop, quiet garbage collection, a stop that drops no request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
import uvloop
from starlette.types import ASGIApp

from chassis.health import Progress
from chassis.settings import ServiceSettings

_GC_THRESHOLDS = (50_000, 25, 50)
_KEEP_ALIVE_SECONDS = 75
"""Longer than the gateway keeps an idle connection, so that the gateway never sends into one that is being closed."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which raise the signal anew after stopping: each stop would be a death."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._announce is not None and self.started:
            self._announce()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)


def serve(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve `app` until SIGTERM or SIGINT, as all that this process does; see `serving`."""
    uvloop.run(serving(app, settings))


async def serving(
    app: ASGIApp,
    settings: ServiceSettings,
    *,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    started: Callable[[], None] | None = None,
) -> None:
    """Serve `app` at `settings.http_host:http_port` until `stop` is set, or until SIGTERM or SIGINT without a `stop`.

    At a stop the process reports that it is not ready, still serves for `drain_seconds`, then accepts nothing new and
    gives requests in flight `grace_seconds` to finish. `progress` is the application's own unless given; `started` is
    called once requests are accepted. SystemExit when the port is taken.
    """
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.grace_seconds,
        backlog=2048,
    )
    server = _Server(config, started)
    health = progress or getattr(getattr(app, "state", None), "progress", None)
    stopping = stop or asyncio.Event()
    if stop is None:
        stop_on_signals(stopping)

    async def watch() -> None:
        await stopping.wait()
        if health is not None:
            health.stop()
        await asyncio.sleep(settings.drain_seconds)
        server.should_exit = True

    watching = asyncio.create_task(watch())
    try:
        await server.serve()
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at SIGTERM or SIGINT; to be called in the running loop of the main thread."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
