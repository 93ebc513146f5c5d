"""Matching composed upon a real database, with people who hold tokens."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chassis.testing import Person, Running
from matching.bootstrap import bootstrap
from matching.entrypoints.api import app
from matching.entrypoints.consumer import HANDLERS
from matching.entrypoints.schedule import SCHEDULE, execute_runs
from matching.settings import Settings

from .events import NOW, Somebody, World


class Matching(Running):
    """The service, and what happens in it before a test begins."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            settings.model_copy(update={"settle_seconds": 0.0}),
            start=NOW, bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE,
        )  # fmt: skip

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.person(uuid4(), world.unit, "program_manager")

    def participant(self, who: Somebody) -> Person:
        """A participant, in their own unit."""
        return self.person(who.person, who.unit)

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
