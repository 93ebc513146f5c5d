"""Enrollment whole, in process, between a real broker and a real database: other services' facts come in, its own go out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.testing import Wire, names, settings_on, until
from enrollment.entrypoints.relay import PUBLISHES
from enrollment.settings import Settings
from updraft.topics import apply_topics

from ..facts import Pair, evaluated
from ..running import EXPERIENCE, Enrollment, application

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
async def service(
    make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Enrollment]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("enrollment", migrated=True)
    settings = settings_on(Settings, database, tmp_path_factory.mktemp("keys"), kafka=kafka.bootstrap)
    async with Enrollment(settings) as running, running.at_work():
        yield running


@pytest.fixture(scope="module")
async def wire(service: Enrollment, kafka: Any) -> AsyncIterator[Wire]:
    """The broker from outside."""
    async with Wire(kafka.bootstrap, PUBLISHES) as opened:
        yield opened


async def about(wire: Wire, subject: str | UUID, count: int) -> list[tuple[str, int]]:
    """The first `count` or more events about an aggregate."""
    return names(await until(lambda: wire.about(subject, least=count), f"{count} events about {subject}"))


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
        assert await about(wire, person, 1) == [("PersonJoined", 1)]

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
        assert await about(wire, which, 5) == [*pipeline, ("ParticipantMatched", 4), ("ParticipantAdmitted", 5)]
    await wire.send(second.formed())
    for which in ids:
        assert (await about(wire, which, 6))[5] == ("ParticipantMatched", 6)

    running = await manager.get(f"/v1/cohorts/{cohort['cohort_id']}")
    assert (running["state"], running["starts_on"]) == ("active", service.clock.now().date().isoformat())
    service.clock.move(timedelta(days=366))
    course = [
        ("CohortOpened", 1),
        ("CohortEnrollmentClosed", 2),
        ("CohortActivated", 3),
        ("CohortEvaluationStarted", 4),
    ]
    assert await about(wire, cohort["cohort_id"], 4) == course
    await wire.send(second.completed(), evaluated(unit_id, UUID(program["program_id"]), UUID(cohort["cohort_id"])))
    assert await about(wire, cohort["cohort_id"], 5) == [*course, ("CohortClosed", 5)]
    for which in ids:
        assert (await about(wire, which, 7))[6] == ("ParticipantCompleted", 7)
    assert (await manager.get(f"/v1/cohorts/{cohort['cohort_id']}"))["state"] == "closed"


@pytest.mark.requirement("I1", "I2", "I4")
async def test_everything_in_the_outbox_was_sent_and_nothing_else(service: Enrollment, wire: Wire) -> None:
    unit_id, manager = await service.unit("SECOND")
    rows = "business_unit,employee_number,grade\n" + "".join(f"SECOND,{number},E1\n" for number in range(300))
    sent = await service.send(manager, {"people": rows.encode()}, "format=updraft_csv")

    async def applied() -> bool:
        return bool((await manager.get(f"/v1/imports/{sent['import_id']}"))["state"] == "applied")

    await until(applied, "the import")
    committed = {event.id for event in await service.events() if event.business_unit_id == unit_id}
    assert len(committed) > 300

    async def published() -> set[UUID]:
        """The broker is shared: what other tests say about their units is theirs."""
        return {event.id for event in await wire.seen() if event.business_unit_id == unit_id}

    async def arrived() -> bool:
        return committed <= await published()

    await until(arrived, "relaying")
    assert await published() == committed
    of_unit = [
        event
        for event in await wire.seen()
        if event.business_unit_id == unit_id and event.data.TOPIC.endswith(".people")
    ]
    assert sorted(event.data.change_set_index for event in of_unit) == list(range(300))


@pytest.mark.requirement("R0-38", "R1-13", "N7")
async def test_facts_for_matching_travel_and_a_consent_that_is_taken_back_travels_too(
    service: Enrollment, wire: Wire
) -> None:
    unit_id, manager = await service.unit("FACTS")
    rows = (
        "business_unit,employee_number,grade,project_codes,reviewer_employee_numbers,joined_on\n"
        "FACTS,1,D1,,,\nFACTS,2,E1,Atlas,1,2001-06-01\n"
    )
    sent = await service.send(manager, {"people": rows.encode()}, "format=updraft_csv")

    async def applied() -> bool:
        return bool((await manager.get(f"/v1/imports/{sent['import_id']}"))["state"] == "applied")

    await until(applied, "the import")
    people = {person["employee_number"]: UUID(person["person_id"]) for person in await manager.all("/v1/people")}
    (joined,) = await until(lambda: wire.about(people["2"], least=1), "the person")
    assert (joined.data.reviewer_ids, joined.data.tenure_band) == ((people["1"],), "over_10")
    assert len(joined.data.project_codes) == 1

    cohort = await service.cohort(manager, await service.program(manager, trial_days=14))
    mine = await service.screened(
        manager,
        cohort,
        people["2"],
        unit_id,
        values=["income"],
        preferred_channels=["phone"],
        life_experience=EXPERIENCE,
    )
    path = f"/v1/participations/{mine['participation_id']}"
    assert (await service.somebody(people["2"], unit_id).call("DELETE", f"{path}/life-experience")).status_code == 200
    course = await until(lambda: wire.about(mine["participation_id"], least=3), "the consent taken back")
    assert [len(event.data.background_codes) for event in course[:3]] == [2, 2, 0]
    assert {(event.data.values, event.data.preferred_channels) for event in course} == {(("income",), ("phone",))}


@pytest.mark.requirement("S21", "R0-39", "I4")
async def test_candidates_are_taken_in_by_one_call_each_and_an_erasure_tells_everybody(
    service: Enrollment, wire: Wire
) -> None:
    unit_id, manager = await service.unit("ERASED")
    rows = "business_unit,employee_number,grade\n" + "".join(f"ERASED,{number},E1\n" for number in range(3))
    sent = await service.send(manager, {"people": rows.encode()}, "format=updraft_csv")

    async def applied() -> bool:
        return bool((await manager.get(f"/v1/imports/{sent['import_id']}"))["state"] == "applied")

    await until(applied, "the import")
    cohort = await service.cohort(manager)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    people = [UUID(person["person_id"]) for person in await manager.all("/v1/people")]
    ids = [
        (await service.somebody(one, unit_id).post(f"{path}/applications", application()))["participation_id"]
        for one in people
    ]
    passed = [{"participation_id": which, "passed": True} for which in ids]
    assert (await manager.post(f"{path}/screenings", {"rows": passed}, 200))["applied"] == 3
    assert (await manager.post(f"{path}/admissions", {"everybody": True}, 200))["applied"] == 3
    course = [("ParticipantApplied", 1), ("ParticipantScreened", 2), ("ParticipantAdmitted", 3)]
    for which in ids:
        assert await about(wire, which, 3) == course

    await manager.post(f"/v1/people/{people[0]}/erasure", {"reason": "own_request"}, 202)
    assert await about(wire, people[0], 2) == [("PersonJoined", 1), ("PersonErased", 2)]
    assert await about(wire, ids[0], 4) == [*course, ("ParticipantWithdrawn", 4)]
    assert (await wire.about(ids[0], least=4))[-1].data.offers == ()

    async def done() -> bool:
        return (await manager.get(f"/v1/people/{people[0]}/erasure"))["erased_at"] is not None

    await until(done, "the erasure")
    assert len(await manager.all("/v1/people")) == 2
