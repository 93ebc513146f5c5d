"""Who sees what: row-level security below, people and roles above it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis.http import role_matrix
from engagement.adapters.tables import metadata

from ..events import World
from ..running import FILLED, Engagement

pytestmark = pytest.mark.integration

TENANT_TABLES = sorted(metadata.tables)
SHARED_TABLES = sorted(set(TENANT_TABLES) - {"known_programs"})


@pytest.fixture(scope="module")
async def shared(engagement: Engagement) -> World:
    """A pair of two units, the mentee in the guest unit, with rows in every table."""
    world = await engagement.active(World(guest_unit=uuid4()))
    logged = await engagement.mentee(world).post(
        f"/v1/pairs/{world.pair}/meetings/log",
        {"held_at": engagement.clock.now().isoformat(), "minutes": 30, "channel": "phone"},
    )
    assert logged.status_code == 201, logged.text
    return world


@pytest.mark.requirement("I7", "S2")
@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_unit_sees_its_own_rows_and_nobody_elses(engagement: Engagement, shared: World, table: str) -> None:
    assert await engagement.visible(table, shared.unit) > 0
    assert await engagement.visible(table, uuid4()) == 0
    assert await engagement.visible(table, None) == 0
    assert (await engagement.visible(table, shared.guest_unit) > 0) is (table in SHARED_TABLES)


@pytest.mark.requirement("S2")
async def test_the_api_role_can_neither_write_anothers_row_nor_a_projection(
    engagement: Engagement, shared: World
) -> None:
    async with engagement.api.database.write(business_unit_id=uuid4()) as session:
        driver = await session.driver()
        assert await driver.execute("UPDATE pairs SET version = 99") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await driver.execute(
                "INSERT INTO meetings (meeting_id, pair_id, business_unit_id, named_unit_ids, program_id, cohort_id,"
                " state, version) VALUES ($1, $1, $2, ARRAY[$2::uuid], $1, $1, 'held', 1)",
                uuid4(),
                shared.unit,
            )
    async with engagement.api.database.write(business_unit_id=shared.unit) as session:
        driver = await session.driver()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await driver.execute("UPDATE known_programs SET sequence = 99")


@pytest.mark.requirement("S1", "I7")
async def test_anothers_pair_is_like_one_that_does_not_exist(engagement: Engagement, shared: World) -> None:
    meeting = (await engagement.mentor(shared).get(f"/v1/pairs/{shared.pair}/meetings")).json()["items"][0]
    other_unit = uuid4()
    strangers = {
        "of another unit": engagement.person(uuid4(), other_unit),
        "manager of another unit": engagement.person(uuid4(), other_unit, "program_manager"),
        "of the same unit": engagement.person(uuid4(), shared.unit),
        "a mentor's id in another unit": engagement.person(shared.mentor, other_unit),
    }
    for stranger in strangers.values():
        listed = [(await stranger.get(f"/v1/pairs?cohort_id={which}")).content for which in (shared.cohort, uuid4())]
        assert listed[0] == listed[1]
        for there, nowhere in ((shared.pair, uuid4()), (UUID(meeting["meeting_id"]), uuid4())):
            kind = "pairs" if there == shared.pair else "meetings"
            answers = []
            for which in (there, nowhere):
                answers.append([await call(stranger, kind, which) for call in _CALLS[kind]])
            for one, other in zip(*answers, strict=True):
                assert one.status_code == other.status_code, one.text
                if one.status_code != 403:
                    assert (one.status_code, one.content) == (404, other.content)


async def _get(person: Any, kind: str, which: UUID) -> Any:
    return await person.get(f"/v1/{kind}/{which}")


async def _get_meetings(person: Any, kind: str, which: UUID) -> Any:
    return await person.get(f"/v1/{kind}/{which}/meetings")


async def _get_agreement(person: Any, kind: str, which: UUID) -> Any:
    return await person.get(f"/v1/{kind}/{which}/agreement")


async def _sign(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/agreement/signatures", {"agreement_version": 1})


async def _revise(person: Any, kind: str, which: UUID) -> Any:
    return await person.patch(f"/v1/{kind}/{which}/agreement", {"place": "Here"}, if_match='"3"')


async def _train(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/trainings", {"module": "mentor_onboarding"})


async def _dissolve(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/dissolution", {})


async def _confirm(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/trial/confirm", {})


async def _leave(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/trial/leave", {})


async def _schedule(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/meetings", {"scheduled_for": "2027-03-01T09:00:00Z"})


async def _log(person: Any, kind: str, which: UUID) -> Any:
    path = f"/v1/{kind}/{which}" + ("/meetings/log" if kind == "pairs" else "/log")
    return await person.post(path, {"held_at": "2027-01-05T09:00:00Z", "minutes": 30, "channel": "phone"})


async def _cancel(person: Any, kind: str, which: UUID) -> Any:
    return await person.post(f"/v1/{kind}/{which}/cancellation", {})


_CALLS: dict[str, tuple[Any, ...]] = {
    "pairs": (
        _get,
        _get_meetings,
        _get_agreement,
        _sign,
        _revise,
        _train,
        _dissolve,
        _confirm,
        _leave,
        _schedule,
        _log,
    ),
    "meetings": (_get, _log, _cancel),
}


async def test_the_named_unit_takes_part(engagement: Engagement, shared: World) -> None:
    assert (await engagement.mentee(shared).get(f"/v1/pairs/{shared.pair}")).status_code == 200
    guest_manager = engagement.person(uuid4(), shared.guest_unit, "program_manager")
    seen = (await guest_manager.get("/v1/pairs")).json()["items"]
    assert [pair["pair_id"] for pair in seen] == [str(shared.pair)]


async def test_what_the_two_agreed_on_is_for_the_two_alone(engagement: Engagement) -> None:
    world = await engagement.formed(World())
    path = f"/v1/pairs/{world.pair}"
    signed = await engagement.mentor(world).post(f"{path}/agreement/signatures", {"agreement_version": 1, **FILLED})
    assert signed.status_code == 201
    assert (await engagement.mentee(world).get(f"{path}/agreement")).json()["number_one_outcome"] == FILLED[
        "number_one_outcome"
    ]
    manager = engagement.manager(world)
    assert (await manager.get(f"{path}/agreement")).status_code == 403
    both = engagement.person(uuid4(), world.unit, "program_manager", "participant")
    assert (await both.get(f"{path}/agreement")).status_code == 404
    seen = await manager.get(path)
    assert seen.status_code == 200
    assert FILLED["number_one_outcome"] not in seen.text
    async with engagement.worker.database.read() as session:
        driver = await session.driver()
        values = await driver.fetch("SELECT value, headers FROM outbox WHERE key = $1", str(world.pair).encode())
    assert values
    assert not any(b"assistant" in row["value"] or b"assistant" in row["headers"] for row in values)


@pytest.mark.requirement("R3-20")
async def test_a_facilitator_sees_the_programs_that_name_them_and_acts_in_none(engagement: Engagement) -> None:
    world = await engagement.active(World())
    granted = engagement.person(world.facilitator, world.unit, "facilitator")
    other = engagement.person(uuid4(), world.unit, "facilitator")
    path = f"/v1/pairs/{world.pair}"
    assert (await granted.get(path)).status_code == 200
    assert (await granted.get(f"{path}/meetings")).status_code == 200
    assert [pair["pair_id"] for pair in (await granted.get("/v1/pairs")).json()["items"]] == [str(world.pair)]
    assert (await other.get(path)).status_code == 404
    assert (await other.get("/v1/pairs")).json()["items"] == []
    assert (await granted.post(f"{path}/dissolution", {})).status_code == 403
    assert (await granted.get(f"{path}/agreement")).status_code == 403


EXPECTED_ROLES = {
    "list_pairs": {"participant", "program_manager", "facilitator"},
    "get_pair": {"participant", "program_manager", "facilitator"},
    "record_training_route": {"participant"},
    "dissolve_pair_route": {"participant", "program_manager"},
    "confirm_trial_route": {"participant"},
    "leave_trial_route": {"participant"},
    "get_agreement": {"participant"},
    "sign_agreement_route": {"participant"},
    "revise_agreement_route": {"participant"},
    "list_meetings": {"participant", "program_manager", "facilitator"},
    "schedule_meeting_route": {"participant", "program_manager"},
    "log_meeting_route": {"participant", "program_manager"},
    "get_meeting": {"participant", "program_manager", "facilitator"},
    "log_scheduled_meeting_route": {"participant", "program_manager"},
    "cancel_meeting_route": {"participant", "program_manager"},
}


@pytest.mark.requirement("S8")
async def test_the_role_matrix(engagement: Engagement) -> None:
    assert {line.name: set(line.access.roles) for line in role_matrix(engagement.app)} == EXPECTED_ROLES
