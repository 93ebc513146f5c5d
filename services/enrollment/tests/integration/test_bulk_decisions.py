"""A thousand candidates screened and admitted in two calls, on a real database."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from ..running import Enrollment, Somebody

pytestmark = pytest.mark.integration

COUNT = 1_000


async def applied(enrollment: Enrollment, manager: Somebody, cohort: Any, count: int) -> list[str]:
    """Applications of `count` people of a unit: half mentors, half mentees."""
    rows = ["employee_number,role,offers,asks,languages,time_zone,hours"]
    for number in range(count):
        side = "mentor,technology.ai:4," if number % 2 == 0 else "mentee,,technology.ai:3"
        rows.append(f"{number},{side},en:C1,Europe/London,09:00-17:30")
    report = await enrollment.send_applications(manager, cohort, "\n".join(rows).encode())
    assert report["applied"] == count, report["findings"]
    found = await manager.all(f"/v1/cohorts/{cohort['cohort_id']}/participations")
    return [each["participation_id"] for each in found]


async def states(manager: Somebody, cohort: Any) -> dict[str, str]:
    found = await manager.all(f"/v1/cohorts/{cohort['cohort_id']}/participations")
    return {each["participation_id"]: each["state"] for each in found}


@pytest.mark.requirement("R0-39", "R0-33", "R4-17")
async def test_a_thousand_candidates_are_screened_and_admitted_in_two_calls(enrollment: Enrollment) -> None:
    unit_id, manager, _ = await enrollment.staffed(COUNT)
    cohort = await enrollment.cohort(manager, mentor_places=400)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    ids = await applied(enrollment, manager, cohort, COUNT)
    rows = [{"participation_id": which, "passed": True, "notes": f"canary {which}"} for which in ids]
    key = {"idempotency-key": uuid4().hex}
    first = await manager.call("POST", f"{path}/screenings", json={"rows": rows}, headers=key)
    again = await manager.call("POST", f"{path}/screenings", json={"rows": rows}, headers=key)
    assert (first.status_code, first.content) == (200, again.content), first.text
    assert again.headers.get("idempotency-replayed") == "true"
    assert (first.json()["applied"], first.json()["findings"]) == (COUNT, [])
    assert "canary" not in first.text
    one = await manager.get(f"/v1/participations/{ids[7]}")
    assert (one["state"], one["screening_notes"]) == ("screened", f"canary {ids[7]}")

    report = await manager.post(f"{path}/admissions", {"everybody": True}, 200)
    assert (report["rows_read"], report["applied"], report["remaining"]) == (900, 900, 100)
    assert sorted((await states(manager, cohort)).values()) == ["admitted"] * 900 + ["screened"] * 100
    events = [each for each in await enrollment.events() if str(each.subject) in set(ids)]
    for name, sequence, count in (("ParticipantScreened", 2, COUNT), ("ParticipantAdmitted", 3, 900)):
        about = [each for each in events if type(each.data).__name__ == name]
        assert (len(about), {each.sequence for each in about}) == (count, {sequence})
    assert "canary" not in repr(events)
    async with enrollment.driver() as driver:
        audited = await driver.fetch(
            "SELECT action, count(*) AS times FROM audit_log WHERE business_unit_id = $1 GROUP BY action", unit_id
        )
    assert {"decide-admission": 900, "screen-candidates": 1}.items() <= {
        row["action"]: row["times"] for row in audited
    }.items()


async def test_rows_that_break_a_rule_are_named_and_the_queue_is_kept(enrollment: Enrollment) -> None:
    _, manager, _ = await enrollment.staffed(6)
    cohort, other = await enrollment.cohort(manager, mentor_places=1), await enrollment.cohort(manager)
    path = f"/v1/cohorts/{cohort['cohort_id']}"
    everybody = await applied(enrollment, manager, cohort, 6)
    mentors = [each for each in everybody if (await manager.get(f"/v1/participations/{each}"))["role"] == "mentor"]
    elsewhere = (await applied(enrollment, manager, other, 1))[0]
    ada, bo, cy = mentors
    screening = [{"participation_id": which, "passed": which != cy} for which in (ada, bo, cy, elsewhere)]
    report = await manager.post(f"{path}/screenings", {"rows": screening}, 200)
    assert (report["applied"], [(each["row"], each["field"]) for each in report["findings"]]) == (
        3,
        [(4, "participation_id")],
    )
    waiting = [{"participation_id": which, "decision": "waitlist"} for which in (bo, ada)]
    assert (await manager.post(f"{path}/admissions", {"rows": waiting}, 200))["applied"] == 2
    admit = [{"participation_id": which, "decision": "admit", "priority": 9} for which in (ada,)]
    admit += [{"participation_id": which, "decision": "admit"} for which in (cy, bo)]
    checked = await manager.post(f"{path}/admissions?check_only=true", {"rows": admit}, 200)
    assert (await states(manager, cohort))[bo] == "waitlisted"
    done = await manager.post(f"{path}/admissions", {"rows": admit}, 200)
    assert done["findings"] == checked["findings"]
    assert [(each["row"], each["field"]) for each in done["findings"]] == [(1, "priority"), (2, None)]
    assert "not passed" in done["findings"][1]["message"]
    assert [(await states(manager, cohort))[which] for which in (bo, ada, cy)] == ["admitted", "waitlisted", "screened"]
    assert (await manager.get(f"/v1/participations/{ada}"))["waitlist_position"] == 1
    # numbers of the queue are not given twice, by whichever call
    second = await manager.post(f"/v1/participations/{bo}/withdrawal", {}, 200)
    assert second["state"] == "withdrawn"
    async with enrollment.driver() as driver:
        highest = await driver.fetchval(
            "SELECT highest_queue_number FROM participations WHERE participation_id = $1", UUID(bo)
        )
    assert highest == 1


@pytest.mark.requirement("S1", "S8")
async def test_another_unit_can_neither_screen_nor_admit(enrollment: Enrollment) -> None:
    _, host, _ = await enrollment.staffed()
    guest_id, guest, _ = await enrollment.staffed()
    cohort = await enrollment.cohort(host, named_unit_ids=[str(guest_id)])
    ids = await applied(enrollment, host, cohort, 2)
    for path, body in (
        ("screenings", {"rows": [{"participation_id": ids[0], "passed": True}]}),
        ("admissions", {"rows": [{"participation_id": ids[0], "decision": "admit"}]}),
        ("admissions", {"everybody": True}),
    ):
        named = await guest.post(f"/v1/cohorts/{cohort['cohort_id']}/{path}", body, 404)
        unknown = await guest.post(f"/v1/cohorts/{uuid4()}/{path}", body, 404)
        assert named["detail"] == unknown["detail"]
    assert set((await states(host, cohort)).values()) == {"applied"}
    own = await enrollment.cohort(guest)
    foreign = await guest.post(
        f"/v1/cohorts/{own['cohort_id']}/screenings", {"rows": [{"participation_id": ids[0], "passed": True}]}, 200
    )
    assert (foreign["applied"], foreign["findings"][0]["code"]) == (0, "not-found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/rows"),
        ({"rows": [{"participation_id": str(uuid4()), "decision": "admit"}], "everybody": True}, "/rows"),
        ({"rows": [{"participation_id": str(uuid4()), "decision": "admit"}], "priority": 1}, "/priority"),
        ({"rows": [{"participation_id": str(uuid4()), "decision": "perhaps"}]}, "/rows/0/decision"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_by_field(
    enrollment: Enrollment, body: dict[str, Any], field: str
) -> None:
    _, manager = await enrollment.unit()
    problem = await manager.post(f"/v1/cohorts/{uuid4()}/admissions", body, 422)
    assert problem["errors"][0]["field"] == field
