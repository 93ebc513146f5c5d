"""What engagement makes of other services' events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.ports import Missing
from contracts.enrollment import Formality as PublishedFormality
from contracts.fields import Role
from engagement.application.on_cohort_changed import on_cohort_changed
from engagement.application.on_pair_formed import on_pair_formed
from engagement.application.on_participant_withdrawn import on_participant_withdrawn
from engagement.application.on_participation_changed import on_participation_changed
from engagement.application.on_program_changed import on_program_changed
from engagement.domain.vocabulary import Formality, PairState

from ..events import World, cohort, pair_formed, participation, program, withdrawal
from ..examples import START
from .fakes import FakeUnitOfWork


async def everything_known(world: World, uow: FakeUnitOfWork, **settings: Any) -> None:
    await on_program_changed(program(world, **settings), uow)
    await on_cohort_changed(cohort(world), uow)
    for role in (Role.MENTOR, Role.MENTEE):
        await on_participation_changed(participation(world, role), uow)


async def test_a_formed_pair_is_opened_under_its_programs_rules() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow)
    await on_pair_formed(pair_formed(world, cadence_floor_days=30), uow)
    pair = uow.pairs.rows[world.pair]
    assert (pair.state, pair.version, pair.formality) == (PairState.FORMED, 0, Formality.STANDARD)
    assert (pair.cadence_days, pair.cadence_floor_days, pair.silence_days) == (30, 30, 21)
    assert (pair.mentor.person_id, pair.mentee.person_id) == (world.mentor, world.mentee)
    assert (pair.formed_at, pair.ends_at) == (START, START.replace(year=2028))
    assert uow.published == []


async def test_the_draft_speaks_a_shared_language_and_names_what_the_mentor_teaches() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow)
    await on_pair_formed(pair_formed(world), uow)
    draft = uow.agreements.rows[world.pair, 1]
    assert draft.template.language == "de"
    assert draft.terms.goal_topics == ("technology.ai",)
    assert (draft.terms.cadence_days, draft.terms.duration_months) == (21, 12)


@pytest.mark.requirement("RX-01", "R2-22")
async def test_a_light_program_gives_its_pairs_no_cadence() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow, formality=PublishedFormality.LIGHT, cadence_days=None, training_required=False)
    await on_pair_formed(pair_formed(world, shared_languages=("fi",)), uow)
    pair = uow.pairs.rows[world.pair]
    assert (pair.cadence_days, pair.training_required) == (None, False)
    assert uow.agreements.rows[world.pair, 1].template.language == "en"


@pytest.mark.requirement("R3-32")
async def test_duration_and_cadence_are_the_programs() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow, duration_months=6, cadence_days=28)
    await on_pair_formed(pair_formed(world), uow)
    pair = uow.pairs.rows[world.pair]
    assert (pair.cadence_days, pair.duration_months, pair.ends_at) == (28, 6, START.replace(month=7))


@pytest.mark.requirement("I10")
async def test_a_pair_waits_for_everything_it_builds_on() -> None:
    world, uow = World(), FakeUnitOfWork()
    formed = pair_formed(world)
    first, second = sorted((world.mentor_participation, world.mentee_participation))
    roles = {world.mentor_participation: Role.MENTOR, world.mentee_participation: Role.MENTEE}
    arrivals: tuple[tuple[UUID, Callable[[], Awaitable[None]]], ...] = (
        (world.program, lambda: on_program_changed(program(world), uow)),
        (world.cohort, lambda: on_cohort_changed(cohort(world), uow)),
        (first, lambda: on_participation_changed(participation(world, roles[first]), uow)),
        (second, lambda: on_participation_changed(participation(world, roles[second]), uow)),
    )
    for subject, arrive in arrivals:
        with pytest.raises(Missing) as missing:
            await on_pair_formed(formed, uow)
        assert missing.value.subject == subject
        assert uow.pairs.rows == {}
        await arrive()
    await on_pair_formed(formed, uow)
    assert list(uow.pairs.rows) == [world.pair]


async def test_an_older_version_of_a_program_never_replaces_a_newer_one() -> None:
    world, uow = World(), FakeUnitOfWork()
    await on_program_changed(program(world, sequence=5, cadence_days=28), uow)
    await on_program_changed(program(world, sequence=4, cadence_days=35), uow)
    assert uow.known_programs.rows[world.program].rules.cadence_days == 28


async def test_a_revised_program_leaves_pairs_that_exist_as_they_are() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow)
    await on_pair_formed(pair_formed(world), uow)
    await on_program_changed(program(world, sequence=9, cadence_days=42), uow)
    assert uow.pairs.rows[world.pair].cadence_days == 21


async def test_a_withdrawal_dissolves_the_open_pair_whichever_comes_first() -> None:
    for withdrawal_first in (False, True):
        world, uow = World(), FakeUnitOfWork(START + timedelta(days=1))
        await everything_known(world, uow)
        leaving = withdrawal(world, Role.MENTEE, sequence=4)
        if withdrawal_first:
            await on_participant_withdrawn(leaving, uow)
            await on_pair_formed(pair_formed(world), uow)
        else:
            await on_pair_formed(pair_formed(world), uow)
            await on_participant_withdrawn(leaving, uow)
        pair = uow.pairs.rows[world.pair]
        assert (pair.state, pair.version) == (PairState.DISSOLVED, 1)
        assert (uow.names(), uow.published[0][1]) == (["PairDissolved"], 1)


async def test_a_withdrawal_leaves_pairs_that_are_over_alone() -> None:
    world, uow = World(), FakeUnitOfWork()
    await everything_known(world, uow)
    await on_pair_formed(pair_formed(world), uow)
    uow.pairs.rows[world.pair].dissolve(START)
    await on_participant_withdrawn(withdrawal(world, Role.MENTOR, sequence=4), uow)
    assert uow.published == []
