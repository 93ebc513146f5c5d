"""Steady writes through the gateway, each with its own key and sent again until it is answered; every answer is kept."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from updraft.demo.caller import Caller
from updraft.demo.cast import choose
from updraft.demo.play import people_of
from updraft.demo.remote import RemoteDeployment
from updraft.demo.story import Story
from updraft.demo.year import Year

_DAYS = 20


@dataclass(slots=True)
class Cohort:
    """A cohort with active pairs, formed some days before `now` of the rules' clock; `numbers` is drawn from, one a write."""

    year: Year
    now: datetime
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


async def another_cohort(year: Year, deployment: RemoteDeployment) -> Cohort:
    """A second cohort of the year's units, its pairs active."""
    seed = year.seed + 1
    made = Year(
        Caller(deployment.gateway_url, at_once=40), deployment, deployment.clock, Story("", True, seed), seed=seed
    )
    made.units, made.host, made.manager = year.units, year.host, year.manager
    people = await people_of(made)
    today = deployment.clock.now().date()
    await made.charter(people[0].person_id)
    await made.open_cohort(closes=today + timedelta(days=14), starts=today + timedelta(days=14))
    mentees, mentors = choose(people, mentees=6, mentors=8, seed=seed)
    await made.match(await made.enroll([*mentees, *mentors]))
    await made.prepare()
    deployment.clock.move_by(timedelta(days=_DAYS))
    return Cohort(made, deployment.clock.now())


class Steady:
    """`a_second` writes a second from `async with` to its end: meetings at engagement, every fourth a program at enrollment.

    `meetings` and `programs` are the ids that were promised, by a 2xx answer.
    """

    def __init__(self, cohort: Cohort, *, a_second: float) -> None:
        self.meetings: set[str] = set()
        self.programs: set[str] = set()
        self._cohort = cohort
        self._year = cohort.year
        self._pause = 1 / a_second
        self._took: list[tuple[float, float]] = []
        self._tasks = asyncio.TaskGroup()
        self._over = asyncio.Event()

    @property
    def answered(self) -> int:
        """How many writes were answered 2xx."""
        return len(self.meetings) + len(self.programs)

    def slowest(self, since: float) -> float:
        """The longest that a write took, of those that began after `since` (monotonic) and were answered; seconds."""
        return max((seconds for begun, seconds in self._took if begun > since), default=0.0)

    async def __aenter__(self) -> Steady:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._begin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No new write; those under way are answered. ExceptionGroup when one was refused."""
        self._over.set()
        await self._tasks.__aexit__(kind, problem, trace)

    async def _begin(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            self._tasks.create_task(self._write(next(self._cohort.numbers)))
            due += self._pause
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), max(0.0, due - time.monotonic()))

    async def _write(self, number: int) -> None:
        begun = time.monotonic()
        if number % 4:
            self.meetings.add((await self._log_meeting(number))["meeting_id"])
        else:
            body = {"title": f"Steady {number}", "settings": {"duration_months": 6, "planned_pairs": 3}}
            answer = await self._year.caller.post(self._year.manager, "/enrollment/v1/programs", body)
            self.programs.add(answer["program_id"])
        self._took.append((begun, time.monotonic() - begun))

    async def _log_meeting(self, number: int) -> Any:
        """Each at a time of its own."""
        couples = self._year.couples
        couple = couples[number % len(couples)]
        held_at = self._cohort.now - timedelta(minutes=1 + number // len(couples))
        body = {"held_at": held_at.replace(second=0, microsecond=0).isoformat(), "minutes": 45, "channel": "video"}
        path = f"/engagement/v1/pairs/{couple.pair_id}/meetings/log"
        return await self._year.caller.post(self._year.as_person(couple.mentor), path, body)

    async def unseen(self) -> list[str]:
        """What was promised and is not to be seen: meetings at engagement or in evaluation's projection, programs at enrollment."""
        year, found = self._year, {}
        at_engagement: set[str] = set()
        for couple in year.couples:
            path = f"/engagement/v1/pairs/{couple.pair_id}/meetings"
            at_engagement |= {row["meeting_id"] async for row in year.caller.pages(year.manager, path)}
        found["engagement"] = self.meetings - at_engagement
        path = f"/evaluation/v1/cohorts/{year.cohort_id}/meetings"
        found["evaluation"] = self.meetings - {row["meeting_id"] async for row in year.caller.pages(year.manager, path)}
        found["enrollment"] = self.programs - {
            row["program_id"] async for row in year.caller.pages(year.manager, "/enrollment/v1/programs")
        }
        return [f"{len(ids)} are not to be seen at {service}" for service, ids in found.items() if ids]
