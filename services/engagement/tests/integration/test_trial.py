"""Trials upon a real database: over HTTP, by the schedule, and with what was there before trials were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from engagement.application.complete_pairs import complete_pairs
from engagement.application.end_trials import end_trials
from engagement.application.remind_of_trials import remind_of_trials

from ..events import World
from ..examples import START
from ..running import FILLED, Engagement

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(engagement: Engagement) -> None:
    engagement.clock.move(START - engagement.clock.now())


async def _seen(engagement: Engagement, world: World) -> dict[str, dict[str, Any]]:
    people = {"mentor": engagement.mentor(world), "mentee": engagement.mentee(world), "all": engagement.manager(world)}
    return {who: (await person.get(f"/v1/pairs/{world.pair}")).json() for who, person in people.items()}


@pytest.mark.requirement("R1-07")
async def test_two_people_meet_on_trial_confirm_and_begin(engagement: Engagement) -> None:
    world = await engagement.formed(World(), trial_days=14)
    path, mentor, mentee = f"/v1/pairs/{world.pair}", engagement.mentor(world), engagement.mentee(world)
    (listed,) = (await mentor.get("/v1/pairs?state=trial")).json()["items"]
    assert (listed["state"], listed["trial_ends_at"]) == ("trial", "2027-01-18T09:00:00Z")

    late = await mentee.post(f"{path}/meetings", {"scheduled_for": "2027-01-19T09:00:00Z"})
    assert (late.status_code, late.headers["content-type"]) == (409, "application/problem+json")
    arranged = await mentee.post(f"{path}/meetings", {"scheduled_for": "2027-01-07T09:00:00Z", "channel": "video"})
    assert arranged.status_code == 201, arranged.text
    engagement.clock.move(3 * DAY)
    held = {"held_at": "2027-01-07T09:00:00Z", "minutes": 45, "channel": "video"}
    logged = await mentor.post(f"/v1/meetings/{arranged.json()['meeting_id']}/log", held)
    assert logged.status_code == 201, logged.text

    for version, (side, person) in enumerate((("mentor", mentor), ("mentee", mentee)), start=1):
        signed = await person.post(f"{path}/agreement/signatures", {"agreement_version": version, **FILLED})
        assert signed.status_code == 201, signed.text
        trained = await person.post(f"{path}/trainings", {"module": f"{side}_onboarding"})
        assert trained.json()["state"] == "trial"

    confirmed = await mentee.post(f"{path}/trial/confirm", {})
    assert (confirmed.status_code, confirmed.json()["state"]) == (201, "trial")
    seen = await _seen(engagement, world)
    assert {who: pair["trial_confirmed"] for who, pair in seen.items()} == {
        "mentor": False,
        "mentee": True,
        "all": None,
    }
    shown = [{key: value for key, value in pair.items() if key != "trial_confirmed"} for pair in seen.values()]
    assert shown[0] == shown[1] == shown[2]

    both = (await mentor.post(f"{path}/trial/confirm", {})).json()
    assert (both["state"], both["meetings_held"], both["trial_confirmed"]) == ("active", 1, None)
    assert (await engagement.outbox(world.pair))[2:] == [("PairTrialEnded", 3), ("PairActivated", 4)]
    assert (await mentor.post(f"{path}/trial/leave", {})).status_code == 409


@pytest.mark.requirement("R1-07", "N5")
async def test_one_leaves_and_nothing_that_is_kept_of_the_pair_tells_who(engagement: Engagement) -> None:
    rows = []
    for leaving in ("mentor", "mentee"):
        world = await engagement.formed(World(), trial_days=14)
        people = {"mentor": engagement.mentor(world), "mentee": engagement.mentee(world)}
        path = f"/v1/pairs/{world.pair}"
        arranged = await people["mentor"].post(f"{path}/meetings", {"scheduled_for": "2027-01-07T09:00:00Z"})
        staying = people["mentee" if leaving == "mentor" else "mentor"]
        assert (await staying.post(f"{path}/trial/confirm", {})).status_code == 201
        left = await people[leaving].post(f"{path}/trial/leave", {})
        assert (left.status_code, left.json()["state"]) == (201, "dissolved"), left.text
        shown = list((await _seen(engagement, world)).values())
        assert shown[0] == shown[1] == shown[2]
        assert (shown[0]["ending"], shown[0]["trial_confirmed"]) == ("trial", None)
        assert await engagement.outbox(world.pair) == [("PairDissolved", 1)]
        meeting = (await staying.get(f"/v1/meetings/{arranged.json()['meeting_id']}")).json()
        assert (meeting["state"], meeting["cancelled_by"]) == ("cancelled", None)
        assert (await staying.post(f"{path}/trial/confirm", {})).status_code == 409
        kept = (await engagement.sql("SELECT * FROM pairs WHERE pair_id = $1", world.pair))[0]
        rows.append({name: value for name, value in kept.items() if not name.endswith(("_id", "_ids"))})
        assert await engagement.sql("SELECT 1 FROM audit_log WHERE subject_id = $1", world.pair) == []
    assert rows[0] == rows[1]


@pytest.mark.requirement("R1-07")
async def test_the_days_pass_by_the_rules_clock(engagement: Engagement) -> None:
    world = await engagement.formed(World(), trial_days=14)
    engagement.clock.move(14 * DAY - timedelta(seconds=1))
    await engagement.run(end_trials)
    assert (await _seen(engagement, world))["all"]["state"] == "trial"
    engagement.clock.move(timedelta(seconds=1))
    await engagement.run(end_trials)
    await engagement.run(end_trials)
    assert (await _seen(engagement, world))["all"]["state"] == "formed"
    assert await engagement.outbox(world.pair) == [("PairTrialEnded", 1)]


@pytest.mark.requirement("R1-07")
async def test_both_are_reminded_once_before_the_trial_ends(engagement: Engagement) -> None:
    world = await engagement.formed(World(), trial_days=14, trial_reminder_days=4)
    engagement.clock.move(10 * DAY - timedelta(seconds=1))
    await engagement.run(remind_of_trials)
    assert (await _seen(engagement, world))["mentor"]["trial_reminded_at"] is None
    for _ in range(2):
        engagement.clock.move(timedelta(seconds=1))
        await engagement.run(remind_of_trials)
    seen = await _seen(engagement, world)
    assert {pair["trial_reminded_at"] for pair in seen.values()} == {"2027-01-14T09:00:00Z"}
    assert await engagement.outbox(world.pair) == []


async def test_a_pair_that_nobody_takes_up_after_its_trial_ends_with_its_time(engagement: Engagement) -> None:
    world = await engagement.formed(World(), trial_days=14, duration_months=1)
    engagement.clock.move(31 * DAY)
    for job in (end_trials, complete_pairs):
        await engagement.run(job)
    assert await engagement.outbox(world.pair) == [("PairTrialEnded", 1), ("PairDissolved", 2)]
    assert (await _seen(engagement, world))["all"]["ending"] is None


async def test_a_row_without_the_new_columns_goes_on(engagement: Engagement) -> None:
    """The version that runs while the migration is rolled out inserts such rows."""
    world = await engagement.active(World())
    async with engagement.worker.committed() as uow:
        driver = await uow.session.driver()
        kept = await driver.fetchrow("DELETE FROM pairs WHERE pair_id = $1 RETURNING *", world.pair)
        before = [name for name, _ in kept.items() if name not in _ADDED]
        assert len(before) == len(kept) - len(_ADDED)
        places = ", ".join(f"${number}" for number in range(1, len(before) + 1))
        await driver.execute(
            f"INSERT INTO pairs ({', '.join(before)}) VALUES ({places})", *(kept[name] for name in before)
        )
    pair = (await _seen(engagement, world))["mentor"]
    assert (pair["state"], pair["trial_ends_at"], pair["trial_confirmed"]) == ("active", None, None)
    held = {"held_at": START.isoformat(), "minutes": 40, "channel": "video"}
    assert (await engagement.mentor(world).post(f"/v1/pairs/{world.pair}/meetings/log", held)).status_code == 201


_ADDED = frozenset(
    {
        "trial_ends_at",
        "trial_remind_at",
        "trial_reminded_at",
        "mentor_confirmed",
        "mentee_confirmed",
        "resumes_as",
        "pauses_began_at",
        "pauses_ended_at",
        "ending",
    }
)
