"""Engagement composed upon a real database, with people who hold tokens."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chassis.testing import Person, Running
from contracts.enrollment import Formality
from contracts.fields import Role
from engagement.application.on_cohort_changed import on_cohort_changed
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.on_participation_changed import on_participation_changed
from engagement.application.on_program_changed import on_program_changed
from engagement.bootstrap import bootstrap
from engagement.entrypoints.api import app
from engagement.entrypoints.consumer import HANDLERS
from engagement.entrypoints.schedule import SCHEDULE
from engagement.settings import Settings

from .events import World, cohort, pair_formed, participation, program
from .examples import START

FILLED = {"medium": "video", "number_one_outcome": "Use the assistant daily without being shown."}


class Engagement(Running):
    """The service, and what happens in it before a test begins."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, start=START, bootstrap=bootstrap, app=app, handlers=HANDLERS, schedule=SCHEDULE)

    def mentor(self, world: World) -> Person:
        """The mentor of the world's pair."""
        return self.person(world.mentor, world.unit)

    def mentee(self, world: World) -> Person:
        """The mentee of the world's pair, of the guest unit where there is one."""
        return self.person(world.mentee, world.guest_unit or world.unit)

    def manager(self, world: World) -> Person:
        """The program manager of the world's unit."""
        return self.person(uuid4(), world.unit, "program_manager")

    async def formed(self, world: World, **settings: Any) -> World:
        """The world's pair, as matching has just formed it."""
        await self.handle(on_program_changed, program(world, **settings))
        await self.handle(on_cohort_changed, cohort(world))
        for role in (Role.MENTOR, Role.MENTEE):
            await self.handle(on_participation_changed, participation(world, role))
        await self.handle(on_pair_formed, pair_formed(world, formed_at=self.clock.now()))
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
