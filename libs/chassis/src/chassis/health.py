"""Health that means progress: a process is alive when its loops turned lately, ready when what it needs answers too."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chassis import alarms, metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Probe = Callable[[], Awaitable[None]]

_PROBE_TIMEOUT_SECONDS = 2.0
_PROBE_AGAIN_SECONDS = 1.0


class Progress:
    """Named heartbeats with a longest allowed silence, and named probes of what the process needs.

    A loop calls `expect` once and `beat` at every turn. `probe` names something to try for readiness (a database ping).
    `stop` makes the process not ready while it finishes what is under way.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beats: dict[str, float] = {}
        self._max_ages: dict[str, float] = {}
        self._probes: dict[str, Probe] = {}
        self._probed: tuple[float, tuple[str, ...]] | None = None
        self._probing = asyncio.Lock()
        self.stopping = False

    def expect(self, name: str, *, max_age: float) -> None:
        """From now on `name` must beat at least every `max_age` seconds."""
        self._max_ages[name] = max_age
        self._beats[name] = self._now()

    def beat(self, name: str) -> None:
        """The loop `name` has turned."""
        self._beats[name] = self._now()

    def forget(self, name: str) -> None:
        """The loop `name` has ended as it should and is no longer expected."""
        self._max_ages.pop(name, None)
        self._beats.pop(name, None)

    def probe(self, name: str, attempt: Probe) -> None:
        """Readiness needs `attempt` to return without an error; tried at most once a second, for at most 2 seconds."""
        self._probes[name] = attempt

    def stop(self) -> None:
        """The process is stopping: alive, no longer ready."""
        self.stopping = True

    def late(self) -> tuple[str, ...]:
        """Names of the loops that have been silent for too long."""
        now = self._now()
        return tuple(name for name, age in self._max_ages.items() if now - self._beats[name] > age)

    async def unready(self) -> tuple[str, ...]:
        """Names of everything that keeps the process from being ready: late loops, failing probes, `stopping`."""
        stopping = ("stopping",) if self.stopping else ()
        return stopping + self.late() + await self._failing_probes()

    async def _failing_probes(self) -> tuple[str, ...]:
        async with self._probing:
            if self._probed is None or self._now() - self._probed[0] >= _PROBE_AGAIN_SECONDS:
                failing = []
                for name, attempt in self._probes.items():
                    try:
                        async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
                            await attempt()
                    except Exception:
                        failing.append(name)
                self._probed = (self._now(), tuple(failing))
            return self._probed[1]


async def answer(progress: Progress, path: str) -> tuple[int, str, bytes] | None:
    """Status, media type and body for a health or metrics path, None for any other path."""
    if path == "/metrics":
        return 200, metrics.CONTENT_TYPE, metrics.exposition()
    if path == "/health/live":
        waiting_for = progress.late()
    elif path == "/health/ready":
        waiting_for = await progress.unready()
    else:
        return None
    body: dict[str, Any] = {"status": "waiting" if waiting_for else "ok"}
    if waiting_for:
        body["waiting_for"] = list(waiting_for)
    if path == "/health/ready" and (raised := alarms.raised()):
        body["alarms"] = raised
    return (503 if waiting_for else 200), "application/json", json.dumps(body).encode()


def worker_app(progress: Progress) -> ASGIApp:
    """The HTTP side of a process without an API: `/health/live`, `/health/ready`, `/metrics`, else 404."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        found = await answer(progress, scope["path"])
        status, media_type, body = found or (404, "application/json", b'{"status":"no such path"}')
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return app
