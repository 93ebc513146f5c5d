"""Who sees what: row-level security below, people and roles above it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from chassis.http import role_matrix
from contracts.identifiers import uuid7
from matching.adapters.tables import metadata
from matching.entrypoints.governance_schedule import compute_packs

from ..asking import fill_mode_tables
from ..events import Somebody, World, world
from ..running import Matching
from ..standing import fill_guard_tables

pytestmark = pytest.mark.integration

NEVER_READ = {"known_audit_groups", "governance_cells"}
"""Who declared what for audits, and who stood in which cell of a pack: nothing for the api role at all."""
TABLES = sorted(set(metadata.tables) - NEVER_READ)
OF_PEOPLE = {"known_people", "guard_changes", "guard_change_sets"}
OF_ONE_UNIT = {
    "known_programs", "run_records", "conflicts", "waivers", "guard_applications", "quotas", "pair_reviews", "what_ifs",
    "governance_packs",
}  # fmt: skip


@pytest.fixture(scope="module")
async def shared(matching: Matching) -> tuple[World, dict[str, Any]]:
    """A cohort with a mentee of the guest unit, its proposal released, a mentor too senior for anybody, and a row in every
    table.
    """
    cohort = world(1, 0)
    cohort.mentee(unit=cohort.guest_unit)
    cohort.mentor(rank=9)
    await matching.hear(*cohort.events)
    (pair,) = await matching.released(cohort)
    assert await compute_packs(matching.worker)
    await matching.hear(cohort.dissolved({**pair, "pair_id": str(uuid7())}))
    await fill_guard_tables(matching, cohort)
    await fill_mode_tables(matching, cohort, pair)
    return cohort, pair


@pytest.mark.requirement("I7", "S2")
@pytest.mark.parametrize("table", TABLES)
async def test_a_unit_sees_its_own_rows_and_nobody_elses(
    matching: Matching, shared: tuple[World, dict[str, Any]], table: str
) -> None:
    cohort, _ = shared
    assert await matching.visible(table, cohort.unit) > 0
    assert await matching.visible(table, uuid4()) == 0
    assert await matching.visible(table, None) == 0
    guest_rows = await matching.visible(table, cohort.guest_unit)
    if table in OF_PEOPLE:
        assert guest_rows == 1  # the guest unit's own mentee, not the host's mentor
    elif table != "known_pairs":  # that pair is named for the host only
        assert (guest_rows > 0) is (table not in OF_ONE_UNIT)


@pytest.mark.requirement("S2", "N7", "R3-17")
@pytest.mark.parametrize("table", sorted(NEVER_READ))
async def test_the_api_role_cannot_even_ask_who_declared_what(
    matching: Matching, shared: tuple[World, dict[str, Any]], table: str
) -> None:
    cohort, _ = shared
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await matching.visible(table, cohort.unit)


@pytest.mark.requirement("S2")
async def test_the_api_role_can_neither_write_anothers_row_nor_a_projection(
    matching: Matching, shared: tuple[World, dict[str, Any]]
) -> None:
    cohort, _ = shared
    async with matching.api.database.write(business_unit_id=uuid4()) as session:
        driver = await session.driver()
        assert await driver.execute("UPDATE pairs SET version = 99") == "UPDATE 0"
        assert await driver.execute("DELETE FROM runs") == "DELETE 0"
    async with matching.api.database.write(business_unit_id=cohort.unit) as session:
        driver = await session.driver()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await driver.execute("UPDATE known_people SET manager_id = NULL")


@pytest.mark.requirement("I7", "R3-20")
async def test_what_is_not_visible_looks_like_nothing(matching: Matching, shared: tuple[World, dict[str, Any]]) -> None:
    cohort, pair = shared
    nothing = await matching.manager(cohort).get(f"/v1/runs/{uuid4()}")
    strangers = {
        "another unit's manager": matching.person(uuid4(), uuid4(), "program_manager"),
        "the guest unit's manager": matching.person(uuid4(), cohort.guest_unit, "program_manager"),
        "a facilitator the program does not name": matching.person(uuid4(), cohort.unit, "facilitator"),
    }
    for who, stranger in strangers.items():
        for path in (
            f"/v1/runs/{pair['run_id']}",
            f"/v1/runs/{pair['run_id']}/proposals",
            f"/v1/pairs/{pair['pair_id']}",
            f"/v1/cohorts/{cohort.cohort}/runs",
        ):
            answer = await stranger.get(path)
            assert answer.status_code == 404, (who, path)
            if path == f"/v1/runs/{pair['run_id']}":
                assert answer.content == nothing.content
        assert (await stranger.get("/v1/pairs")).json()["items"] == []
        if "facilitator" not in who:
            assert (await stranger.post(f"/v1/cohorts/{cohort.cohort}/runs")).status_code == 404
            assert (await stranger.post(f"/v1/runs/{pair['run_id']}/release")).status_code == 404


@pytest.mark.requirement("R3-20")
async def test_a_facilitator_sees_the_programs_that_name_them(
    matching: Matching, shared: tuple[World, dict[str, Any]]
) -> None:
    cohort, pair = shared
    facilitator = matching.person(cohort.facilitator, cohort.unit, "facilitator")
    assert (await facilitator.get(f"/v1/runs/{pair['run_id']}")).status_code == 200
    assert [item["pair_id"] for item in (await facilitator.get("/v1/pairs")).json()["items"]] == [pair["pair_id"]]
    assert (await facilitator.post(f"/v1/runs/{pair['run_id']}/release")).status_code == 403


async def test_a_participant_sees_their_own_proposals_and_nothing_of_the_partner(
    matching: Matching, shared: tuple[World, dict[str, Any]]
) -> None:
    cohort, pair = shared
    mentor, mentee = matching.participant(cohort.mentors[0]), matching.participant(cohort.mentees[0])
    stranger = matching.participant(Somebody(uuid4(), uuid4(), cohort.unit, cohort.mentors[0].role))
    path = f"/v1/proposals/{pair['pair_id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.post(f"{path}/acceptance")).status_code == 404
    assert (await stranger.post(f"{path}/decline")).status_code == 404
    seen = (await mentor.get(path)).json()
    assert set(seen) == {
        "pair_id", "cohort_id", "program_id", "role", "partner_id", "state", "own_answer", "topics", "words",
        "released_at", "expires_at", "formed_at", "version",
    }  # fmt: skip
    assert (await mentor.post(f"{path}/acceptance")).status_code == 200
    assert (await mentee.get(path)).json() == {**seen, "role": "mentee", "partner_id": str(cohort.mentors[0].person)}
    for forbidden in (f"/v1/runs/{pair['run_id']}", f"/v1/pairs/{pair['pair_id']}", "/v1/pairs"):
        assert (await mentor.get(forbidden)).status_code == 403


@pytest.mark.requirement("R3-20")
async def test_the_role_matrix(matching: Matching) -> None:
    runs_it, looks_on, takes_part = {"program_manager"}, {"program_manager", "facilitator"}, {"participant"}
    found = {(line.method, line.path): set(line.access.roles) for line in role_matrix(matching.app)}
    assert found == {
        ("POST", "/v1/cohorts/{cohort_id}/runs"): runs_it,
        ("POST", "/v1/runs/{run_id}/release"): runs_it,
        ("GET", "/v1/cohorts/{cohort_id}/runs"): looks_on,
        ("GET", "/v1/runs/{run_id}"): looks_on,
        ("GET", "/v1/runs/{run_id}/proposals"): looks_on,
        ("GET", "/v1/runs/{run_id}/unmatched"): looks_on,
        ("GET", "/v1/unmatched"): takes_part,
        ("POST", "/v1/runs/{run_id}/cancel"): runs_it,
        ("POST", "/v1/runs/{run_id}/approval"): runs_it,
        ("GET", "/v1/runs/{run_id}/replay"): runs_it,
        ("GET", "/v1/runs/{run_id}/why-not"): runs_it,
        ("GET", "/v1/runs/{run_id}/governance-pack"): runs_it,
        ("GET", "/v1/runs/{run_id}/governance-pack.html"): runs_it,
        ("GET", "/v1/runs/{run_id}/governance-pack.csv"): runs_it,
        ("GET", "/v1/runs/{run_id}/comparison"): runs_it,
        ("GET", "/v1/runs/{run_id}/unmatched/{participation_id}/relaxations"): runs_it,
        ("GET", "/v1/runs/{run_id}/own-relaxations"): takes_part,
        ("GET", "/v1/runs/{run_id}/what-would-change"): runs_it,
        ("GET", "/v1/proposals/{pair_id}/what-would-change"): takes_part,
        ("GET", "/v1/pairs"): looks_on,
        ("GET", "/v1/pairs/{pair_id}"): looks_on,
        ("GET", "/v1/proposals"): takes_part,
        ("GET", "/v1/proposals/{pair_id}"): takes_part,
        ("POST", "/v1/proposals/{pair_id}/acceptance"): takes_part,
        ("POST", "/v1/proposals/{pair_id}/decline"): takes_part,
        ("GET", "/v1/quarantine"): runs_it,
        ("POST", "/v1/pairs/{pair_id}/hand-over"): runs_it,
        ("GET", "/v1/notices"): runs_it,
        ("GET", "/v1/notices/mine"): takes_part,
        ("POST", "/v1/conflicts"): runs_it,
        ("GET", "/v1/conflicts"): runs_it,
        ("GET", "/v1/conflicts/{conflict_id}"): runs_it,
        ("DELETE", "/v1/conflicts/{conflict_id}"): runs_it,
        ("POST", "/v1/cohorts/{cohort_id}/waivers"): runs_it,
        ("GET", "/v1/cohorts/{cohort_id}/waivers"): runs_it,
        ("GET", "/v1/waivers/{waiver_id}"): runs_it,
        ("POST", "/v1/waivers/{waiver_id}/approval"): runs_it,
        ("POST", "/v1/waivers/{waiver_id}/withdrawal"): runs_it,
        ("POST", "/v1/participations/{participation_id}/searches"): takes_part,
        ("GET", "/v1/searches/{search_id}"): takes_part,
        ("GET", "/v1/searches/{search_id}/people"): takes_part,
        ("POST", "/v1/requests"): takes_part,
        ("GET", "/v1/requests"): takes_part,
        ("GET", "/v1/requests/{request_id}"): takes_part,
        ("POST", "/v1/requests/{request_id}/acceptance"): takes_part,
        ("POST", "/v1/requests/{request_id}/decline"): takes_part,
        ("POST", "/v1/requests/{request_id}/withdrawal"): takes_part,
        ("GET", "/v1/cohorts/{cohort_id}/requests"): runs_it,
        ("PUT", "/v1/participations/{participation_id}/preferences"): takes_part,
        ("GET", "/v1/participations/{participation_id}/preferences"): takes_part,
        ("PUT", "/v1/cohorts/{cohort_id}/quotas"): runs_it,
        ("GET", "/v1/cohorts/{cohort_id}/quotas"): runs_it,
        ("POST", "/v1/runs/{run_id}/proposals/{pair_id}/lock"): runs_it,
        ("POST", "/v1/runs/{run_id}/proposals/{pair_id}/rejection"): runs_it,
        ("POST", "/v1/runs/{run_id}/proposals/{pair_id}/reopening"): runs_it,
        ("GET", "/v1/cohorts/{cohort_id}/reviews"): runs_it,
        ("POST", "/v1/runs/{run_id}/what-ifs"): runs_it,
        ("GET", "/v1/runs/{run_id}/what-ifs"): runs_it,
        ("GET", "/v1/what-ifs/{what_if_id}"): runs_it,
    }


async def test_the_api_describes_itself_with_examples(matching: Matching) -> None:
    document = matching.app.openapi()
    bodies = document["components"]["schemas"]
    assert all(bodies[name].get("examples") for name in ("RunBody", "RunWithProposalsBody", "PairBody", "ProposalBody"))
