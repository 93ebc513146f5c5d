"""The scheduled jobs upon a real database, the rules' clock moved by the test."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from contracts.enrollment import Formality
from contracts.fields import Role
from engagement.application.complete_pairs import complete_pairs
from engagement.application.detect_missed_meetings import detect_missed_meetings
from engagement.application.detect_silent_pairs import detect_silent_pairs
from engagement.application.on_participant_withdrawn import on_participant_withdrawn
from engagement.entrypoints.schedule import SCHEDULE

from ..events import World, withdrawal
from ..examples import START
from ..running import Engagement

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(engagement: Engagement) -> None:
    engagement.clock.move(START - engagement.clock.now())


async def _log(engagement: Engagement, world: World) -> None:
    meeting = {"held_at": engagement.clock.now().isoformat(), "minutes": 40, "channel": "video"}
    logged = await engagement.mentor(world).post(f"/v1/pairs/{world.pair}/meetings/log", meeting)
    assert logged.status_code == 201, logged.text


async def test_every_job_is_scheduled() -> None:
    assert {entry.name for entry in SCHEDULE} == {
        "detect_missed_meetings",
        "detect_silent_pairs",
        "end_trials",
        "remind_of_trials",
        "complete_pairs",
    }


async def test_a_silent_pair_stalls_and_is_rescued_by_a_meeting(engagement: Engagement) -> None:
    world = await engagement.active_standard(World())
    path = f"/v1/pairs/{world.pair}"
    seen = []
    for days in (20, 1, 7, 13):
        engagement.clock.move(days * DAY)
        await engagement.run(detect_silent_pairs)
        seen.append((await engagement.manager(world).get(path)).json()["health"])
    assert seen == ["on_track", "due", "overdue", "overdue"]
    engagement.clock.move(DAY)
    await engagement.run(detect_silent_pairs)
    await engagement.run(detect_silent_pairs)
    stalled = (await engagement.manager(world).get(path)).json()
    assert (stalled["state"], stalled["health"], stalled["stalls"]) == ("active", "stalled", 1)
    engagement.clock.move(DAY)
    await _log(engagement, world)
    rescued = (await engagement.manager(world).get(path)).json()
    assert (rescued["health"], rescued["stalled_at"]) == ("on_track", None)
    # 43 days called for two meetings, one of which was held
    assert rescued["regularity"] == {"due": 2, "kept": 1, "ratio": 0.5}
    assert (await engagement.outbox(world.pair))[2:] == [("PairActivated", 3), ("PairStalled", 4), ("PairActivated", 5)]


@pytest.mark.requirement("R2-22")
async def test_a_light_pair_is_only_ever_silent(engagement: Engagement) -> None:
    world = await engagement.active(World())
    path = f"/v1/pairs/{world.pair}"
    engagement.clock.move(20 * DAY)
    pair = (await engagement.mentor(world).get(path)).json()
    assert (pair["health"], pair["due_at"], pair["regularity"]) == ("on_track", None, None)
    engagement.clock.move(DAY)
    await engagement.run(detect_silent_pairs)
    assert (await engagement.mentor(world).get(path)).json()["health"] == "stalled"


async def test_a_meeting_nobody_accounted_for_is_missed_and_may_still_be_logged(engagement: Engagement) -> None:
    world = await engagement.active(World())
    at = START + 5 * DAY
    scheduled = await engagement.mentor(world).post(
        f"/v1/pairs/{world.pair}/meetings", {"scheduled_for": at.isoformat()}
    )
    meeting = f"/v1/meetings/{scheduled.json()['meeting_id']}"
    engagement.clock.move(7 * DAY - timedelta(seconds=1))
    await engagement.run(detect_missed_meetings)
    assert (await engagement.mentor(world).get(meeting)).json()["state"] == "scheduled"
    engagement.clock.move(timedelta(seconds=1))
    await engagement.run(detect_missed_meetings)
    assert (await engagement.mentor(world).get(meeting)).json()["state"] == "missed"
    held = {"held_at": at.isoformat(), "minutes": 60, "channel": "video"}
    assert (await engagement.mentee(world).post(f"{meeting}/log", held)).json()["state"] == "held"
    assert await engagement.outbox(scheduled.json()["meeting_id"]) == [
        ("MeetingScheduled", 1),
        ("MeetingMissed", 2),
        ("MeetingLogged", 3),
    ]


@pytest.mark.requirement("R3-32", "R3-33")
async def test_a_year_of_meetings_in_rhythm_ends_completed(engagement: Engagement) -> None:
    world = await engagement.active_standard(World())
    for _ in range(17):
        engagement.clock.move(21 * DAY)
        await engagement.run(detect_silent_pairs)
        await engagement.run(complete_pairs)
        await _log(engagement, world)
    pair = (await engagement.mentor(world).get(f"/v1/pairs/{world.pair}")).json()
    assert (pair["state"], pair["meetings_held"], pair["stalls"], pair["ends_on"]) == ("active", 17, 0, "2028-01-04")
    assert pair["regularity"] == {"due": 17, "kept": 17, "ratio": 1.0}
    engagement.clock.move(8 * DAY)
    await engagement.run(complete_pairs)
    pair = (await engagement.mentor(world).get(f"/v1/pairs/{world.pair}")).json()
    assert (pair["state"], pair["health"]) == ("completed", "ended")
    assert (await engagement.outbox(world.pair))[-1][0] == "PairCompleted"


async def test_a_pair_that_never_began_ends_with_its_time(engagement: Engagement) -> None:
    world = await engagement.formed(World(), duration_months=1)
    engagement.clock.move(31 * DAY)
    await engagement.run(complete_pairs)
    assert await engagement.outbox(world.pair) == [("PairDissolved", 1)]


async def test_a_withdrawal_ends_the_pair(engagement: Engagement) -> None:
    world = await engagement.active(World())
    withdrawn = withdrawal(world, Role.MENTEE, sequence=4)
    await engagement.handle(on_participant_withdrawn, withdrawn)
    assert (await engagement.outbox(world.pair))[-1] == ("PairDissolved", 4)


@pytest.mark.requirement("RX-01")
async def test_the_dial_of_the_program_decides_gate_and_cadence(engagement: Engagement) -> None:
    structured = await engagement.formed(World(unit=uuid4()), formality=Formality.STRUCTURED)
    agreement = (await engagement.mentor(structured).get(f"/v1/pairs/{structured.pair}/agreement")).json()
    assert {"place", "boundaries"} <= set(agreement["required_fields"])
    pair = (await engagement.mentor(structured).get(f"/v1/pairs/{structured.pair}")).json()
    assert pair["mentor"]["outstanding_modules"] == ["feedback_upward", "mentor_onboarding"]
    light = await engagement.formed(
        World(unit=uuid4()), formality=Formality.LIGHT, cadence_days=None, training_required=False
    )
    agreement = (await engagement.mentor(light).get(f"/v1/pairs/{light.pair}/agreement")).json()
    assert (agreement["required_fields"], agreement["cadence_days"]) == ([], None)
    assert agreement["clauses"][0]["code"] == "confidentiality"
