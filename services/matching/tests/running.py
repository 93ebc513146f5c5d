"""Matching composed upon a real database, with people who hold tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from chassis.clock import FixedClock
from chassis.dead_letters import RawRecord
from chassis.handlers import Routing
from chassis.inbox import Inbox, Received
from chassis.service import Service
from contracts.envelope import Envelope, decode, encode
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from matching.bootstrap import bootstrap
from matching.entrypoints.api import app
from matching.entrypoints.consumer import HANDLERS
from matching.entrypoints.schedule import execute_runs
from matching.settings import Settings

from .events import NOW, Somebody, World

_KEY = Ed25519PrivateKey.generate()
_KEY_ID = "test"


def write_keys(folder: Path) -> Path:
    """The issuer's public keys as a JWKS file."""
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(_KEY.public_key())) | {"kid": _KEY_ID, "use": "sig"}
    path = folder / "jwks.json"
    path.write_text(json.dumps({"keys": [entry]}))
    return path


def token(settings: Settings, *, person: UUID | None, unit: UUID | None, roles: tuple[str, ...]) -> str:
    """A bearer token that the service accepts."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": str(person or uuid4()),
        "iat": now,
        "exp": now + 3600,
        "roles": list(roles),
    }
    if person is not None:
        claims["person_id"] = str(person)
    if unit is not None:
        claims["business_unit"] = str(unit)
    return jwt.encode(claims, _KEY, algorithm="EdDSA", headers={"kid": _KEY_ID, "typ": "JWT"})


@dataclass
class Person:
    """Somebody at the API."""

    client: httpx.AsyncClient
    bearer: str

    async def get(self, path: str) -> httpx.Response:
        """Look at something."""
        return await self.client.get(path, headers={"authorization": f"Bearer {self.bearer}"})

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        """Do something, under a fresh Idempotency-Key unless one is given."""
        headers = {"authorization": f"Bearer {self.bearer}", "idempotency-key": key or uuid4().hex}
        return await self.client.post(path, json=body, headers=headers)


class Matching:
    """The service: its API in process, its worker's side at hand, its clock in the test's hands."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings = settings.model_copy(update={"settle_seconds": 0.0})
        self.clock = FixedClock(NOW)
        self.api: Service = bootstrap("api", settings)
        self.worker: Service = bootstrap("worker", settings)
        self.api.clock = self.worker.clock = self.clock
        self.app: FastAPI = app(self.api)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://matching")
        self._inbox = Inbox(
            consumer="matching",
            database=self.worker.database,
            routing=Routing.of(HANDLERS),
            unit_of_work=self.worker.open_unit_of_work,
        )

    async def close(self) -> None:
        """Give every connection and process back."""
        await self.client.aclose()
        await self.api.database.close()
        await self.worker.database.close()
        for part in self.worker.background:
            await part.aclose()

    def somebody(self, person: UUID | None, unit: UUID | None, *roles: str) -> Person:
        """A person with a token; a participant unless roles are named."""
        return Person(self.client, token(self.settings, person=person, unit=unit, roles=roles or ("participant",)))

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.somebody(uuid4(), world.unit, "program_manager")

    def participant(self, who: Somebody) -> Person:
        """A participant, in their own unit."""
        return self.somebody(who.person, who.unit)

    async def hear(self, events: Iterable[Envelope[Any]]) -> None:
        """Let the worker's inbox apply events as they come from the wire, in one batch."""
        received = []
        for event in events:
            record = encode(event)
            decoded = decode(record.topic, record.key, record.value, record.headers)
            received.append(Received(decoded, RawRecord(record.topic, 0, 0, record.key, record.value, record.headers)))
        await self._inbox.apply(received)

    async def run(self, job: Callable[[Any], Awaitable[bool]]) -> bool:
        """Let the worker run a scheduled job once."""
        async with self.worker.database.write() as session:
            more = await job(self.worker.open_unit_of_work(session))
            await session.commit()
        return more

    async def matched(self, world: World) -> dict[str, Any]:
        """Ask for a run, let the worker execute it, return its body."""
        manager = self.manager(world)
        started = await manager.post(f"/v1/cohorts/{world.cohort}/runs")
        assert started.status_code == 202, started.text
        assert await execute_runs(self.worker)
        body: dict[str, Any] = (await manager.get(started.headers["location"])).json()
        assert body["state"] == "completed", body
        return body

    async def released(self, world: World) -> list[dict[str, Any]]:
        """Match and release; the proposals."""
        run = await self.matched(world)
        answer = await self.manager(world).post(f"/v1/runs/{run['run_id']}/release")
        assert answer.status_code == 200, answer.text
        proposals: list[dict[str, Any]] = run["proposals"]["items"]
        return proposals

    async def outbox(self, aggregate: UUID | str) -> list[tuple[str, int]]:
        """Events about an aggregate in the outbox in order, as (name, sequence)."""
        return [(event.type.split(".")[2], event.sequence) for event in await self.events(aggregate)]

    async def events(self, aggregate: UUID | str) -> list[Envelope[Any]]:
        """Events about an aggregate in the outbox in order."""
        async with self.worker.database.read() as session:
            driver = await session.driver()
            rows = await driver.fetch(
                "SELECT topic, key, headers, value FROM outbox WHERE key = $1 ORDER BY seq", str(aggregate).encode()
            )
        return [
            decode(
                row["topic"],
                row["key"],
                row["value"],
                [(name, value.encode()) for name, value in json.loads(row["headers"])],
            )
            for row in rows
        ]
