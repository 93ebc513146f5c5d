"""Enrollment whole, in process, between a real broker and a real database: other services' facts come in, its own go out."""

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
from contracts.envelope import Envelope, decode, encode
from enrollment.entrypoints.consumer import HANDLERS
from enrollment.entrypoints.relay import PUBLISHES
from enrollment.entrypoints.schedule import SCHEDULE
from enrollment.settings import Settings
from updraft.topics import apply_topics

from ..facts import Pair, evaluated
from ..running import Enrollment, names, write_keys

pytestmark = pytest.mark.component

PATIENCE_SECONDS = 30.0


class Wire:
    """The broker from outside: what other services send, and everything enrollment has sent so far."""

    def __init__(self, bootstrap: str) -> None:
        topics = sorted({event.TOPIC for event in PUBLISHES})
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
        self._consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
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

    async def seen(self) -> list[Envelope[Any]]:
        """What enrollment has said so far, in order per aggregate."""
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            for record in records:
                self._seen.append(decode(record.topic, record.key, record.value, record.headers))
        return self._seen

    async def about(self, subject: str | UUID, count: int) -> list[tuple[str, int]]:
        """The first `count` or more events about an aggregate."""

        async def enough() -> list[Envelope[Any]] | None:
            found = [event for event in await self.seen() if str(event.subject) == str(subject)]
            return found if len(found) >= count else None

        return names(await until(enough, f"{count} events about {subject}"))


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first true value of the condition; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := await condition():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} took more than {PATIENCE_SECONDS:.0f} seconds")


@pytest.fixture(scope="module")
async def service(
    make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Enrollment]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("enrollment", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    running = Enrollment(
        Settings(
            database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder)), kafka=kafka.bootstrap
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
async def wire(service: Enrollment, kafka: Any) -> AsyncIterator[Wire]:
    """The broker from outside."""
    opened = Wire(kafka.bootstrap)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.requirement("I4", "R0-33", "R0-35", "R1-01")
async def test_a_cohort_from_the_hr_file_to_its_closing(service: Enrollment, wire: Wire) -> None:
    unit_id, manager = await service.unit("COMPONENT")
    rows = "business_unit,employee_number,grade,manager_employee_number\nCOMPONENT,1,D1,\nCOMPONENT,2,E1,1\nCOMPONENT,3,E1,1\n"
    sent = await service.send(manager, {"people": rows.encode()}, "format=updraft_csv")

    async def applied() -> bool:
        return bool((await manager.get(f"/v1/imports/{sent['import_id']}"))["state"] == "applied")

    await until(applied, "the import")
    people = {person["employee_number"]: UUID(person["person_id"]) for person in await manager.all("/v1/people")}
    for person in people.values():
        assert await wire.about(person, 1) == [("PersonJoined", 1)]

    program = await service.program(manager)
    assert program["settings"]["type"] == "reverse"
    cohort = await service.cohort(manager, program)
    mentor = await service.screened(manager, cohort, people["2"], unit_id, "mentor")
    mentee = await service.screened(manager, cohort, people["1"], unit_id, "mentee")
    for candidate in (mentor, mentee):
        await manager.post(f"/v1/participations/{candidate['participation_id']}/admission", {"decision": "admit"}, 200)
    await manager.post(f"/v1/cohorts/{cohort['cohort_id']}/close-enrollment", {}, 200)

    ids = (UUID(mentor["participation_id"]), UUID(mentee["participation_id"]))
    first = Pair(unit_id, UUID(program["program_id"]), UUID(cohort["cohort_id"]), *ids, people["2"], people["1"])
    second = Pair(unit_id, UUID(program["program_id"]), UUID(cohort["cohort_id"]), *ids, people["2"], people["1"])
    # The end of the first pair overtakes its forming: two topics have no order between them.
    await wire.send(first.dissolved())
    await wire.send(first.formed(), first.formed())
    pipeline = [("ParticipantApplied", 1), ("ParticipantScreened", 2), ("ParticipantAdmitted", 3)]
    for which in ids:
        assert await wire.about(which, 5) == [*pipeline, ("ParticipantMatched", 4), ("ParticipantAdmitted", 5)]
    await wire.send(second.formed())
    for which in ids:
        assert (await wire.about(which, 6))[5] == ("ParticipantMatched", 6)

    running = await manager.get(f"/v1/cohorts/{cohort['cohort_id']}")
    assert (running["state"], running["starts_on"]) == ("active", service.clock.now().date().isoformat())
    service.clock.move(timedelta(days=366))
    course = [
        ("CohortOpened", 1),
        ("CohortEnrollmentClosed", 2),
        ("CohortActivated", 3),
        ("CohortEvaluationStarted", 4),
    ]
    assert await wire.about(cohort["cohort_id"], 4) == course
    await wire.send(second.completed(), evaluated(unit_id, UUID(program["program_id"]), UUID(cohort["cohort_id"])))
    assert await wire.about(cohort["cohort_id"], 5) == [*course, ("CohortClosed", 5)]
    for which in ids:
        assert (await wire.about(which, 7))[6] == ("ParticipantCompleted", 7)
    assert (await manager.get(f"/v1/cohorts/{cohort['cohort_id']}"))["state"] == "closed"


@pytest.mark.requirement("I1", "I2", "I4")
async def test_everything_in_the_outbox_was_sent_and_nothing_else(service: Enrollment, wire: Wire) -> None:
    unit_id, manager = await service.unit("SECOND")
    rows = "business_unit,employee_number,grade\n" + "".join(f"SECOND,{number},E1\n" for number in range(300))
    sent = await service.send(manager, {"people": rows.encode()}, "format=updraft_csv")

    async def applied() -> bool:
        return bool((await manager.get(f"/v1/imports/{sent['import_id']}"))["state"] == "applied")

    await until(applied, "the import")
    committed = {event.id for event in await service.outbox()}

    async def arrived() -> bool:
        return committed <= {event.id for event in await wire.seen()}

    await until(arrived, "relaying")
    assert {event.id for event in await wire.seen()} == committed
    of_unit = [
        event
        for event in await wire.seen()
        if event.business_unit_id == unit_id and event.data.TOPIC.endswith(".people")
    ]
    assert sorted(event.data.change_set_index for event in of_unit) == list(range(300))
