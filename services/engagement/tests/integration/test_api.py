"""The HTTP API upon a real database: from a formed pair to its end."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from ..events import World
from ..examples import START
from ..running import FILLED, Engagement

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
MEETING = {"held_at": (START + DAY).isoformat(), "minutes": 50, "channel": "video"}


@pytest.fixture(autouse=True)
def _clock(engagement: Engagement) -> None:
    engagement.clock.move(START - engagement.clock.now())


@pytest.mark.requirement("R0-24", "R0-26", "R3-24")
async def test_a_pair_signs_trains_and_begins(engagement: Engagement) -> None:
    world = await engagement.formed(World())
    mentor, mentee = engagement.mentor(world), engagement.mentee(world)
    path = f"/v1/pairs/{world.pair}"

    draft = (await mentor.get(f"{path}/agreement")).json()
    assert draft["missing_fields"] == ["medium", "number_one_outcome"]
    assert draft["clauses"][0]["code"] == "confidentiality"
    assert (draft["language"], draft["goal_topics"], draft["cadence_days"]) == ("de", ["technology.ai"], 21)

    refused = await mentor.post(f"{path}/agreement/signatures", {"agreement_version": 1})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "/medium")
    signed = await mentor.post(f"{path}/agreement/signatures", {"agreement_version": 1, **FILLED})
    assert (signed.status_code, signed.json()["agreement_version"]) == (201, 2)
    other_version = await mentee.post(f"{path}/agreement/signatures", {"agreement_version": 1})
    assert other_version.status_code == 409
    signed = await mentee.post(f"{path}/agreement/signatures", {"agreement_version": 2})
    assert (signed.status_code, signed.json()["agreement_in_force"]) == (201, 2)

    too_early = await mentor.post(f"{path}/meetings/log", MEETING)
    assert too_early.status_code == 409
    await mentor.post(f"{path}/trainings", {"module": "mentor_onboarding"})
    waiting = (await engagement.manager(world).get(path)).json()
    assert (waiting["state"], waiting["health"]) == ("formed", "not_started")
    assert waiting["mentee"]["outstanding_modules"] == ["mentee_onboarding"]
    begun = (await mentee.post(f"{path}/trainings", {"module": "mentee_onboarding"})).json()
    assert (begun["state"], begun["health"], begun["expected_meetings"]) == ("active", "on_track", 17)
    assert await engagement.outbox(world.pair) == [("AgreementSigned", 1), ("AgreementSigned", 2), ("PairActivated", 3)]


async def test_the_same_key_twice_is_one_meeting(engagement: Engagement) -> None:
    world = await engagement.active(World())
    engagement.clock.move(DAY)
    mentee, path = engagement.mentee(world), f"/v1/pairs/{world.pair}/meetings"
    first = await mentee.post(f"{path}/log", MEETING, key="once")
    again = await mentee.post(f"{path}/log", MEETING, key="once")
    assert (first.status_code, again.status_code, first.content) == (201, 201, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await mentee.post(f"{path}/log", {**MEETING, "minutes": 20}, key="once")
    assert other.status_code == 422
    under_another_key = await mentee.post(f"{path}/log", MEETING)
    assert (under_another_key.status_code, under_another_key.json()["errors"][0]["field"]) == (409, "/held_at")

    listed = (await mentee.get(path)).json()["items"]
    assert [meeting["meeting_id"] for meeting in listed] == [first.json()["meeting_id"]]
    assert await engagement.outbox(listed[0]["meeting_id"]) == [("MeetingLogged", 1)]
    assert (await mentee.get(f"/v1/pairs/{world.pair}")).json()["meetings_held"] == 1


async def test_a_post_needs_its_key(engagement: Engagement) -> None:
    world = await engagement.active(World())
    person = engagement.mentor(world)
    answer = await person.client.post(
        f"/v1/pairs/{world.pair}/dissolution", json={}, headers={"authorization": f"Bearer {person.bearer}"}
    )
    assert answer.status_code == 400


async def test_meetings_are_scheduled_held_and_cancelled(engagement: Engagement) -> None:
    world = await engagement.active_standard(World())
    mentor, mentee = engagement.mentor(world), engagement.mentee(world)
    path = f"/v1/pairs/{world.pair}/meetings"
    at = (START + 3 * DAY).isoformat()
    first = (await mentor.post(path, {"scheduled_for": at})).json()
    assert (first["state"], first["channel"], first["version"]) == ("scheduled", "video", 1)
    assert (await mentee.post(path, {"scheduled_for": at})).status_code == 409
    second = (await mentee.post(path, {"scheduled_for": (START + 9 * DAY).isoformat()})).json()
    cancelled = (await mentee.post(f"/v1/meetings/{second['meeting_id']}/cancellation", {})).json()
    assert (cancelled["state"], cancelled["cancelled_by"], cancelled["version"]) == ("cancelled", "mentee", 2)
    engagement.clock.move(4 * DAY)
    log = {"held_at": at, "minutes": 45, "channel": "in_person"}
    held = await mentee.post(f"/v1/meetings/{first['meeting_id']}/log", log)
    assert (held.status_code, held.json()["state"], held.headers["etag"]) == (201, "held", '"2"')
    assert (await mentor.post(f"/v1/meetings/{first['meeting_id']}/log", log)).status_code == 409
    assert await engagement.outbox(first["meeting_id"]) == [("MeetingScheduled", 1), ("MeetingLogged", 2)]
    assert await engagement.outbox(second["meeting_id"]) == [("MeetingScheduled", 1), ("MeetingCancelled", 2)]
    page = (await mentor.get(f"{path}?limit=1")).json()
    rest = (await mentor.get(f"{path}?limit=1&cursor={page['next']}")).json()
    assert [page["items"][0]["meeting_id"], rest["items"][0]["meeting_id"]] == [
        first["meeting_id"],
        second["meeting_id"],
    ]
    assert rest["next"] is None


@pytest.mark.requirement("R0-26")
async def test_an_agreement_changes_only_upon_the_version_that_was_read(engagement: Engagement) -> None:
    world = await engagement.active_standard(World())
    mentor, mentee = engagement.mentor(world), engagement.mentee(world)
    path = f"/v1/pairs/{world.pair}/agreement"
    read = await mentor.get(path)
    etag = read.headers["etag"]
    assert (await mentor.get(path, **{"if-none-match": etag})).status_code == 304
    assert (await mentor.patch(path, {"cadence_days": 28})).status_code == 428
    assert (await mentor.patch(path, {"cadence_days": 28}, if_match='"1"')).status_code == 412
    assert (await mentor.patch(path, {"cadence_days": 43}, if_match=etag)).status_code == 422
    changed = await mentor.patch(path, {"cadence_days": 28, "duration_months": 18}, if_match=etag)
    assert (changed.status_code, changed.json()["agreement_version"]) == (200, 3)
    assert changed.json()["agreement_in_force"] == 2
    pair = (await mentee.get(f"/v1/pairs/{world.pair}")).json()
    assert (pair["cadence_days"], pair["mentor"]["has_signed"], pair["mentee"]["has_signed"]) == (21, True, False)
    await mentee.post(f"{path}/signatures", {"agreement_version": 3})
    pair = (await mentee.get(f"/v1/pairs/{world.pair}")).json()
    assert (pair["cadence_days"], pair["agreement_in_force"], pair["ends_on"]) == (28, 3, "2028-07-04")
    assert pair["state"] == "active"


async def test_either_side_leaves_without_a_reason(engagement: Engagement) -> None:
    for leaver in ("mentor", "mentee", "manager"):
        world = await engagement.active(World())
        person = getattr(engagement, leaver)(world)
        path = f"/v1/pairs/{world.pair}/dissolution"
        assert (await person.post(path, {"reason": "I would rather not"})).status_code == 422
        ended = await person.post(path, {})
        assert (ended.status_code, ended.json()["state"], ended.json()["health"]) == (201, "dissolved", "ended")
        assert (await person.post(path, {})).status_code == 409
        assert (await engagement.outbox(world.pair))[-1] == ("PairDissolved", 4)


async def test_input_that_breaks_a_rule_is_named(engagement: Engagement) -> None:
    world = await engagement.active(World())
    mentor, path = engagement.mentor(world), f"/v1/pairs/{world.pair}/meetings"
    for body, field in (
        ({**MEETING, "held_at": (START + 5 * DAY).isoformat()}, "/held_at"),
        ({**MEETING, "held_at": (START - DAY).isoformat()}, "/held_at"),
        ({**MEETING, "held_at": "2027-01-04T09:00:00"}, "/held_at"),
        ({**MEETING, "minutes": 0}, "/minutes"),
        ({**MEETING, "channel": "carrier_pigeon"}, "/channel"),
        ({**MEETING, "business_unit_id": str(uuid4())}, "/business_unit_id"),
    ):
        answer = await mentor.post(f"{path}/log", body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    early = await mentor.post(path, {"scheduled_for": START.isoformat()})
    assert (early.status_code, early.json()["errors"][0]["field"]) == (422, "/scheduled_for")


async def test_lists_are_narrowed_and_paged(engagement: Engagement) -> None:
    unit = uuid4()
    worlds = [await engagement.formed(World(unit=unit)) for _ in range(3)]
    manager = engagement.manager(worlds[0])
    ids = sorted(str(world.pair) for world in worlds)
    first = (await manager.get("/v1/pairs?limit=2")).json()
    rest = (await manager.get(f"/v1/pairs?limit=2&cursor={first['next']}")).json()
    assert [item["pair_id"] for item in first["items"] + rest["items"]] == ids
    one = (await manager.get(f"/v1/pairs?cohort_id={worlds[1].cohort}&state=formed")).json()["items"]
    assert [item["pair_id"] for item in one] == [str(worlds[1].pair)]
    assert (await manager.get("/v1/pairs?state=active")).json()["items"] == []
    own = (await engagement.mentor(worlds[2]).get("/v1/pairs")).json()["items"]
    assert [item["pair_id"] for item in own] == [str(worlds[2].pair)]
