"""A person is erased on a real database: in every unit's cohorts, and for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from enrollment.application.carry_out_erasures import carry_out_erasures

from ..running import EXPERIENCE, Enrollment, Somebody, application

pytestmark = pytest.mark.integration

COLUMNS = "business_unit,employee_number,grade,given_name,family_name,email,job_title,team,manager_employee_number"


async def erased(enrollment: Enrollment) -> int:
    """Let the worker erase whoever is to be erased; how many."""
    count = 0
    while True:
        async with enrollment.committed() as uow:
            if not await carry_out_erasures(uow):
                return count
        count += 1


async def stored(enrollment: Enrollment) -> str:
    """Everything in the database, as text: all rows of all tables, byte columns decoded."""
    async with enrollment.driver() as driver:
        tables = await driver.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')"
        )
        held = []
        for table in tables:
            for row in await driver.fetch(f'SELECT * FROM "{table["relname"]}"'):
                values = [
                    each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in row.values()
                ]
                held.append(" ".join(values))
    return "\n".join(held).casefold()


@pytest.mark.requirement("S21", "S14", "N7")
async def test_nothing_that_names_the_person_is_left_and_they_never_come_back(enrollment: Enrollment) -> None:
    code = f"E{uuid4().hex[:6]}"
    unit_id, manager = await enrollment.unit(code)
    _, host, _ = await enrollment.staffed()
    file = (
        f"{COLUMNS}\n{code},1,D1,Boss,,,,,\n"
        f"{code},canary-2,E1,Canaria,Canarino,canary@example.com,Canary keeper,Canary team,1\n"
    ).encode()
    assert (await enrollment.imported(manager, {"people": file}))["state"] == "applied"
    people = {person["employee_number"]: UUID(person["person_id"]) for person in await manager.all("/v1/people")}
    ada = people["canary-2"]
    own = await enrollment.cohort(manager)
    foreign = await enrollment.cohort(host, named_unit_ids=[str(unit_id)])
    me = enrollment.somebody(ada, unit_id)
    mine = await me.post(
        f"/v1/cohorts/{own['cohort_id']}/applications", application(life_experience=EXPERIENCE, values=["income"])
    )
    theirs = await me.post(f"/v1/cohorts/{foreign['cohort_id']}/applications", application())
    for who, applied in ((manager, mine), (host, theirs)):
        rows = [{"participation_id": applied["participation_id"], "passed": True, "notes": "a canary note"}]
        await who.post(f"/v1/cohorts/{applied['cohort_id']}/screenings", {"rows": rows}, 200)
    assert "canary" in await stored(enrollment)

    path = f"/v1/people/{ada}/erasure"
    await host.post(path, {"reason": "own_request"}, 404)
    await manager.post(f"/v1/people/{uuid4()}/erasure", {"reason": "own_request"}, 404)
    await manager.post(path, {"reason": "because"}, 422)
    await manager.get(path, 404)
    asked = await manager.post(path, {"reason": "own_request"}, 202)
    assert (asked["erased_at"], asked["reason"]) == (None, "own_request")
    sent = await enrollment.send(manager, {"people": file}, "format=updraft_csv")
    assert await erased(enrollment) == 0, "the import would bring the person back"
    await enrollment.work()
    assert (await manager.get(f"/v1/imports/{sent['import_id']}"))["counts"]["unchanged"] == 2
    assert await erased(enrollment) == 1

    done = await manager.get(path)
    assert done["erased_at"] is not None
    assert await manager.post(path, {"reason": "retention_ended"}, 202) == done
    left = await stored(enrollment)
    for word in ("canari", "canary", "worked_abroad"):
        assert word not in left, word
    await manager.get(f"/v1/people/{ada}", 404)
    assert [person["employee_number"] for person in await manager.all("/v1/people")] == ["1"]
    for who, applied in ((manager, mine), (host, theirs)):
        kept = await who.get(f"/v1/participations/{applied['participation_id']}")
        assert (kept["state"], kept["role"], kept["screening_passed"]) == ("withdrawn", "mentor", True)
        assert (kept["application"], kept["screening_notes"]) == (None, None)
        event = (await enrollment.events(applied["participation_id"]))[-1]
        assert (type(event.data).__name__, event.sequence, event.data.offers) == ("ParticipantWithdrawn", 3, ())
    about = await enrollment.events(str(ada))
    assert [(type(event.data).__name__, event.sequence) for event in about] == [
        ("PersonJoined", 1),
        ("PersonErased", 2),
    ]
    assert (about[-1].data.manager_id, about[-1].data.team_code, about[-1].data.grade) == (None, None, "E1")
    await _imported_again(enrollment, manager, file, ada)
    await me.post(f"/v1/cohorts/{own['cohort_id']}/applications", application(), 404)


async def _imported_again(enrollment: Enrollment, manager: Somebody, file: bytes, ada: UUID) -> None:
    """The same employee number is somebody new; the opaque id stays without a name."""
    again = await enrollment.imported(manager, {"people": file})
    assert (again["counts"]["joined"], again["counts"]["unchanged"]) == (1, 1)
    new = {person["employee_number"]: UUID(person["person_id"]) for person in await manager.all("/v1/people")}
    assert new["canary-2"] != ada
    assert len(await enrollment.events(str(ada))) == 2
    async with enrollment.driver() as driver:
        actions = await driver.fetch("SELECT action FROM audit_log WHERE subject_id = $1 ORDER BY audit_id", ada)
    assert [row["action"] for row in actions] == ["request-erasure", "erase-person"]


async def test_a_line_goes_on_through_whoever_is_erased_as_long_as_somebody_is_below(enrollment: Enrollment) -> None:
    code = f"L{uuid4().hex[:6]}"
    _, manager = await enrollment.unit(code)
    rows = [(1, ""), (2, "1"), (3, "2")]
    file = "business_unit,employee_number,grade,manager_employee_number\n" + "".join(
        f"{code},{number},E1,{above}\n" for number, above in rows
    )
    await enrollment.imported(manager, {"people": file.encode()})
    people = {person["employee_number"]: person["person_id"] for person in await manager.all("/v1/people")}
    said: dict[str, Any] = {}
    for number in ("2", "3"):
        await manager.post(f"/v1/people/{people[number]}/erasure", {"reason": "left_company"}, 202)
        assert await erased(enrollment) == 1
        said[number] = (await enrollment.events(people[number]))[-1].data
    assert str(said["2"].manager_id) == people["1"]
    assert said["3"].manager_id is None


@pytest.mark.requirement("S8")
async def test_an_administrator_names_the_unit(enrollment: Enrollment) -> None:
    unit_id, _, (ada, *_) = await enrollment.staffed()
    path = f"/v1/people/{ada}/erasure"
    await enrollment.admin.post(path, {"reason": "wrongly_held"}, 422)
    await enrollment.admin.post(f"{path}?business_unit_id={uuid4()}", {"reason": "wrongly_held"}, 404)
    await enrollment.admin.post(f"{path}?business_unit_id={unit_id}", {"reason": "wrongly_held"}, 202)
    assert await erased(enrollment) == 1
    await enrollment.admin.get(f"{path}?business_unit_id={unit_id}")
