"""What a worker says of itself over HTTP: its alarms and its gauges."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from updraft.places import choose_port


class Watched:
    """The health port of one process: `port` goes into its environment as UPDRAFT_HTTP_PORT."""

    def __init__(self) -> None:
        self.port = choose_port("health")
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5)

    async def __aenter__(self) -> Watched:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def gauges(self) -> dict[str, float]:
        """Metrics by name, an alarm's by `alarm <name>`; empty while the process does not answer."""
        text = ""
        with suppress(httpx.TransportError):
            text = (await self._http.get("/metrics")).text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                label = f"alarm {sample.labels['alarm']}" if sample.name == "updraft_alarm" else sample.name
                found[label] = found.get(label, 0.0) + sample.value
        return found

    async def ready(self) -> dict[str, Any]:
        """The body of `/health/ready`; empty while the process does not answer."""
        with suppress(httpx.TransportError):
            body: dict[str, Any] = (await self._http.get("/health/ready")).json()
            return body
        return {}

    async def lives(self) -> bool:
        """Whether the process answers that it is alive."""
        with suppress(httpx.TransportError):
            return (await self._http.get("/health/live")).status_code == 200
        return False

    async def alarms(self) -> list[str]:
        """Names of the raised alarms."""
        return list((await self.ready()).get("alarms", ()))

    async def has_alarm(self, name: str) -> bool:
        """Whether it is raised, by both accounts: the body and the metric."""
        return name in await self.alarms() and (await self.gauges()).get(f"alarm {name}") == 1.0

    async def is_quiet(self) -> bool:
        """Whether the process answers, is ready and raises no alarm."""
        return await self.ready() == {"status": "ok"}
