"""What the play needs of a running system, wherever it runs; a stack of this machine is one such system."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from updraft.clock import MovedClock
from updraft.demo.caller import until
from updraft.demo.year import Desk
from updraft.stack import Stack

KILLED = "engagement-worker"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the checks read what a deployment keeps.

    `postgres` is a superuser's address of its database server, `kafka` its bootstrap servers, `security` what an aiokafka client is told
    besides. `secrets` holds `<role>_password` files; `environment(service)` is that of one more process of a service, without its port.
    """

    postgres: str
    kafka: str
    secrets: Path
    environment: Callable[[str], Mapping[str, str]]
    security: Mapping[str, Any] = field(default_factory=dict)

    def database(self, name: str) -> str:
        """A superuser's address of a database."""
        return urlsplit(self.postgres)._replace(path=f"/{name}").geturl()


@dataclass(frozen=True, slots=True)
class Blow:
    """What was killed, and after how many seconds it was ready again."""

    name: str
    seconds: float


class Deployment(Desk, Protocol):
    """A running system. `evidence` is None where nobody gave access to its database and broker."""

    @property
    def services(self) -> Sequence[str]:
        """The services' names."""

    @property
    def gateway_url(self) -> str:
        """`http://host:port` of the gateway."""

    @property
    def clock(self) -> MovedClock:
        """The rules' clock."""

    @property
    def evidence(self) -> Evidence | None:
        """What the invariants on databases and topics are checked with."""

    async def rules_reached(self, moment: datetime) -> None:
        """Wait until engagement's rules about time have been applied up to `moment` of the rules' clock."""

    async def strike(self) -> Blow | None:
        """Kill one process without warning and wait until it is back; None where this cannot be done from here."""


class StackDeployment:
    """A stack that this process runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.services = stack.services
        self.token = stack.token
        self.gateway_url = stack.gateway_url
        self.clock = stack.clock
        self.evidence = Evidence(
            stack.postgres_dsn, stack.kafka_bootstrap, stack.secrets_dir, stack.service_environment
        )

    async def rules_reached(self, moment: datetime) -> None:
        """As the worker's metrics tell."""

        async def ask() -> bool:
            return await _rules_time(self._stack, "engagement", "detect_silent_pairs") >= moment.timestamp()

        await until("the rules about time", ask, seconds=60)

    async def strike(self) -> Blow:
        """Kill -9; the stack's watch starts it again."""
        begun = time.monotonic()
        await asyncio.to_thread(self._stack.kill, KILLED)
        await asyncio.to_thread(self._stack.wait_for, KILLED)
        return Blow(KILLED, time.monotonic() - begun)


async def _rules_time(stack: Stack, service: str, job: str) -> float:
    """Up to which moment (seconds since 1970, rules' clock) a job of a service's schedule has nothing left to do."""
    async with httpx.AsyncClient() as client:
        try:
            text = (await client.get(f"{stack.url(service, 'worker')}/metrics")).text
        except httpx.TransportError:
            return 0.0
    wanted = f'updraft_schedule_rules_time_seconds{{job="{job}"}}'
    return next((float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(wanted)), 0.0)
