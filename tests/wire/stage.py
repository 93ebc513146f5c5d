"""One test's stage: databases and topics of its own, real processes upon them, and the evidence they leave."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import kafka_side
import msgspec
from chassis.service import Service
from chassis.settings import ServiceSettings
from invariants import Evidence, OutboxEvent, violations
from rig.ledger import Ledger
from rig.services import UNIT, bootstrap
from updraft.identity import DevelopmentIdentity
from updraft.places import choose_port
from updraft.processes import Child, spawn
from updraft.servers_for_tests import ServiceDatabase

_WIRE = Path(__file__).parent


@dataclass(slots=True)
class Actor:
    """A running role of a rig service."""

    child: Child
    since: float = field(default_factory=time.monotonic)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.child.poll() is None

    def kill(self) -> None:
        """Kill -9."""
        self.child.kill()

    async def stop(self) -> int:
        """SIGTERM; the exit code. AssertionError when it takes longer than 12 seconds."""
        self.child.begin_stop()
        return await self.ended(12)

    async def ended(self, seconds: float = 20) -> int:
        """Wait until the process is gone; its exit code (negative: the signal)."""
        deadline = time.monotonic() + seconds
        while self.child.poll() is None:
            assert time.monotonic() < deadline, f"{self.child.name} still runs after {seconds} s:\n{self.child.tail()}"
            await asyncio.sleep(0.01)
        code = self.child.poll()
        self.child.kill()
        assert code is not None
        return code


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> float:
    """Poll until `condition` holds; the seconds that took. AssertionError after `seconds`."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.03)
    return time.monotonic() - began


class Stage:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        kafka: str,
        writing: ServiceDatabase,
        reading: ServiceDatabase,
        identity: DevelopmentIdentity,
    ) -> None:
        self.folder = folder
        self.kafka = kafka
        self.databases = {"engagement": writing, "evaluation": reading}
        self.ledger = Ledger()
        self._identity = identity
        self._numbers = itertools.count(1)
        self._actors: list[Actor] = []
        self._services: list[Service] = []
        self._connections: dict[str, Any] = {}
        self.api_port = choose_port("API")

    @property
    def address(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def token(self) -> str:
        """A program manager's token."""
        return self.token_of(UNIT)

    def token_of(self, unit: UUID) -> str:
        """A token of another unit's program manager."""
        return self._identity.token(roles=["program_manager"], business_unit_id=unit)

    def start(self, service: str, role: str, **environment: str | int) -> Actor:
        """Start a role of a rig service; `crash` names a crash point, other names are variables."""
        crash = environment.pop("crash", "")
        number = next(self._numbers)
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("UPDRAFT_", "RIG_"))},
            **self.databases[service].environment(),
            "PYTHONPATH": str(_WIRE),
            "UPDRAFT_KAFKA": self.kafka,
            "UPDRAFT_HTTP_PORT": str(self.api_port if role == "api" else 0),
            "UPDRAFT_JWKS": str(self._identity.jwks_file),
            "UPDRAFT_ISSUER": self._identity.ISSUER,
            "UPDRAFT_AUDIENCE": self._identity.AUDIENCE,
            "UPDRAFT_CRASH_POINT": str(crash),
            **{name: str(value) for name, value in environment.items()},
        }
        child = spawn(
            f"{number:02}-{service}-{role}",
            [sys.executable, "-m", "rig", service, role],
            run_dir=self.folder / "run",
            log=self.folder / "logs" / f"{number:02}-{service}-{role}.log",
            env=variables,
        )
        actor = Actor(child)
        self._actors.append(actor)
        return actor

    async def api_ready(self, seconds: float = 20) -> None:
        """Wait until the API says that it is ready."""
        async with httpx.AsyncClient(base_url=self.address, timeout=2) as http:

            async def ready() -> bool:
                with suppress(httpx.TransportError):
                    return (await http.get("/health/ready")).status_code == 200
                return False

            await until(ready, seconds, "the API is ready")

    def service(self, name: str, role: Any = "worker") -> Service:
        """A rig service inside of this process, upon the stage's database."""
        database = self.databases[name]
        settings = ServiceSettings(
            database=database.address, secrets=database.secrets_dir, kafka=self.kafka, worker_pool_size=16
        )
        made = bootstrap(name, role, settings)
        self._services.append(made)
        return made

    async def fetch(self, service: str, sql: str, *arguments: Any) -> list[Any]:
        """Rows of a service's database, seen by a superuser."""
        connection = self._connections.get(service)
        if connection is None or connection.is_closed():
            connection = self._connections[service] = await asyncpg.connect(self.databases[service].admin_dsn)
        return list(await connection.fetch(sql, *arguments))

    async def value(self, service: str, sql: str, *arguments: Any) -> Any:
        """The first column of the first row."""
        return (await self.fetch(service, sql, *arguments))[0][0]

    async def relayed(self) -> bool:
        """Whether the relay's cursor has passed every committed row."""
        return bool(
            await self.value(
                "engagement",
                "SELECT (SELECT coalesce(max(seq), 0) FROM outbox) <= (SELECT seq FROM relay_cursor)",
            )
        )

    async def outbox_drained(self, seconds: float = 10) -> float:
        """Wait until every committed row has been relayed; the seconds that took."""
        return await until(self.relayed, seconds, "the outbox is drained")

    async def change_database(self, service: str, database: ServiceDatabase) -> None:
        """From now on processes of `service` and the evidence use another database."""
        connection = self._connections.pop(service, None)
        if connection is not None:
            await connection.close()
        self.databases[service] = database

    async def caught_up(self, seconds: float = 15, *, dead: int = 0, group: str = kafka_side.GROUP) -> float:
        """Wait until every committed row has reached the inbox and the group's lag is 0; the seconds that took."""
        began = time.monotonic()
        expected = await self.value("engagement", "SELECT count(*) FROM outbox") - dead

        async def taken() -> bool:
            return bool(await self.value("evaluation", "SELECT count(*) FROM inbox") >= expected)

        await until(taken, seconds, f"{expected} events are in the inbox")
        await self.without_lag(max(1.0, seconds - (time.monotonic() - began)), group=group)
        return time.monotonic() - began

    async def without_lag(
        self, seconds: float = 30, *, topic: str = kafka_side.TOPIC, group: str = kafka_side.GROUP
    ) -> float:
        """Wait until the group has committed everything; the seconds that took."""

        async def none() -> bool:
            ends = await kafka_side.end_offsets(self.kafka, topic)
            return kafka_side.lag(ends, await kafka_side.committed_offsets(self.kafka, group, topic)) == 0

        return await until(none, seconds, "the consumer's lag is 0")

    async def parked(self) -> int:
        """How many events wait."""
        number: int = await self.value("evaluation", "SELECT count(*) FROM parked_events")
        return number

    async def evidence(self) -> Evidence:
        """Everything there is; the committed offsets are read first, then the topic, then the databases."""
        offsets = await kafka_side.committed_offsets(self.kafka)
        topic = kafka_side.events_in(await kafka_side.dump(self.kafka))
        outbox = []
        for row in await self.fetch("engagement", "SELECT seq, headers FROM outbox ORDER BY seq"):
            headers = dict(msgspec.json.decode(row["headers"]))
            outbox.append(
                OutboxEvent(
                    row["seq"], UUID(headers["ce_id"]), UUID(headers["ce_subject"]), int(headers["ce_sequence"])
                )
            )
        inbox = await self.fetch("evaluation", "SELECT event_id, outcome FROM inbox")
        effects = await self.fetch("evaluation", "SELECT event_id, count(*) AS times FROM effects GROUP BY event_id")
        known = await self.fetch("evaluation", "SELECT meeting_id, minutes, sequence FROM known_meetings")
        counted = await self.fetch("engagement", "SELECT meeting_id, version FROM counted")
        return Evidence(
            outbox=outbox,
            topic=topic,
            inbox={row["event_id"]: row["outcome"] for row in inbox},
            effects={row["event_id"]: row["times"] for row in effects},
            projection={row["meeting_id"]: (row["minutes"], row["sequence"]) for row in known},
            parked=await self.parked(),
            counted={row["meeting_id"]: row["version"] for row in counted},
            committed_offsets=offsets,
        )

    async def holds(
        self, ledger: Ledger | None = None, *, by_hand: Collection[UUID] = (), dead: Collection[UUID] = ()
    ) -> Evidence:
        """AssertionError unless every invariant holds; the evidence."""
        evidence = await self.evidence()
        answers = ledger.answers if ledger is not None else None
        broken = violations(evidence, answers, by_hand=by_hand, dead=dead)
        assert not broken, "\n".join(broken)
        return evidence

    async def close(self) -> None:
        """End every process and connection."""
        for actor in self._actors:
            actor.kill()
        for service in self._services:
            await service.database.close()
        for connection in self._connections.values():
            connection.terminate()
