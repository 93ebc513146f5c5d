"""Engagement whole, in process, between a real broker and a real database: other services' facts come in, its own go out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.testing import Wire, settings_on, until
from contracts.engagement import MeetingLogged, PairActivated
from contracts.enrollment import Formality
from contracts.fields import Role
from engagement.entrypoints.relay import PUBLISHES
from engagement.settings import Settings
from updraft.topics import apply_topics

from ..events import (
    World,
    cohort,
    pair_formed,
    pair_handed_over,
    pair_quarantined,
    pair_reinstated,
    participation,
    program,
    withdrawal,
)
from ..running import Engagement

pytestmark = pytest.mark.component

LIGHT: dict[str, Any] = {"formality": Formality.LIGHT, "cadence_days": None, "training_required": False}


@pytest.fixture(scope="module")
async def service(
    make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engagement]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("engagement", migrated=True)
    settings = settings_on(Settings, database, tmp_path_factory.mktemp("keys"), kafka=kafka.bootstrap)
    async with Engagement(settings) as running, running.at_work():
        yield running


@pytest.fixture(scope="module")
async def wire(service: Engagement, kafka: Any) -> AsyncIterator[Wire]:
    """The broker from outside."""
    async with Wire(kafka.bootstrap, PUBLISHES) as opened:
        yield opened


async def _open_pair(service: Engagement, world: World) -> Any:
    path = f"/v1/pairs/{world.pair}"

    async def opened() -> Any:
        answer = await service.manager(world).get(path)
        return answer.json() if answer.status_code == 200 else None

    return await until(opened, "opening the pair")


@pytest.mark.requirement("I4")
async def test_a_formed_pair_signs_meets_and_everybody_hears(service: Engagement, wire: Wire) -> None:
    world = World()
    admitted = [participation(world, role, sequence=1) for role in (Role.MENTOR, Role.MENTEE)]
    await wire.send(program(world, **LIGHT), cohort(world), *admitted, pair_formed(world, sequence=1))
    pair = await _open_pair(service, world)
    assert (pair["state"], pair["formality"], pair["mentor"]["person_id"]) == ("formed", "light", str(world.mentor))

    path = f"/v1/pairs/{world.pair}"
    for person in (service.mentor(world), service.mentee(world)):
        signed = await person.post(f"{path}/agreement/signatures", {"agreement_version": 1})
        assert signed.status_code == 201, signed.text
    body = {"held_at": service.clock.now().isoformat(), "minutes": 45, "channel": "video"}
    logged = await service.mentee(world).post(f"{path}/meetings/log", body)
    assert logged.status_code == 201, logged.text
    meeting_id = UUID(logged.json()["meeting_id"])

    (meeting,) = await until(lambda: wire.about(meeting_id), "relaying the meeting")
    assert isinstance(meeting.data, MeetingLogged)
    assert (meeting.sequence, meeting.data.pair_id, meeting.data.minutes) == (1, world.pair, 45)
    assert (meeting.source, meeting.business_unit_id) == ("/updraft/engagement", world.unit)
    of_the_pair = await wire.about(world.pair)
    assert [type(event.data).__name__ for event in of_the_pair] == [
        "AgreementSigned",
        "AgreementSigned",
        "PairActivated",
    ]
    assert [event.sequence for event in of_the_pair] == [1, 2, 3]


@pytest.mark.requirement("I10")
async def test_a_pair_that_comes_before_what_it_builds_on_waits_for_it(service: Engagement, wire: Wire) -> None:
    world, later = World(), World()
    await wire.send(pair_formed(world, sequence=1), participation(world, Role.MENTEE, sequence=1))

    async def parked() -> bool:
        async with service.worker.database.read() as session:
            driver = await session.driver()
            waiting = "SELECT count(*) FROM parked_events WHERE subject = $1"
            return bool(await driver.fetchval(waiting, world.pair))

    await until(parked, "parking the pair")
    assert (await service.manager(world).get(f"/v1/pairs/{world.pair}")).status_code == 404
    await wire.send(participation(world, Role.MENTOR, sequence=1), cohort(world), program(world, **LIGHT))
    assert (await _open_pair(service, world))["state"] == "formed"
    assert not await parked()
    assert (await service.manager(later).get("/v1/pairs")).json()["items"] == []


async def test_the_same_event_twice_opens_one_pair(service: Engagement, wire: Wire) -> None:
    world = World()
    formed = pair_formed(world, sequence=1)
    admitted = [participation(world, role, sequence=1) for role in (Role.MENTOR, Role.MENTEE)]
    await wire.send(program(world, **LIGHT), cohort(world), *admitted, formed, formed)
    await _open_pair(service, world)
    signed = await service.mentor(world).post(f"/v1/pairs/{world.pair}/agreement/signatures", {"agreement_version": 1})
    assert signed.status_code == 201, signed.text
    await wire.send(formed)
    withdrawn = withdrawal(world, Role.MENTEE, sequence=2)
    await wire.send(withdrawn, withdrawn)

    async def dissolved() -> bool:
        pair = (await service.manager(world).get(f"/v1/pairs/{world.pair}")).json()
        return bool(pair["state"] == "dissolved")

    await until(dissolved, "dissolving the pair")
    events = await until(lambda: wire.about(world.pair, least=2), "relaying the end")
    assert [(type(event.data).__name__, event.sequence) for event in events] == [
        ("AgreementSigned", 1),
        ("PairDissolved", 2),
    ]


@pytest.mark.requirement("R1-07", "N2", "F10")
async def test_a_trial_is_checked_goes_on_and_begins_whatever_the_order_of_arrival(
    service: Engagement, wire: Wire
) -> None:
    world = World()
    admitted = [participation(world, role, sequence=1) for role in (Role.MENTOR, Role.MENTEE)]
    now = service.clock.now()
    checked, cleared = pair_quarantined(world, now, sequence=2), pair_reinstated(world, now, sequence=3)
    await wire.send(program(world, **LIGHT, trial_days=14), cohort(world), *admitted, cleared, checked)
    await until(lambda: _parked(service, world, 2), "parking the checks")
    await wire.send(pair_formed(world, sequence=1, formed_at=now))
    await until(lambda: _parked(service, world, 0), "applying the checks")
    path, mentor, mentee = f"/v1/pairs/{world.pair}", service.mentor(world), service.mentee(world)
    pair = (await mentor.get(path)).json()
    assert pair["state"] == "trial"
    for person in (mentor, mentee):
        signed = await person.post(f"{path}/agreement/signatures", {"agreement_version": 1})
        assert signed.status_code == 201, signed.text
    assert (await mentee.get(path)).json()["state"] == "trial"
    service.clock.move(timedelta(days=14))
    events = await until(lambda: wire.about(world.pair, least=4), "the end of the trial")
    assert [(type(event.data).__name__, event.data.state.value) for event in events] == [
        ("AgreementSigned", "trial"),
        ("AgreementSigned", "trial"),
        ("PairTrialEnded", "formed"),
        ("PairActivated", "active"),
    ]
    await wire.send(
        pair_quarantined(world, service.clock.now(), sequence=4),
        pair_handed_over(world, service.clock.now(), sequence=5),
    )
    over = (await until(lambda: wire.about(world.pair, least=5), "the hand-over"))[-1]
    assert (type(over.data).__name__, over.sequence, over.data.ending.value) == (
        "PairDissolved",
        5,
        "handed_over",
    )


async def _parked(service: Engagement, world: World, count: int) -> bool:
    async with service.worker.database.read() as session:
        driver = await session.driver()
        waiting = "SELECT count(*) FROM parked_events WHERE subject = $1"
        return bool(await driver.fetchval(waiting, world.pair) == count)


async def test_time_alone_stalls_a_pair_and_a_meeting_brings_it_back(service: Engagement, wire: Wire) -> None:
    world = World()
    admitted = [participation(world, role, sequence=1) for role in (Role.MENTOR, Role.MENTEE)]
    await wire.send(program(world, **LIGHT), cohort(world), *admitted, pair_formed(world, sequence=1))
    await _open_pair(service, world)
    for person in (service.mentor(world), service.mentee(world)):
        await person.post(f"/v1/pairs/{world.pair}/agreement/signatures", {"agreement_version": 1})
    service.clock.move(timedelta(days=22))
    stalled = (await until(lambda: wire.about(world.pair, least=4), "noticing the silence"))[-1]
    assert (type(stalled.data).__name__, stalled.data.health.value) == ("PairStalled", "stalled")
    body = {"held_at": service.clock.now().isoformat(), "minutes": 45, "channel": "video"}
    logged = await service.mentor(world).post(f"/v1/pairs/{world.pair}/meetings/log", body)
    assert logged.status_code == 201, logged.text
    back = (await until(lambda: wire.about(world.pair, least=5), "coming back"))[-1]
    assert isinstance(back.data, PairActivated)
    assert (back.data.stalls, back.data.meetings_held, back.data.health.value) == (1, 1, "on_track")
