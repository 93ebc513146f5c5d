"""Packs upon a real database: from consents to the page, and what a withdrawal leaves."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from matching.bootstrap import audit_key_of, settings_of
from matching.entrypoints.governance_schedule import compute_packs

from ..events import Somebody, World, world
from ..running import Matching
from ..unit.audited_worlds import some

pytestmark = pytest.mark.integration


def key_of(matching: Matching) -> bytes:
    return audit_key_of(settings_of(matching.worker))


async def audited(matching: Matching, mentors: int = 14, mentees: int = 12) -> World:
    """A cohort in which everybody but one mentor of each group has declared a gender."""
    cohort = world(mentors, mentees)
    for people in (cohort.mentors, cohort.mentees):
        for number, who in enumerate(people):
            cohort.consents(who, key_of(matching), gender="woman" if number % 2 else "man")
    await matching.hear(*cohort.events)
    return cohort


async def run_of(matching: Matching, cohort: World) -> str:
    """Match and release, and compute the pack; the run."""
    pairs = await matching.released(cohort)
    assert await compute_packs(matching.worker)
    run_id: str = pairs[0]["run_id"]
    return run_id


def gender(pack: Any, role: str) -> Any:
    return some(some(pack["sides"], role=role)["dimensions"], dimension="gender")


@pytest.mark.requirement("N15", "N7", "R3-17")
async def test_a_released_run_has_a_pack_as_data_as_a_page_and_as_a_table(matching: Matching) -> None:
    cohort = await audited(matching)
    manager = matching.manager(cohort)
    run = await matching.matched(cohort)
    path = f"/v1/runs/{run['run_id']}/governance-pack"
    early = await manager.get(path)
    assert (early.status_code, early.json()["detail"]) == (409, "The run is completed; only a released run has a pack.")
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200
    assert "being computed" in (await manager.get(path)).json()["detail"]
    assert await compute_packs(matching.worker)
    assert not await compute_packs(matching.worker)
    answer = await manager.get(path)
    pack = answer.json()
    assert {group["group"]: group["people"] for group in gender(pack, "mentor")["groups"]} == {"woman": 7, "man": 7}
    assert some(pack["sides"], role="mentor")["covered"] == 12
    assert pack["model_card"]["certificate_hash"] == run["certificate_hash"]
    assert pack["oversight"]["runs"] == {"released": 1}
    assert (await manager.get(path)).headers["etag"] == answer.headers["etag"]
    page = await manager.get(f"{path}.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Women" in page.text
    table = await manager.get(f"{path}.csv")
    assert table.text.splitlines()[1].startswith("mentor,age_band")
    for who in (*cohort.mentors, *cohort.mentees):
        assert str(who.participation) not in answer.text + page.text + table.text
        assert str(who.person) not in answer.text + page.text + table.text


@pytest.mark.requirement("S1", "S8", "N15")
async def test_only_program_managers_of_the_unit_see_a_pack(matching: Matching) -> None:
    cohort = await audited(matching)
    path = f"/v1/runs/{await run_of(matching, cohort)}/governance-pack"
    nothing = await matching.manager(cohort).get(f"/v1/runs/{uuid4()}/governance-pack")
    for ending in ("", ".html", ".csv"):
        for unit in (uuid4(), cohort.guest_unit):
            answer = await matching.person(uuid4(), unit, "program_manager").get(path + ending)
            assert (answer.status_code, answer.content) == (404, nothing.content)
        participant = await matching.participant(cohort.mentors[0]).get(path + ending)
        assert participant.status_code == 403
        assert (await matching.manager(cohort).get(path + ending)).status_code == 200


@pytest.mark.requirement("N7", "R3-17", "S16")
async def test_a_withdrawal_is_forgotten_and_no_later_pack_tells_whose_it_was(matching: Matching) -> None:
    cohort = await audited(matching)
    run_id = await run_of(matching, cohort)
    manager = matching.manager(cohort)
    before = (await manager.get(f"/v1/runs/{run_id}/governance-pack")).text
    gone: Somebody = cohort.mentors[0]
    held = "SELECT count(*) AS n FROM governance_cells WHERE $1 = ANY (members)"
    assert (await matching.sql(held, gone.participation))[0]["n"] == 1
    await matching.hear(cohort.consents(gone, key_of(matching), 2))
    assert (await matching.sql(held, gone.participation))[0]["n"] == 0
    (left,) = await matching.sql("SELECT codes FROM known_audit_groups WHERE participation_id = $1", gone.participation)
    assert left["codes"] in ("{}", {})
    assert (await manager.get(f"/v1/runs/{run_id}/governance-pack")).text == before
    # Everybody says no, so that the same people are matched once more, but for two of the mentors: others may come then.
    for pair in (await manager.get(f"/v1/runs/{run_id}/proposals?limit=200")).json()["items"]:
        who = next(one for one in cohort.mentors if str(one.person) == pair["mentor_id"])
        assert (await matching.participant(who).post(f"/v1/proposals/{pair['pair_id']}/decline")).status_code == 200
    again = await run_of(matching, cohort)
    pack = (await manager.get(f"/v1/runs/{again}/governance-pack")).json()
    assert gender(pack, "mentor")["withheld"] == "little_changed"
    assert gender(pack, "mentee")["withheld"] is None


@pytest.mark.requirement("N7", "S21")
async def test_erasing_people_removes_what_they_declared_and_their_ids_from_cells(matching: Matching) -> None:
    cohort = await audited(matching)
    await run_of(matching, cohort)
    who = cohort.mentees[3]
    async with matching.worker.committed() as uow:
        await uow.known_audit_groups.erase([who.person])
    codes = "SELECT FROM known_audit_groups WHERE participation_id = $1 AND codes <> '{}'"
    assert not await matching.sql(codes, who.participation)
    assert not await matching.sql("SELECT FROM governance_cells WHERE $1 = ANY (members)", who.participation)
    # How many stood in a cell stays: a later pack is compared with it.
    members = "SELECT sum(cardinality(members)) AS n FROM governance_cells WHERE cohort_id = $1"
    assert (await matching.sql(members, cohort.cohort))[0]["n"] == 26


@pytest.mark.requirement("N15")
async def test_oversight_counts_what_people_decided(matching: Matching) -> None:
    cohort = await audited(matching)
    run = await matching.matched(cohort)
    manager = matching.manager(cohort)
    first, second = run["proposals"]["items"][:2]
    proposals = f"/v1/runs/{run['run_id']}/proposals"
    assert (await manager.post(f"{proposals}/{first['pair_id']}/lock")).status_code == 200
    rejected = await manager.post(f"{proposals}/{second['pair_id']}/rejection", {"reason": "too_close"})
    assert rejected.status_code == 200, rejected.text
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200
    assert await compute_packs(matching.worker)
    oversight = (await manager.get(f"/v1/runs/{run['run_id']}/governance-pack")).json()["oversight"]
    assert oversight["reviews"] == {"locked": 1, "too_close": 1}
    assert (oversight["proposed"], oversight["released"]) == (12, 11)
    assert oversight["by"]["released"]
    assert oversight["by"]["approved"] is None
