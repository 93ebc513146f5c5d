"""Evaluation composed upon a real database, with people who hold tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from chassis.testing import Person, Running
from contracts.blind_tokens import PublicKey, blind, finalize, new_token
from evaluation.bootstrap import bootstrap
from evaluation.entrypoints.api import app
from evaluation.entrypoints.consumer import HANDLERS
from evaluation.entrypoints.schedule import SCHEDULE
from evaluation.settings import Settings

from .events import START, World


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


class Evaluation(Running):
    """The service, and what happens in it before a test begins."""

    def __init__(self, settings: Settings, admin_dsn: str) -> None:
        super().__init__(settings, start=START, bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE)
        self._admin_dsn = admin_dsn

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.person(uuid4(), world.unit, "program_manager")

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
        answer = await self.person(person, world.unit).post(
            f"/v1/waves/{wave['wave_id']}/tokens", {"blinded": base64.b64encode(blinded).decode()}
        )
        assert answer.status_code == 201, answer.text
        return Ballot(made, finalize(key, made, base64.b64decode(answer.json()["blind_signature"]), secret))

    async def answer(self, wave: Mapping[str, Any], body: Mapping[str, Any]) -> httpx.Response:
        """Answer without a name."""
        return await self.client.post(f"/v1/waves/{wave['wave_id']}/responses", json=body)
