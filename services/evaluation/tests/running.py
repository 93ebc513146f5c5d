"""Evaluation composed upon a real database, with people who hold tokens."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
from chassis.clock import FixedClock
from chassis.dead_letters import RawRecord
from chassis.handlers import Routing
from chassis.inbox import Inbox, Received
from chassis.service import Service
from contracts.blind_tokens import PublicKey, blind, finalize, new_token
from contracts.envelope import Envelope, encode
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from evaluation.bootstrap import bootstrap
from evaluation.entrypoints.api import app
from evaluation.entrypoints.consumer import HANDLERS
from evaluation.settings import Settings
from fastapi import FastAPI

from .events import START, World

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

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at something."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers={"authorization": f"Bearer {self.bearer}"} | given)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        """Do something, under a fresh Idempotency-Key unless one is given."""
        headers = {"authorization": f"Bearer {self.bearer}", "idempotency-key": key or uuid4().hex}
        return await self.client.post(path, json=body or {}, headers=headers)


@dataclass(frozen=True)
class Ballot:
    """A one-time token of a wave with its unblinded signature; nothing in it says whose."""

    token: bytes
    signature: bytes

    def answering(self, wave: Mapping[str, Any], value: int | Callable[[str], int | None], role: str) -> dict[str, Any]:
        """The body of a response to every item."""
        codes = [item["code"] for item in wave["items"]]
        return {
            "token": base64.b64encode(self.token).decode(),
            "signature": base64.b64encode(self.signature).decode(),
            "role": role,
            "answers": {code: value if isinstance(value, int) else value(code) for code in codes},
        }


class Evaluation:
    """The service: its API in process, its worker's side at hand, its clock in the test's hands."""

    def __init__(self, settings: Settings, admin_dsn: str) -> None:
        self.settings = settings
        self._admin_dsn = admin_dsn
        self.clock = FixedClock(START)
        self.api: Service = bootstrap("api", settings)
        self.worker: Service = bootstrap("worker", settings)
        self.api.clock = self.worker.clock = self.clock
        self.app: FastAPI = app(self.api)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://evaluation")
        self._inbox = Inbox(
            consumer="evaluation",
            database=self.worker.database,
            routing=Routing.of(HANDLERS),
            unit_of_work=self.worker.open_unit_of_work,
        )

    async def close(self) -> None:
        """Give every connection back."""
        await self.client.aclose()
        await self.api.database.close()
        await self.worker.database.close()

    def somebody(self, person: UUID | None, unit: UUID | None, *roles: str) -> Person:
        """A person with a token; a participant unless roles are named."""
        return Person(self.client, token(self.settings, person=person, unit=unit, roles=roles or ("participant",)))

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.somebody(uuid4(), world.unit, "program_manager")

    async def hear(self, *events: Envelope[Any], batch: int = 500) -> None:
        """Let events through the real inbox, in this order, some at a time."""
        received = [Received(event, _record(event)) for event in events]
        for start in range(0, len(received), batch):
            await self._inbox.apply(received[start : start + batch])

    async def parked(self) -> int:
        """Events that wait for a predecessor."""
        return await self._inbox.parked()

    async def run(self, job: Callable[[Any], Awaitable[bool]]) -> bool:
        """Let the worker run a scheduled job once."""
        async with self.worker.database.write() as session:
            more = await job(self.worker.open_unit_of_work(session))
            await session.commit()
        return more

    async def sql(self, statement: str, *arguments: Any) -> Sequence[Any]:
        """Rows as the worker sees them."""
        async with self.worker.database.read() as session:
            driver = await session.driver()
            rows: Sequence[Any] = await driver.fetch(statement, *arguments)
        return rows

    async def published(self, aggregate: UUID) -> list[tuple[str, int, dict[str, Any]]]:
        """Events in the outbox about an aggregate, in order, as (name, sequence, payload)."""
        rows = await self.sql("SELECT headers, value FROM outbox WHERE key = $1 ORDER BY seq", str(aggregate).encode())
        found = []
        for row in rows:
            headers = dict(json.loads(row["headers"]))
            found.append((headers["ce_type"].split(".")[2], int(headers["ce_sequence"]), json.loads(row["value"])))
        return found

    async def administer(self, statement: str) -> None:
        """Run a statement as the database's superuser."""
        connection = await asyncpg.connect(self._admin_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def wave_of(self, world: World, kind: str) -> dict[str, Any]:
        """A wave of the cohort as its manager sees it."""
        answer = await self.manager(world).get(f"/v1/waves?cohort_id={world.cohort}")
        assert answer.status_code == 200, answer.text
        (wave,) = (wave for wave in answer.json()["items"] if wave["kind"] == kind)
        found: dict[str, Any] = wave
        return found

    async def ballot(self, world: World, person: UUID, wave: Mapping[str, Any]) -> Ballot:
        """What a participant does to get a token: make it, blind it, have it signed, unblind the signature."""
        key = PublicKey(int.from_bytes(base64.b64decode(wave["public_key"]["modulus"])), wave["public_key"]["exponent"])
        made = new_token(UUID(wave["wave_id"]))
        blinded, secret = blind(key, made)
        answer = await self.somebody(person, world.unit).post(
            f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(blinded).decode()}
        )
        assert answer.status_code == 201, answer.text
        return Ballot(made, finalize(key, made, base64.b64decode(answer.json()["blind_signature"]), secret))

    async def answer(self, wave: Mapping[str, Any], body: Mapping[str, Any]) -> httpx.Response:
        """Answer without a name."""
        return await self.client.post(f"/v1/waves/{wave['wave_id']}/responses", json=body)


def _record(event: Envelope[Any]) -> RawRecord:
    record = encode(event)
    return RawRecord(record.topic, 0, 0, record.key, record.value, record.headers)
