"""Programs, cohorts and participations through the API, on a real database."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.http import role_matrix
from chassis.testing import names

from ..running import CHARTER, Enrollment, application

pytestmark = pytest.mark.integration


@pytest.mark.requirement("R3-22")
async def test_a_program_cannot_launch_without_goals_metrics_plan_and_owner(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    program = await manager.post("/v1/programs", {"title": "Reverse"})
    whole = CHARTER | {"accountable_owner_id": str(uuid4())}
    path = f"/v1/programs/{program['program_id']}"
    await manager.post("/v1/cohorts", {"program_id": program["program_id"], "title": "First"}, 409)
    for part in whole:
        problem = await manager.post(
            f"{path}/charter", {name: value for name, value in whole.items() if name != part}, 422
        )
        assert problem["errors"][0]["field"] == f"/{part}"
    await manager.post(f"{path}/charter", whole, 200)
    cohort = await manager.post("/v1/cohorts", {"program_id": program["program_id"], "title": "First"})
    assert cohort["state"] == "enrolling"
    assert await enrollment.outbox(program["program_id"]) == [("ProgramProposed", 1), ("ProgramChartered", 2)]


@pytest.mark.requirement("R2-10")
async def test_a_single_pair_starts_with_a_title_and_nothing_else(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    program = await manager.post("/v1/programs", {"title": "Ada teaches Bo", "settings": {"planned_pairs": 1}})
    chartered = await manager.post(f"/v1/programs/{program['program_id']}/charter", {}, 200)
    assert chartered["charter"]["automatic"]
    assert chartered["charter"]["accountable_owner_id"] == str(manager.person)
    cohort = await enrollment.cohort(manager, program, mentor_places=50)
    assert (cohort["mentor_places"], cohort["mentee_places"]) == (1, 1)


@pytest.mark.requirement("RX-01", "R3-32")
async def test_settings_change_under_if_match_and_the_change_is_audited_and_published(enrollment: Enrollment) -> None:
    unit_id, manager = await enrollment.unit()
    program = await enrollment.program(manager)
    path = f"/v1/programs/{program['program_id']}/settings"
    assert (await manager.call("PATCH", path, json={"cadence_days": 28})).status_code == 428
    assert (await manager.call("PATCH", path, json={"cadence_days": 28}, version=1)).status_code == 412
    refused = await manager.call("PATCH", path, json={"cadence_days": 43}, version=2)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["remedy"]
    changed = await manager.call("PATCH", path, json={"cadence_days": 28, "formality": "structured"}, version=2)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"3"')
    assert (changed.json()["settings"]["cadence_days"], changed.json()["settings_version"]) == (28, 2)
    last = (await enrollment.events(program["program_id"]))[-1]
    assert (type(last.data).__name__, last.data.cadence_days, last.data.settings_version) == ("ProgramRevised", 28, 2)
    async with enrollment.driver() as driver:
        audited = await driver.fetchrow(
            "SELECT actor, before::text, after::text FROM audit_log"
            " WHERE action = 'change-settings' AND subject_id = $1 AND business_unit_id = $2",
            UUID(program["program_id"]),
            unit_id,
        )
    assert audited["actor"] == str(manager.person)
    assert '"cadence_days": 21' in audited["before"]
    assert '"cadence_days": 28' in audited["after"]
    light = await manager.call("PATCH", path, json={"formality": "light"}, version=3)
    assert (light.json()["settings"]["cadence_days"], light.json()["settings"]["training_required"]) == (None, False)


@pytest.mark.requirement("R0-33", "R0-35", "R0-02")
async def test_a_person_goes_through_the_pipeline_and_is_a_mentee_elsewhere(enrollment: Enrollment) -> None:
    unit_id, manager, (ada, *_) = await enrollment.staffed()
    cohort, other = await enrollment.cohort(manager), await enrollment.cohort(manager)
    screened = await enrollment.screened(manager, cohort, ada, unit_id)
    path = f"/v1/participations/{screened['participation_id']}"
    admitted = await manager.post(f"{path}/admission", {"decision": "admit"}, 200)
    assert (admitted["state"], admitted["role"], admitted["version"]) == ("admitted", "mentor", 3)
    me = enrollment.somebody(ada, unit_id)
    elsewhere = await me.post(f"/v1/cohorts/{other['cohort_id']}/applications", application("mentee"))
    assert elsewhere["role"] == "mentee"
    assert len(await me.all("/v1/participations")) == 2
    await me.post(f"/v1/cohorts/{cohort['cohort_id']}/applications", application(), 409)
    events = await enrollment.events(screened["participation_id"])
    assert names(events) == [("ParticipantApplied", 1), ("ParticipantScreened", 2), ("ParticipantAdmitted", 3)]
    facts = events[0].data
    assert (facts.working_hours.start_minute, facts.working_hours.end_minute) == (540, 1050)
    assert [day.value for day in facts.working_days] == ["monday", "tuesday", "wednesday", "thursday", "friday"]
    left = await me.post(f"{path}/withdrawal", {}, 200)
    assert left["state"] == "withdrawn"


@pytest.mark.requirement("R0-33")
async def test_a_nominee_must_still_apply(enrollment: Enrollment) -> None:
    unit_id, manager, (ada, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(manager)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    nominated = await manager.post(f"{path}/nominations", {"person_id": str(ada), "role": "mentee"})
    assert (nominated["state"], nominated["application"]) == ("nominated", None)
    await manager.post(f"/v1/participations/{nominated['participation_id']}/screening", {"passed": True}, 409)
    await manager.post(f"{path}/nominations", {"person_id": str(ada), "role": "mentee"}, 409)
    await manager.post(f"{path}/nominations", {"person_id": str(uuid4()), "role": "mentee"}, 404)
    applied = await enrollment.somebody(ada, unit_id).post(f"{path}/applications", application("mentee"))
    assert (applied["participation_id"], applied["version"]) == (nominated["participation_id"], 2)


async def test_nobody_applies_for_somebody_else_or_after_the_close(enrollment: Enrollment) -> None:
    unit_id, manager, (ada, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(manager)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    me = enrollment.somebody(ada, unit_id)
    await me.post(f"{path}/applications", application() | {"person_id": str(uuid4())}, 422)
    await enrollment.somebody(uuid4(), unit_id).post(f"{path}/applications", application(), 404)
    await manager.post(f"{path}/applications", application(), 403)
    closed = await manager.post(f"{path}/close-enrollment", {}, 200)
    assert closed["state"] == "matching"
    await me.post(f"{path}/applications", application(), 409)


@pytest.mark.requirement("R0-06", "R2-13")
@pytest.mark.parametrize("field", ["age", "date_of_birth", "birth_year", "generation"])
async def test_an_application_takes_no_age(enrollment: Enrollment, field: str) -> None:
    unit_id, manager, (ada, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(manager)
    answer = await enrollment.somebody(ada, unit_id).call(
        "POST", f"/v1/cohorts/{cohort['cohort_id']}/applications", json=application() | {field: 30}
    )
    assert answer.status_code == 422
    document = enrollment.app.openapi()
    properties = {
        name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})
    }
    assert field not in properties


async def test_the_waitlist_is_a_fair_queue(enrollment: Enrollment) -> None:
    unit_id, manager, people = await enrollment.staffed(5)
    cohort = await enrollment.cohort(manager, mentor_places=1)
    ids = [(await enrollment.screened(manager, cohort, person, unit_id))["participation_id"] for person in people]

    async def decide(which: int, decision: str, status: int = 200) -> Any:
        return await manager.post(f"/v1/participations/{ids[which]}/admission", {"decision": decision}, status)

    async def positions() -> list[int | None]:
        mine = [enrollment.somebody(person, unit_id) for person in people]
        return [
            (await me.get(f"/v1/participations/{which}"))["waitlist_position"]
            for me, which in zip(mine, ids, strict=True)
        ]

    await decide(0, "admit")
    full = await decide(1, "admit", 409)
    assert "no place" in full["detail"]
    for which in (3, 1, 2):
        await decide(which, "waitlist")
    assert await positions() == [None, 2, 3, 1, None]
    await decide(4, "admit", 409)
    await enrollment.somebody(people[0], unit_id).post(f"/v1/participations/{ids[0]}/withdrawal", {}, 200)
    for overtaking in (1, 2, 4):
        assert "waiting longer" in (await decide(overtaking, "admit", 409))["detail"]
    await enrollment.somebody(people[1], unit_id).post(f"/v1/participations/{ids[1]}/withdrawal", {}, 200)
    assert await positions() == [None, None, 2, 1, None]
    assert (await decide(3, "admit"))["state"] == "admitted"
    assert await positions() == [None, None, 1, None, None]
    async with enrollment.driver() as driver:
        audited = await driver.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'decide-admission' AND business_unit_id = $1", unit_id
        )
    assert audited == 5


async def test_two_decisions_at_once_cannot_both_take_the_last_place(enrollment: Enrollment) -> None:
    unit_id, manager, people = await enrollment.staffed(4)
    cohort = await enrollment.cohort(manager, mentor_places=1)
    ids = [(await enrollment.screened(manager, cohort, person, unit_id))["participation_id"] for person in people]
    answers = await asyncio.gather(
        *(manager.call("POST", f"/v1/participations/{which}/admission", json={"decision": "admit"}) for which in ids)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.requirement("R3-20")
async def test_a_facilitator_sees_the_programs_that_name_them_and_changes_nothing(enrollment: Enrollment) -> None:
    unit_id, manager, (ada, bo, _) = await enrollment.staffed()
    program, other = await enrollment.program(manager), await enrollment.program(manager)
    cohort, hidden = await enrollment.cohort(manager, program), await enrollment.cohort(manager, other)
    here = await enrollment.screened(manager, cohort, ada, unit_id)
    there = await enrollment.screened(manager, hidden, ada, unit_id)
    facilitator = enrollment.somebody(bo, unit_id, "facilitator")
    assert await facilitator.all("/v1/programs") == []
    await facilitator.get(f"/v1/programs/{program['program_id']}", 404)
    path = f"/v1/programs/{program['program_id']}/facilitators"
    await manager.post(path, {"person_id": str(uuid4())}, 422)
    await manager.post(path, {"person_id": str(bo)}, 200)
    assert [seen["program_id"] for seen in await facilitator.all("/v1/programs")] == [program["program_id"]]
    assert [seen["cohort_id"] for seen in await facilitator.all("/v1/cohorts")] == [cohort["cohort_id"]]
    assert [seen["participation_id"] for seen in await facilitator.all("/v1/participations")] == [
        here["participation_id"]
    ]
    await facilitator.get(f"/v1/participations/{there['participation_id']}", 404)
    await facilitator.get(f"/v1/cohorts/{hidden['cohort_id']}", 404)
    await facilitator.post(f"/v1/participations/{here['participation_id']}/admission", {"decision": "admit"}, 403)
    await facilitator.get("/v1/people", 403)
    assert (await manager.call("DELETE", f"{path}/{bo}")).status_code == 200
    await facilitator.get(f"/v1/programs/{program['program_id']}", 404)
    async with enrollment.driver() as driver:
        changes = await driver.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'change-facilitators' AND subject_id = $1",
            UUID(program["program_id"]),
        )
    assert changes == 2


async def test_notes_of_a_screening_are_for_the_hosts_program_managers_only(enrollment: Enrollment) -> None:
    _, host, _ = await enrollment.staffed()
    guest_id, guest, (ada, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(host, named_unit_ids=[str(guest_id)])
    me = enrollment.somebody(ada, guest_id)
    applied = await me.post(f"/v1/cohorts/{cohort['cohort_id']}/applications", application())
    path = f"/v1/participations/{applied['participation_id']}"
    assert "notes" not in await host.post(f"{path}/screening", {"passed": True, "notes": "shy canary"}, 200)
    assert (await host.get(path))["screening_notes"] == "shy canary"
    for other in (guest, me):
        assert (await other.get(path))["screening_notes"] is None
        assert [seen["screening_notes"] for seen in await other.all("/v1/participations")] == [None]
    assert "canary" not in repr([event.data for event in await enrollment.events(applied["participation_id"])])


async def test_people_of_two_units_meet_in_a_cohort_that_names_both(enrollment: Enrollment) -> None:
    host_id, host, (ada, *_) = await enrollment.staffed()
    guest_id, guest, (bo, cy, _) = await enrollment.staffed()
    stranger_id, stranger, (dee, *_) = await enrollment.staffed()
    cohort = await enrollment.cohort(host, named_unit_ids=[str(guest_id)], mentor_places=1)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    await stranger.get(path, 404)
    await enrollment.somebody(dee, stranger_id).post(f"{path}/applications", application(), 404)
    await guest.post(f"{path}/nominations", {"person_id": str(bo), "role": "mentor"})
    key = uuid4().hex
    theirs = enrollment.somebody(bo, guest_id)
    first = await theirs.call("POST", f"{path}/applications", json=application(), headers={"idempotency-key": key})
    again = await theirs.call("POST", f"{path}/applications", json=application(), headers={"idempotency-key": key})
    assert first.status_code == again.status_code == 201, first.text
    assert (first.content, again.headers.get("idempotency-replayed")) == (again.content, "true")
    applied = first.json()
    assert (applied["business_unit_id"], applied["home_unit_id"]) == (str(host_id), str(guest_id))
    (event,) = [event for event in await enrollment.events(applied["participation_id"]) if event.sequence == 2]
    assert set(event.data.named_unit_ids) == {host_id, guest_id}
    screening = f"/v1/participations/{applied['participation_id']}/screening"
    await guest.post(screening, {"passed": True}, 404)
    await host.post(screening, {"passed": True}, 200)
    own = await enrollment.screened(host, cohort, ada, host_id)
    await host.post(f"/v1/participations/{own['participation_id']}/admission", {"decision": "admit"}, 200)
    later = await enrollment.screened(host, cohort, cy, guest_id)
    for waiting in (applied, later):
        await host.post(f"/v1/participations/{waiting['participation_id']}/admission", {"decision": "waitlist"}, 200)
    seen = await enrollment.somebody(cy, guest_id).get(f"/v1/participations/{later['participation_id']}")
    assert seen["waitlist_position"] == 2
    withdrawn = await theirs.post(f"/v1/participations/{applied['participation_id']}/withdrawal", {}, 200)
    assert withdrawn["state"] == "withdrawn"


async def test_units_named_on_a_cohort_must_exist(enrollment: Enrollment) -> None:
    _, manager = await enrollment.unit()
    program = await enrollment.program(manager)
    body = {"program_id": program["program_id"], "title": "First", "named_unit_ids": [str(uuid4())]}
    problem = await manager.post("/v1/cohorts", body, 422)
    assert problem["errors"][0]["field"] == "/named_unit_ids"


async def test_a_units_code_is_taken_once_whatever_its_case(enrollment: Enrollment) -> None:
    unit_id, manager = await enrollment.unit("Twice")
    body = {"code": "TWICE", "grade_ladder": [{"grade": "A", "rank": 1}], "default_time_zone": "UTC"}
    await enrollment.admin.post("/v1/business-units", body, 409)
    assert (await manager.get(f"/v1/business-units/{unit_id}"))["code"] == "Twice"
    other_id, _ = await enrollment.unit()
    await manager.get(f"/v1/business-units/{other_id}", 404)
    assert (await enrollment.admin.get(f"/v1/business-units/{other_id}"))["business_unit_id"] == str(other_id)


async def test_the_topic_tree_is_for_everybody_with_a_token(enrollment: Enrollment) -> None:
    items = (await enrollment.somebody(uuid4(), uuid4()).get("/v1/topics"))["items"]
    assert {item["code"] for item in items if item["parent"] is None} == {"technology", "social_media", "trends"}


@pytest.mark.requirement("S8")
async def test_every_route_refuses_every_role_that_it_does_not_name(enrollment: Enrollment) -> None:
    unit_id, _ = await enrollment.unit()
    roles = {
        role: enrollment.somebody(uuid4(), unit_id, role)
        for role in ("program_manager", "facilitator", "participant", "data_reader")
    }
    roles["platform_admin"] = enrollment.admin
    lines = role_matrix(enrollment.app)
    assert len(lines) > 25
    for line in lines:
        path = line.path
        for name in ("business_unit_id", "import_id", "person_id", "program_id", "cohort_id", "participation_id"):
            path = path.replace(f"{{{name}}}", str(uuid4()))
        assert (await enrollment.client.request(line.method, path)).status_code == 401, line
        for role, somebody in roles.items():
            status = (
                await somebody.call(line.method, path, json={} if line.method in {"POST", "PATCH"} else None)
            ).status_code
            assert (status == 403) is (bool(line.access.roles) and role not in line.access.roles), (line, role, status)
