"""Checks of a pair upon a real database: paused, gone on with, handed over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contracts.fields import Role
from engagement.application.complete_pairs import complete_pairs
from engagement.application.detect_missed_meetings import detect_missed_meetings
from engagement.application.detect_silent_pairs import detect_silent_pairs
from engagement.application.end_trials import end_trials
from engagement.application.on_pair_handed_over import on_pair_handed_over
from engagement.application.on_pair_quarantined import on_pair_quarantined
from engagement.application.on_pair_reinstated import on_pair_reinstated
from engagement.application.on_participant_withdrawn import on_participant_withdrawn

from ..events import World, pair_handed_over, pair_quarantined, pair_reinstated, withdrawal
from ..examples import START
from ..running import Engagement

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(engagement: Engagement) -> None:
    engagement.clock.move(START - engagement.clock.now())


async def _run_the_schedule(engagement: Engagement) -> None:
    for job in (detect_missed_meetings, detect_silent_pairs, end_trials, complete_pairs):
        await engagement.run(job)


@pytest.mark.requirement("N2")
async def test_a_checked_pair_stands_still_for_everybody_and_goes_on(engagement: Engagement) -> None:
    world = await engagement.active_standard(World())
    path, mentor = f"/v1/pairs/{world.pair}", engagement.mentor(world)
    meetings = [
        (await mentor.post(f"{path}/meetings", {"scheduled_for": (START + days * DAY).isoformat()})).json()[
            "meeting_id"
        ]
        for days in (20, 60)
    ]
    told = await engagement.outbox(world.pair)
    engagement.clock.move(10 * DAY)
    await engagement.handle(on_pair_quarantined, pair_quarantined(world, engagement.clock.now()))
    engagement.clock.move(40 * DAY)
    await _run_the_schedule(engagement)
    for person in (mentor, engagement.mentee(world), engagement.manager(world)):
        seen = await person.get(path)
        assert (seen.json()["state"], seen.json()["health"], seen.json()["due_at"]) == ("quarantined", "paused", None)
        assert not any(word in seen.text for word in ("reporting_chain", "broken", "conflict"))
    assert (await engagement.manager(world).get("/v1/pairs?state=quarantined")).json()["items"]
    now = engagement.clock.now()
    held = {"held_at": now.isoformat(), "minutes": 30, "channel": "phone"}
    for refused in (
        await mentor.post(f"{path}/meetings/log", held),
        await mentor.post(f"/v1/meetings/{meetings[0]}/log", held),
        await mentor.post(f"{path}/meetings", {"scheduled_for": (now + DAY).isoformat()}),
        await mentor.post(f"{path}/agreement/signatures", {"agreement_version": 2, "place": "Elsewhere"}),
        await mentor.patch(f"{path}/agreement", {"place": "Here"}, if_match=f'"{told[-1][1]}"'),
    ):
        assert (refused.status_code, refused.json()["detail"]) == (409, "the pair is paused for a check"), refused.text
    assert await engagement.outbox(world.pair) == told
    assert (await mentor.get(f"/v1/meetings/{meetings[0]}")).json()["state"] == "scheduled"

    await engagement.handle(on_pair_reinstated, pair_reinstated(world, now))
    await _run_the_schedule(engagement)
    back = (await mentor.get(path)).json()
    assert (back["state"], back["health"], back["stalls"], back["ends_on"]) == ("active", "on_track", 0, "2028-02-13")
    assert back["due_at"] == "2027-03-06T09:00:00Z"  # 21 days and the 40 of the pause
    assert [(await mentor.get(f"/v1/meetings/{meeting}")).json()["state"] for meeting in meetings] == [
        "cancelled",
        "scheduled",
    ]
    assert await engagement.outbox(world.pair) == told
    assert (await engagement.outbox(meetings[0])) == [("MeetingScheduled", 1), ("MeetingCancelled", 2)]
    engagement.clock.move(32 * DAY)
    await engagement.run(detect_silent_pairs)
    assert (await engagement.outbox(world.pair))[-1][0] == "PairStalled"


@pytest.mark.requirement("N2", "R1-07")
async def test_a_trial_is_given_back_its_days(engagement: Engagement) -> None:
    world = await engagement.formed(World(), trial_days=14)
    engagement.clock.move(10 * DAY)
    await engagement.handle(on_pair_quarantined, pair_quarantined(world, engagement.clock.now()))
    assert (await engagement.mentor(world).post(f"/v1/pairs/{world.pair}/trial/confirm", {})).status_code == 409
    engagement.clock.move(10 * DAY)
    await _run_the_schedule(engagement)
    await engagement.handle(on_pair_reinstated, pair_reinstated(world, engagement.clock.now()))
    await _run_the_schedule(engagement)
    pair = (await engagement.mentor(world).get(f"/v1/pairs/{world.pair}")).json()
    assert (pair["state"], pair["trial_ends_at"]) == ("trial", "2027-01-28T09:00:00Z")
    engagement.clock.move(4 * DAY)
    await _run_the_schedule(engagement)
    assert await engagement.outbox(world.pair) == [("PairTrialEnded", 1)]


@pytest.mark.requirement("N2")
async def test_a_pair_is_not_ended_by_time_it_could_not_use(engagement: Engagement) -> None:
    world = await engagement.formed(World(), duration_months=1)
    await engagement.handle(on_pair_quarantined, pair_quarantined(world, START))
    engagement.clock.move(40 * DAY)
    await _run_the_schedule(engagement)
    await engagement.handle(on_pair_reinstated, pair_reinstated(world, engagement.clock.now()))
    await _run_the_schedule(engagement)
    assert await engagement.outbox(world.pair) == []
    engagement.clock.move(31 * DAY)
    await _run_the_schedule(engagement)
    assert await engagement.outbox(world.pair) == [("PairDissolved", 1)]


@pytest.mark.requirement("N2", "N5")
async def test_a_hand_over_ends_the_pair_without_fault(engagement: Engagement) -> None:
    world = await engagement.active(World())
    engagement.clock.move(DAY)
    await engagement.handle(on_pair_quarantined, pair_quarantined(world, engagement.clock.now()))
    await engagement.handle(on_pair_handed_over, pair_handed_over(world, engagement.clock.now()))
    seen = [
        (await person.get(f"/v1/pairs/{world.pair}")).json()
        for person in (engagement.mentor(world), engagement.mentee(world), engagement.manager(world))
    ]
    assert seen[0] == seen[1] == seen[2]
    assert (seen[0]["state"], seen[0]["ending"]) == ("dissolved", "handed_over")
    assert (await engagement.outbox(world.pair))[-1] == ("PairDissolved", 4)


@pytest.mark.requirement("N5")
async def test_both_may_leave_a_checked_pair_and_a_withdrawal_ends_it(engagement: Engagement) -> None:
    for way in ("leave", "trial", "withdraw"):
        world = await engagement.formed(World(), trial_days=14)
        await engagement.handle(on_pair_quarantined, pair_quarantined(world, START))
        if way == "withdraw":
            await engagement.handle(on_participant_withdrawn, withdrawal(world, Role.MENTOR))
        else:
            suffix = "trial/leave" if way == "trial" else "dissolution"
            assert (await engagement.mentee(world).post(f"/v1/pairs/{world.pair}/{suffix}", {})).status_code == 201
        assert await engagement.outbox(world.pair) == [("PairDissolved", 1)]
        await engagement.handle(on_pair_reinstated, pair_reinstated(world, START))
        pair = (await engagement.mentor(world).get(f"/v1/pairs/{world.pair}")).json()
        assert (pair["state"], pair["ending"]) == ("dissolved", "trial")
