"""The rig's API behind the real gateway, as one or several processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from stage import Actor, Stage, until
from updraft.gateway import Gateway, Identity, RateLimit, Upstream
from updraft.identity import DevelopmentIdentity
from updraft.places import LOCAL_HOST, choose_port

UNLIMITED = RateLimit(per_second=100_000, burst=100_000)


class Apis:
    """Processes of one API, each on a port of its own, and the gateway that spreads requests over them."""

    def __init__(self, stage: Stage, ports: tuple[int, ...], gateway: Gateway) -> None:
        self.ports = ports
        self.gateway = gateway
        self.actors: dict[int, Actor] = {}
        self._stage = stage

    @property
    def address(self) -> str:
        """The API's address at the gateway."""
        return f"{self.gateway.url}/engagement"

    async def start(self, port: int, seconds: float = 40) -> float:
        """Start the process of a port and wait until it is ready; the seconds that took."""
        began = time.monotonic()
        self.actors[port] = self._stage.start("engagement", "api", UPDRAFT_HTTP_PORT=port)
        await answers(f"http://{LOCAL_HOST}:{port}/health/ready", seconds)
        return time.monotonic() - began


async def answers(url: str, seconds: float) -> None:
    """Wait until a GET is answered 200."""
    async with httpx.AsyncClient(timeout=2) as http:

        async def ready() -> bool:
            with suppress(httpx.TransportError):
                return (await http.get(url)).status_code == 200
            return False

        await until(ready, seconds, f"{url} answers")


@asynccontextmanager
async def gateway_before(
    ports: tuple[int, ...], identity: DevelopmentIdentity, folder: Path, rate_limit: RateLimit | None = None
) -> AsyncIterator[Gateway]:
    """A gateway that spreads what comes for engagement over these ports."""
    first, *more = ((LOCAL_HOST, port) for port in ports)
    gateway = Gateway(
        folder / "gateway",
        [Upstream("engagement", *first, more=tuple(more))],
        Identity(identity.ISSUER, identity.AUDIENCE, jwks=identity.jwks),
        rate_limit=rate_limit or UNLIMITED,
        documentation=False,
    )
    await asyncio.to_thread(gateway.start)
    try:
        yield gateway
    finally:
        await asyncio.to_thread(gateway.stop)


@asynccontextmanager
async def apis_behind_gateway(
    stage: Stage, identity: DevelopmentIdentity, folder: Path, number: int, rate_limit: RateLimit | None = None
) -> AsyncIterator[Apis]:
    """`number` processes of the rig's API, all ready, behind a gateway of their own."""
    ports = tuple(choose_port("API") for _ in range(number))
    async with gateway_before(ports, identity, folder, rate_limit) as gateway:
        made = Apis(stage, ports, gateway)
        await asyncio.gather(*(made.start(port) for port in ports))
        yield made
