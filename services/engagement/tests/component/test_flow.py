"""Engagement whole, in process, between a real broker and a real database: other services' facts come in, its own go out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chassis.consumer import Consumer
from chassis.health import Progress
from chassis.relay import relay_for
from chassis.schedule import Schedule
from contracts.engagement import MeetingLogged, PairActivated
from contracts.enrollment import Formality
from contracts.envelope import Envelope, decode, encode
from contracts.fields import Role
from engagement.entrypoints.consumer import HANDLERS
from engagement.entrypoints.relay import PUBLISHES
from engagement.entrypoints.schedule import SCHEDULE
from engagement.settings import Settings
from updraft.topics import apply_topics

from ..events import World, cohort, pair_formed, participation, program, withdrawal
from ..running import Engagement, write_keys

pytestmark = pytest.mark.component

LIGHT: dict[str, Any] = {"formality": Formality.LIGHT, "cadence_days": None, "training_required": False}
PATIENCE_SECONDS = 30.0


class Wire:
    """The broker from outside: what other services send, and everything engagement has sent so far."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
        self._consumer = AIOKafkaConsumer(
            *sorted({event.TOPIC for event in PUBLISHES}), bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        self._seen: list[Envelope[Any]] = []

    async def open(self) -> None:
        await self._producer.start()
        await self._consumer.start()

    async def close(self) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def send(self, *events: Envelope[Any]) -> None:
        """Send events of other services, in this order."""
        for event in events:
            record = encode(event)
            await self._producer.send_and_wait(
                record.topic, key=record.key, value=record.value, headers=list(record.headers)
            )

    async def about(self, subject: UUID) -> list[Envelope[Any]]:
        """What engagement has said about an aggregate so far, in order."""
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            for record in records:
                self._seen.append(decode(record.topic, record.key, record.value, record.headers))
        return [event for event in self._seen if event.subject == subject]


@pytest.fixture(scope="module")
async def service(
    make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engagement]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("engagement", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    running = Engagement(
        Settings(
            database=database.address,
            secrets=database.secrets_dir,
            jwks=str(write_keys(folder)),
            kafka=kafka.bootstrap,
        )
    )
    progress = Progress()
    relay = relay_for(running.worker, progress)
    consumer = Consumer(running.worker, HANDLERS, progress=progress)
    schedule = Schedule(running.worker, SCHEDULE, progress=progress)
    parts = [asyncio.create_task(relay.run()), asyncio.create_task(schedule.run())]
    await consumer.start()
    yield running
    await consumer.stop()
    relay.stop()
    schedule.stop()
    await asyncio.wait_for(asyncio.gather(*parts), 15)
    await running.close()


@pytest.fixture(scope="module")
async def wire(service: Engagement, kafka: Any) -> AsyncIterator[Wire]:
    """The broker from outside."""
    opened = Wire(kafka.bootstrap)
    await opened.open()
    yield opened
    await opened.close()


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first true value of the condition; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := await condition():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} took more than {PATIENCE_SECONDS:.0f} seconds")


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
    events = await until(lambda: _at_least(wire, world.pair, 2), "relaying the end")
    assert [(type(event.data).__name__, event.sequence) for event in events] == [
        ("AgreementSigned", 1),
        ("PairDissolved", 2),
    ]


async def _at_least(wire: Wire, subject: UUID, number: int) -> list[Envelope[Any]]:
    events = await wire.about(subject)
    return events if len(events) >= number else []


async def test_time_alone_stalls_a_pair_and_a_meeting_brings_it_back(service: Engagement, wire: Wire) -> None:
    world = World()
    admitted = [participation(world, role, sequence=1) for role in (Role.MENTOR, Role.MENTEE)]
    await wire.send(program(world, **LIGHT), cohort(world), *admitted, pair_formed(world, sequence=1))
    await _open_pair(service, world)
    for person in (service.mentor(world), service.mentee(world)):
        await person.post(f"/v1/pairs/{world.pair}/agreement/signatures", {"agreement_version": 1})
    service.clock.move(timedelta(days=22))
    stalled = (await until(lambda: _at_least(wire, world.pair, 4), "noticing the silence"))[-1]
    assert (type(stalled.data).__name__, stalled.data.health.value) == ("PairStalled", "stalled")
    body = {"held_at": service.clock.now().isoformat(), "minutes": 45, "channel": "video"}
    logged = await service.mentor(world).post(f"/v1/pairs/{world.pair}/meetings/log", body)
    assert logged.status_code == 201, logged.text
    back = (await until(lambda: _at_least(wire, world.pair, 5), "coming back"))[-1]
    assert isinstance(back.data, PairActivated)
    assert (back.data.stalls, back.data.meetings_held, back.data.health.value) == (1, 1, "on_track")
