"""Row-level security: who sees which rows, whatever the routes do."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from enrollment.adapters.tables import metadata

from ..running import EXPERIENCE, GROUPS, Enrollment, application

pytestmark = pytest.mark.integration

OF_NOBODY = {"unit_directory", "import_owners"}
SHARED = {"cohorts", "participations", "reporting_line_findings", "imports"}
TENANT_TABLES = sorted(set(metadata.tables) - OF_NOBODY)
WRITTEN_BY_WORKER = {"people", "people_identities", "import_findings", "import_changes", "reporting_line_findings"}


@pytest.fixture(scope="module")
async def units(enrollment: Enrollment) -> tuple[UUID, UUID, UUID]:
    """Host and guest with rows in every table, and a stranger with none but its own registration."""
    codes = [f"V{uuid4().hex[:6]}" for _ in range(3)]
    (host_id, host), (guest_id, _), (stranger_id, _) = [await enrollment.unit(code) for code in codes]
    rows = f"{codes[0]},1,E1,{codes[1]},1\n{codes[1]},1,E1,{codes[0]},1\n{codes[0]},2,ZZ,,\n"
    header = "business_unit,employee_number,grade,manager_business_unit,manager_employee_number\n"
    await enrollment.imported(
        enrollment.admin, {"people": (header + rows).encode()}, f"format=updraft_csv&business_unit_id={host_id}"
    )
    async with enrollment.driver() as driver:
        bo = await driver.fetchval("SELECT person_id FROM people WHERE business_unit_id = $1", guest_id)
    cohort = await enrollment.cohort(host, named_unit_ids=[str(guest_id)])
    applied = await enrollment.somebody(bo, guest_id).post(
        f"/v1/cohorts/{cohort['cohort_id']}/applications", application(life_experience=EXPERIENCE)
    )
    declared = await enrollment.somebody(bo, guest_id).call(
        "PUT", f"/v1/participations/{applied['participation_id']}/audit-groups", json=GROUPS
    )
    assert declared.status_code == 200, declared.text
    await host.post(
        f"/v1/participations/{applied['participation_id']}/screening", {"passed": True, "notes": "fine"}, 200
    )
    known = await host.all("/v1/people")
    await host.post(f"/v1/people/{known[0]['person_id']}/erasure", {"reason": "left_company"}, 202)
    # A file that waits for the worker: purged once it is applied.
    await enrollment.send(host, {"people": b"business_unit,employee_number,grade\n"}, "format=updraft_csv")
    async with enrollment.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("BEGIN")
        await driver.execute(
            "INSERT INTO import_changes SELECT import_id, 0, business_unit_id, '{}' FROM imports WHERE business_unit_id = $1 LIMIT 1",
            host_id,
        )
        await driver.execute("COMMIT")
    return host_id, guest_id, stranger_id


@pytest.mark.requirement("I7", "S2")
@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_unit_sees_its_own_rows_what_names_it_and_nothing_else(
    enrollment: Enrollment, units: tuple[UUID, UUID, UUID], table: str
) -> None:
    host, guest, stranger = units
    async with enrollment.driver() as driver:
        owned = dict(await driver.fetch(f"SELECT business_unit_id, count(*) FROM {table} GROUP BY 1"))
    assert owned.get(host, 0) > 0, f"the fixture leaves {table} empty"
    assert await enrollment.visible(table, None) == 0
    assert await enrollment.visible(table, uuid4()) == 0
    assert await enrollment.visible(table, stranger) == owned.get(stranger, 0)
    seen_by_guest = await enrollment.visible(table, guest)
    assert (seen_by_guest > owned.get(guest, 0)) is (table in SHARED)


@pytest.mark.requirement("S2")
async def test_tables_of_nobody_hold_no_tenants_data(enrollment: Enrollment) -> None:
    assert {table for table in metadata.tables if "business_unit_id" not in metadata.tables[table].columns} == OF_NOBODY


@pytest.mark.requirement("S2")
@pytest.mark.parametrize("table", sorted(WRITTEN_BY_WORKER))
async def test_the_api_role_cannot_write_what_the_worker_keeps(
    enrollment: Enrollment, units: tuple[UUID, UUID, UUID], table: str
) -> None:
    async with enrollment.driver(worker=False, unit=units[0]) as driver:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await driver.execute(f"DELETE FROM {table}")


@pytest.mark.requirement("S2")
async def test_the_api_role_cannot_write_anothers_row(enrollment: Enrollment, units: tuple[UUID, UUID, UUID]) -> None:
    host, _, stranger = units
    async with enrollment.driver(worker=False, unit=stranger) as driver:
        assert await driver.execute("UPDATE programs SET title = 'taken'") == "UPDATE 0"
        assert await driver.execute("UPDATE cohorts SET state = 'closed'") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await driver.execute("INSERT INTO screening_notes SELECT gen_random_uuid(), $1, 'forged'", host)


@pytest.mark.requirement("S1", "I7")
async def test_anothers_things_are_like_things_that_do_not_exist(
    enrollment: Enrollment, units: tuple[UUID, UUID, UUID]
) -> None:
    host, _, stranger = units
    async with enrollment.driver() as driver:
        ids: dict[str, Any] = {
            f"/v1/{plural}": await driver.fetchval(f"SELECT {column} FROM {plural} WHERE business_unit_id = $1", host)
            for plural, column in (
                ("people", "person_id"), ("programs", "program_id"), ("cohorts", "cohort_id"),
                ("participations", "participation_id"), ("imports", "import_id"),
            )
        }  # fmt: skip
    spy = enrollment.somebody(uuid4(), stranger, "program_manager")
    for path, there in ids.items():
        answers = [await spy.call("GET", f"{path}/{which}") for which in (there, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].content == answers[1].content
    writes: tuple[tuple[str, str, dict[str, Any], Any], ...] = (
        ("POST", "/v1/programs/{}/charter", {}, ids["/v1/programs"]),
        ("POST", "/v1/programs/{}/facilitators", {"person_id": str(uuid4())}, ids["/v1/programs"]),
        ("POST", "/v1/cohorts/{}/close-enrollment", {}, ids["/v1/cohorts"]),
        ("POST", "/v1/cohorts/{}/nominations", {"person_id": str(uuid4()), "role": "mentor"}, ids["/v1/cohorts"]),
        ("POST", "/v1/participations/{}/screening", {"passed": False}, ids["/v1/participations"]),
        (
            "POST", "/v1/cohorts/{}/screenings",
            {"rows": [{"participation_id": str(ids["/v1/participations"]), "passed": True}]}, ids["/v1/cohorts"],
        ),
        (
            "POST", "/v1/cohorts/{}/admissions",
            {"rows": [{"participation_id": str(ids["/v1/participations"]), "decision": "decline"}]}, ids["/v1/cohorts"],
        ),
        ("POST", "/v1/cohorts/{}/admissions", {"everybody": True}, ids["/v1/cohorts"]),
        ("POST", "/v1/people/{}/erasure", {"reason": "own_request"}, ids["/v1/people"]),
        ("GET", "/v1/people/{}/erasure", {}, ids["/v1/people"]),
        ("POST", "/v1/participations/{}/admission", {"decision": "decline"}, ids["/v1/participations"]),
        ("POST", "/v1/participations/{}/withdrawal", {}, ids["/v1/participations"]),
        ("GET", "/v1/cohorts/{}/matching-recommendation", {}, ids["/v1/cohorts"]),
    )  # fmt: skip
    for method, path, body, there in writes:
        answers = [await spy.call(method, path.format(which), json=body) for which in (there, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].content == answers[1].content


@pytest.mark.requirement("S1", "R0-38", "N7")
async def test_nobody_else_is_shown_a_life_or_takes_a_consent_back(
    enrollment: Enrollment, units: tuple[UUID, UUID, UUID]
) -> None:
    host, guest, stranger = units
    async with enrollment.driver() as driver:
        found = await driver.fetchrow(
            "SELECT participation_id, person_id FROM participations WHERE home_unit_id = $1", guest
        )
    path = f"/v1/participations/{found['participation_id']}/life-experience"
    unknown = f"/v1/participations/{uuid4()}/life-experience"
    for unit, person in ((host, uuid4()), (guest, uuid4()), (stranger, found["person_id"])):
        for roles in (("participant",), ("participant", "program_manager"), ("participant", "facilitator")):
            spy = enrollment.somebody(person, unit, *roles)
            for method in ("GET", "DELETE"):
                answers = [await spy.call(method, where) for where in (path, unknown)]
                assert [answer.status_code for answer in answers] == [404, 404], (method, roles)
                assert answers[0].content == answers[1].content
    me = enrollment.somebody(found["person_id"], guest)
    assert (await me.get(path))["experiences"] == EXPERIENCE["experiences"]


@pytest.mark.requirement("S1", "I7")
async def test_an_import_into_anothers_cohort_is_like_one_into_none(
    enrollment: Enrollment, units: tuple[UUID, UUID, UUID]
) -> None:
    host, _, stranger = units
    async with enrollment.driver() as driver:
        cohort = await driver.fetchval("SELECT cohort_id FROM cohorts WHERE business_unit_id = $1", host)
    spy = enrollment.somebody(uuid4(), stranger, "program_manager")
    answers = [
        await enrollment.send_applications(spy, {"cohort_id": which}, b"employee_number\n1\n", status=404)
        for which in (cohort, uuid4())
    ]
    assert answers[0] == answers[1]
