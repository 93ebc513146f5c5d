"""Engagement composed upon a real database, with people who hold tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from chassis.clock import FixedClock
from chassis.service import Service
from contracts.enrollment import Formality
from contracts.fields import Role
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from engagement.application.on_cohort_changed import on_cohort_changed
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.on_participation_changed import on_participation_changed
from engagement.application.on_program_changed import on_program_changed
from engagement.bootstrap import bootstrap
from engagement.entrypoints.api import app
from engagement.settings import Settings
from fastapi import FastAPI

from .events import World, cohort, pair_formed, participation, program
from .examples import START

_KEY = Ed25519PrivateKey.generate()
_KEY_ID = "test"

FILLED = {"medium": "video", "number_one_outcome": "Use the assistant daily without being shown."}


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
        return await self.client.get(path, headers={"authorization": f"Bearer {self.bearer}"} | headers)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        """Do something, under a fresh Idempotency-Key unless one is given."""
        headers = {"authorization": f"Bearer {self.bearer}", "idempotency-key": key or uuid4().hex}
        return await self.client.post(path, json=body or {}, headers=headers)

    async def patch(self, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Change something."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.patch(path, json=body, headers={"authorization": f"Bearer {self.bearer}"} | given)


class Engagement:
    """The service: its API in process, its worker's side at hand, its clock in the test's hands."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = FixedClock(START)
        self.api: Service = bootstrap("api", settings)
        self.worker: Service = bootstrap("worker", settings)
        self.api.clock = self.worker.clock = self.clock
        self.app: FastAPI = app(self.api)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://engagement")

    async def close(self) -> None:
        """Give every connection back."""
        await self.client.aclose()
        await self.api.database.close()
        await self.worker.database.close()

    def somebody(self, person: UUID | None, unit: UUID | None, *roles: str) -> Person:
        """A person with a token; a participant unless roles are named."""
        return Person(self.client, token(self.settings, person=person, unit=unit, roles=roles or ("participant",)))

    def mentor(self, world: World) -> Person:
        """The mentor of the world's pair."""
        return self.somebody(world.mentor, world.unit)

    def mentee(self, world: World) -> Person:
        """The mentee of the world's pair, of the guest unit where there is one."""
        return self.somebody(world.mentee, world.guest_unit or world.unit)

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.somebody(uuid4(), world.unit, "program_manager")

    async def hear(self, handler: Callable[[Any, Any], Awaitable[None]], event: Any) -> None:
        """Let the worker handle an event, in a transaction of its own."""
        async with self.worker.database.write() as session:
            await handler(event, self.worker.open_unit_of_work(session))
            await session.commit()

    async def run(self, job: Callable[[Any], Awaitable[bool]]) -> bool:
        """Let the worker run a scheduled job once."""
        async with self.worker.database.write() as session:
            more = await job(self.worker.open_unit_of_work(session))
            await session.commit()
        return more

    async def formed(self, world: World, **settings: Any) -> World:
        """The world's pair, as matching has just formed it."""
        await self.hear(on_program_changed, program(world, **settings))
        await self.hear(on_cohort_changed, cohort(world))
        for role in (Role.MENTOR, Role.MENTEE):
            await self.hear(on_participation_changed, participation(world, role))
        await self.hear(on_pair_formed, pair_formed(world, formed_at=self.clock.now()))
        return world

    async def active(self, world: World) -> World:
        """The world's pair, signed by both in a light program and so active."""
        await self.formed(world, formality=Formality.LIGHT, cadence_days=None, training_required=False)
        for person in (self.mentor(world), self.mentee(world)):
            signed = await person.post(f"/v1/pairs/{world.pair}/agreement/signatures", {"agreement_version": 1})
            assert signed.status_code == 201, signed.text
        return world

    async def active_standard(self, world: World, **settings: Any) -> World:
        """The world's pair, signed and trained in a standard program and so active."""
        await self.formed(world, **settings)
        path = f"/v1/pairs/{world.pair}"
        for version, (side, person) in enumerate(
            (("mentor", self.mentor(world)), ("mentee", self.mentee(world))), start=1
        ):
            terms = {"agreement_version": version, **FILLED}
            signed = await person.post(f"{path}/agreement/signatures", terms)
            assert signed.status_code == 201, signed.text
            trained = await person.post(f"{path}/trainings", {"module": f"{side}_onboarding"})
            assert trained.status_code == 201, trained.text
        assert trained.json()["state"] == "active"
        return world

    async def outbox(self, aggregate: UUID | None = None) -> list[tuple[str, int]]:
        """Events in the outbox in order, as (name, sequence); of one aggregate where named."""
        async with self.worker.database.read() as session:
            driver = await session.driver()
            rows = await driver.fetch("SELECT key, headers FROM outbox ORDER BY seq")
        found = []
        for row in rows:
            headers = dict(json.loads(row["headers"]))
            if aggregate is None or row["key"] == str(aggregate).encode():
                found.append((headers["ce_type"].split(".")[2], int(headers["ce_sequence"])))
        return found
