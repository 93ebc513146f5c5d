"""What the program manager sees of requests in self mode: states and dates, so that silence shows, and nothing of reasons."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from matching.application.expire_requests import expire_requests
from matching.application.remind_of_requests import remind_of_requests

from ..asking import asked, mode_world, searched
from ..events import NOW
from ..running import Matching

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(matching: Matching) -> None:
    matching.clock.move(NOW - matching.clock.now())


@pytest.mark.requirement("R0-30", "R0-14")
async def test_silent_mentors_and_what_became_of_every_request_are_seen(matching: Matching) -> None:
    cohort = mode_world(4, 2, request_days=14, request_reminder_days=7)
    await matching.hear(*cohort.events)
    (first, second), (answers, declines, silent, busy) = cohort.mentees, cohort.mentors
    paths = []
    for mentee, mentor in ((first, declines), (first, silent), (second, answers), (second, busy)):
        await searched(matching, mentee)
        paths.append(await asked(matching, mentee, mentor))
        matching.clock.move(timedelta(minutes=2))
    assert (await matching.participant(declines).post(f"{paths[0]}/decline")).status_code == 200
    assert (await matching.participant(answers).post(f"{paths[2]}/acceptance")).status_code == 200
    await searched(matching, busy)
    matching.clock.move(7 * DAY)
    await matching.run(remind_of_requests)
    manager, path = matching.manager(cohort), f"/v1/cohorts/{cohort.cohort}/requests"
    seen = (await manager.get(path)).json()
    assert seen["counts"] == {"open": 2, "accepted": 1, "declined": 1, "withdrawn": 0, "expired": 0, "closed": 0}
    assert seen["overdue"] == 2
    overdue = (await manager.get(f"{path}?overdue=true")).json()["requests"]["items"]
    assert {item["mentor_participation_id"]: item["last_active_week"] for item in overdue} == {
        str(silent.participation): None,
        str(busy.participation): "2025-02-03",
    }
    (declined,) = (await manager.get(f"{path}?state=declined")).json()["requests"]["items"]
    assert set(declined) == {
        "request_id", "asked_by", "mentor_participation_id", "mentee_participation_id", "state", "asked_at", "shown_at",
        "reminded_at", "expires_at", "answered_at", "last_active_week",
    }  # fmt: skip
    assert (declined["asked_by"], declined["mentee_participation_id"]) == ("mentee", str(first.participation))
    matching.clock.move(8 * DAY)
    await matching.run(expire_requests)
    later = (await manager.get(path)).json()
    assert (later["counts"]["open"], later["counts"]["expired"], later["overdue"]) == (0, 2, 0)


async def test_a_request_that_nobody_has_checked_is_seen_to_stand_still(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    body = {"participation_id": str(mentee.participation), "partner_participation_id": str(mentor.participation)}
    assert (await matching.participant(mentee).post("/v1/requests", body)).status_code == 201
    path = f"/v1/cohorts/{cohort.cohort}/requests"
    (item,) = (await matching.manager(cohort).get(path)).json()["requests"]["items"]
    assert (item["state"], item["shown_at"]) == ("open", None)


async def test_requests_come_in_pages_each_once(matching: Matching) -> None:
    cohort = mode_world(5, 1)
    await matching.hear(*cohort.events)
    (mentee,) = cohort.mentees
    await searched(matching, mentee)
    made = [await asked(matching, mentee, mentor) for mentor in cohort.mentors]
    path, following, seen = f"/v1/cohorts/{cohort.cohort}/requests?limit=2", "", []
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        found = (await matching.manager(cohort).get(path + cursor)).json()
        assert found["counts"]["open"] == 5
        seen += [item["request_id"] for item in found["requests"]["items"]]
        following = found["requests"]["next"]
    assert seen == [one.removeprefix("/v1/requests/") for one in made]


@pytest.mark.requirement("I7", "R3-20")
async def test_other_units_find_no_such_cohort(matching: Matching) -> None:
    cohort = mode_world(1, 0)
    guest = cohort.mentee(unit=cohort.guest_unit)
    await matching.hear(*cohort.events)
    await searched(matching, guest)
    await asked(matching, guest, cohort.mentors[0])
    path = f"/v1/cohorts/{cohort.cohort}/requests"
    nothing = await matching.manager(cohort).get(f"/v1/cohorts/{uuid4()}/requests")
    assert nothing.status_code == 404
    for unit in (uuid4(), cohort.guest_unit):
        answer = await matching.person(uuid4(), unit, "program_manager").get(path)
        assert (answer.status_code, answer.content) == (404, nothing.content)
    for role in ("participant", "facilitator"):
        assert (await matching.person(uuid4(), cohort.unit, role).get(path)).status_code == 403
    assert (await matching.manager(cohort).get(path)).json()["counts"]["open"] == 1
