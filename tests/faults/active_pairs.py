"""Pairs that are active at the real engagement, and mentors who arrange and log meetings without pause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from contracts import enrollment, matching
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.fields import Role
from contracts.identifiers import uuid7
from rig.ledger import Call
from updraft.identity import DevelopmentIdentity

FORMED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=200)


@dataclass(frozen=True, slots=True)
class Couple:
    """A pair of a light program: two signatures make it active."""

    unit: UUID
    program: UUID
    pair: UUID = field(default_factory=uuid7)
    mentor: UUID = field(default_factory=uuid7)
    mentee: UUID = field(default_factory=uuid7)

    def events(self, cohort: UUID) -> list[Envelope[Any]]:
        """What enrollment and matching have said about it."""
        shared = {"business_unit_id": self.unit, "named_unit_ids": (self.unit,), "cohort_id": cohort}
        shared |= {"program_id": self.program}
        found: list[Envelope[Any]] = []
        members = {}
        for role, person in ((Role.MENTOR, self.mentor), (Role.MENTEE, self.mentee)):
            members[role] = uuid7()
            admitted = example(
                enrollment.ParticipantAdmitted,
                **shared,
                participation_id=members[role],
                person_id=person,
                home_unit_id=self.unit,
                role=role,
            )
            found.append(Envelope.of(admitted, sequence=1, time=FORMED))
        formed = example(
            matching.PairFormed,
            **shared,
            pair_id=self.pair,
            mentor_id=self.mentor,
            mentee_id=self.mentee,
            mentor_participation_id=members[Role.MENTOR],
            mentee_participation_id=members[Role.MENTEE],
            formed_at=FORMED,
        )
        return [*found, Envelope.of(formed, sequence=1, time=FORMED)]


def couples(number: int) -> tuple[list[Couple], list[Envelope[Any]]]:
    """So many pairs of one cohort, and everything that has been said about them by others."""
    unit, program, cohort = uuid7(), uuid7(), uuid7()
    chartered = example(
        enrollment.ProgramChartered,
        business_unit_id=unit,
        program_id=program,
        formality=enrollment.Formality.LIGHT,
        cadence_days=None,
        training_required=False,
    )
    opened = example(
        enrollment.CohortOpened, business_unit_id=unit, named_unit_ids=(unit,), cohort_id=cohort, program_id=program
    )
    made = [Couple(unit, program) for _ in range(number)]
    events = [Envelope.of(event, sequence=1, time=FORMED) for event in (chartered, opened)]
    return made, [*events, *(event for couple in made for event in couple.events(cohort))]


class Mentors:
    """`async with Mentors(...)`: every mentor arranges a meeting, logs it, logs another; each request is sent once only."""

    def __init__(self, address: str, identity: DevelopmentIdentity, pairs: Sequence[Couple]) -> None:
        self.calls: list[Call] = []
        self.meetings: dict[str, int] = {}
        """Meeting → the version that was answered last."""
        self.refused: list[str] = []
        self._address = address
        self._identity = identity
        self._pairs = pairs
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def token(self, couple: Couple, person: UUID) -> dict[str, str]:
        """The headers of one of the two."""
        bearer = self._identity.token(roles=["participant"], person_id=person, business_unit_id=couple.unit)
        return {"authorization": f"Bearer {bearer}"}

    async def sign(self) -> None:
        """Both sides of every pair sign, as soon as engagement has heard of the pair."""
        async with httpx.AsyncClient(base_url=self._address, timeout=25) as http:
            for couple in self._pairs:
                for person in (couple.mentor, couple.mentee):
                    path = f"/v1/pairs/{couple.pair}/agreement/signatures"
                    give_up = time.monotonic() + 60
                    while True:
                        headers = self.token(couple, person) | {"idempotency-key": uuid4().hex}
                        response = await http.post(path, json={"agreement_version": 1}, headers=headers)
                        if response.status_code == 201:
                            break
                        assert response.status_code in (404, 503), response.text
                        assert time.monotonic() < give_up, "engagement has not heard of the pair"
                        await asyncio.sleep(0.1)

    async def __aenter__(self) -> Mentors:
        self._tasks = [asyncio.create_task(self._meets(couple)) for couple in self._pairs]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def more(self, number: int, seconds: float = 60.0) -> None:
        """Wait for so many more meetings."""
        wanted, give_up = len(self.meetings) + number, time.monotonic() + seconds
        while len(self.meetings) < wanted:
            for task in self._tasks:
                if task.done():
                    task.result()
            assert time.monotonic() < give_up, f"no {number} meetings in {seconds} s; refused: {self.refused[:3]}"
            await asyncio.sleep(0.02)

    async def _meets(self, couple: Couple) -> None:
        async with httpx.AsyncClient(
            base_url=self._address, headers=self.token(couple, couple.mentor), timeout=25
        ) as http:
            ahead = datetime.now(UTC) + timedelta(days=1)
            number = 0
            while not self._stopping.is_set():
                number += 2
                held = {"minutes": 40, "channel": "video"}
                date = {"scheduled_for": (ahead + timedelta(minutes=number)).isoformat(), "channel": "video"}
                arranged = await self._post(http, f"/v1/pairs/{couple.pair}/meetings", date)
                if arranged is not None:
                    held["held_at"] = (FORMED + timedelta(minutes=number)).isoformat()
                    await self._post(http, f"/v1/meetings/{arranged}/log", held)
                held["held_at"] = (FORMED + timedelta(minutes=number + 1)).isoformat()
                await self._post(http, f"/v1/pairs/{couple.pair}/meetings/log", held)

    async def _post(self, http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str | None:
        began = time.monotonic()
        try:
            response = await http.post(path, json=body, headers={"idempotency-key": uuid4().hex})
        except httpx.TransportError as error:
            self.calls.append(Call(time.monotonic(), time.monotonic() - began, None))
            self.refused.append(repr(error))
            return None
        self.calls.append(Call(time.monotonic(), time.monotonic() - began, response.status_code))
        if response.status_code not in (200, 201):
            self.refused.append(f"{path}: {response.status_code} {response.text}")
            return None
        meeting = response.json()
        self.meetings[meeting["meeting_id"]] = meeting["version"]
        return str(meeting["meeting_id"])
