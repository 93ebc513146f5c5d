"""The continuous guard upon a real database: events in, pairs paused and let go on, people told, managers deciding."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.metrics import REGISTRY
from contracts.enrollment import EmploymentState, PersonLeft
from contracts.envelope import Envelope
from contracts.fields import Role
from contracts.identifiers import uuid7
from matching.entrypoints.schedule import guard_pairs

from ..events import NOW, Somebody, World, world
from ..independent_checker import IndependentChecker
from ..organisation import Company, delivered
from ..running import Matching
from ..standing import put_together

pytestmark = pytest.mark.integration

BOOKS = ("guard_marks", "guard_changes", "guard_change_sets", "guard_applications")


async def guarded(matching: Matching, *, guest: bool = False, formed: bool = True) -> tuple[World, UUID, list[UUID]]:
    """A pair whose mentor reports, over three levels, to `line[-1]`; and that line. With `guest` the mentee is another unit's."""
    cohort = world(0, 0)
    line = [uuid7() for _ in range(4)]
    for place, one in enumerate(line):
        above = line[place + 1] if place + 1 < len(line) else None
        cohort.person(one, rank=5, unit=uuid7(), manager_id=above)
    mentor = cohort.mentor(manager_id=line[0])
    mentee = cohort.mentee(unit=cohort.guest_unit if guest else None)
    await matching.hear(*cohort.events)
    pair_id = await put_together(matching, cohort, mentor, mentee, formed=formed)
    await guard(matching)
    return cohort, pair_id, line


async def guard(matching: Matching) -> None:
    while await guard_pairs(matching.worker):
        pass


async def states(matching: Matching) -> Mapping[UUID, str]:
    return {row["pair_id"]: row["state"] for row in await matching.sql("SELECT pair_id, state FROM pairs")}


def observed() -> tuple[float, float]:
    """How many pairs were paused in this process, and after how many seconds in sum."""
    name = "updraft_matching_quarantine_seconds"
    return REGISTRY.get_sample_value(f"{name}_count") or 0.0, REGISTRY.get_sample_value(f"{name}_sum") or 0.0


@pytest.mark.requirement("N2", "R3-25")
async def test_a_move_at_the_top_of_a_line_pauses_the_pair_below_tells_everybody_and_is_measured(
    matching: Matching,
) -> None:
    cohort, pair_id, line = await guarded(matching, guest=True)
    mentor, mentee = cohort.mentors[0], cohort.mentees[0]
    count, seconds = observed()
    matching.clock.move(timedelta(seconds=7))
    try:
        await matching.hear(cohort.person(line[-1], rank=5, manager_id=mentee.person, sequence=2))
        await guard(matching)
    finally:
        matching.clock.move(timedelta(seconds=-7))
    assert observed() == (count + 1, seconds + 7)
    assert await matching.outbox(pair_id) == [("PairQuarantined", 3)]
    manager = matching.manager(cohort)
    (paused,) = (await manager.get(f"/v1/quarantine?cohort_id={cohort.cohort}")).json()["items"]
    assert (paused["pair_id"], paused["rules"], paused["can_be_waived"]) == (str(pair_id), ["reporting_chain"], True)
    (notice,) = (await manager.get("/v1/notices")).json()["items"]
    assert (notice["kind"], notice["rules"]) == ("pair_paused", ["reporting_chain"])
    for who in (mentor, mentee):
        (own,) = (await matching.participant(who).get("/v1/notices/mine")).json()["items"]
        assert set(own) == {"notice_id", "kind", "pair_id", "cohort_id", "words", "told_at"}
        assert own["kind"] == "pair_paused"
        proposal = (await matching.participant(who).get(f"/v1/proposals/{pair_id}")).json()
        assert proposal["state"] == "quarantined"
        assert "reporting" not in str(proposal)
    strangers = [
        matching.person(uuid4(), cohort.guest_unit, "program_manager"),
        matching.person(uuid4(), uuid4(), "program_manager"),
    ]
    for stranger in strangers:
        assert (await stranger.get("/v1/notices")).json()["items"] == []
        assert (await stranger.get("/v1/quarantine")).json()["items"] == []
        assert (await stranger.post(f"/v1/pairs/{pair_id}/hand-over", {})).status_code == 404
    bystander = matching.person(uuid4(), cohort.unit)
    assert (await bystander.get("/v1/notices/mine")).json()["items"] == []
    await matching.hear(cohort.person(line[-1], rank=5, sequence=3))
    await guard(matching)
    assert await matching.outbox(pair_id) == [("PairQuarantined", 3), ("PairReinstated", 4)]
    assert (await manager.get(f"/v1/quarantine?cohort_id={cohort.cohort}")).json()["items"] == []


@pytest.mark.requirement("N2")
async def test_a_change_set_is_judged_when_it_is_complete_or_after_a_minute(matching: Matching) -> None:
    cohort, pair_id, line = await guarded(matching)
    both: dict[str, Any] = {"change_set_id": uuid7(), "change_set_size": 2}
    mentee = cohort.mentees[0].person
    wrong = cohort.person(line[1], rank=5, manager_id=mentee, sequence=2, change_set_index=0, **both)
    right = cohort.person(line[0], rank=5, manager_id=line[2], sequence=2, change_set_index=1, **both)
    await matching.hear(wrong)
    await guard(matching)
    assert (await states(matching))[pair_id] == "formed"
    await matching.hear(right)
    await guard(matching)
    assert ((await states(matching))[pair_id], await matching.outbox(pair_id)) == ("formed", [])
    both |= {"change_set_id": uuid7()}
    await matching.hear(cohort.person(line[2], rank=5, manager_id=mentee, sequence=2, change_set_index=0, **both))
    await guard(matching)
    assert (await states(matching))[pair_id] == "formed"
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("UPDATE guard_change_sets SET first_seen_at = first_seen_at - interval '60 seconds'")
        await session.commit()
    await guard(matching)
    assert (await states(matching))[pair_id] == "quarantined"


@pytest.mark.requirement("N2", "I6", "R1-09")
async def test_a_proposal_made_before_a_change_is_not_accepted_after_it(matching: Matching) -> None:
    """The change happens in a unit whose rows neither of the two people's transactions may see."""
    cohort, pair_id, line = await guarded(matching, guest=True, formed=False)
    mentor, mentee = (matching.participant(side[0]) for side in (cohort.mentors, cohort.mentees))
    path = f"/v1/proposals/{pair_id}/acceptance"
    assert (await mentor.post(path)).status_code == 200
    moved = cohort.person(line[-1], rank=5, unit=uuid7(), manager_id=cohort.mentees[0].person, sequence=2)
    await matching.hear(moved)
    refused = await mentee.post(path)
    assert (refused.status_code, "being checked" in refused.text) == (409, True)
    await guard(matching)
    assert (await mentee.post(path)).status_code == 409
    assert await matching.outbox(pair_id) == [("PairWithdrawn", 2)]
    (own,) = (await mentee.get("/v1/notices/mine")).json()["items"]
    assert own["kind"] == "proposal_withdrawn"


@pytest.mark.requirement("N2", "I6")
async def test_acceptances_and_changes_at_the_same_moment_leave_no_pair_in_conflict(matching: Matching) -> None:
    for _ in range(6):
        cohort, pair_id, line = await guarded(matching, formed=False)
        people = [matching.participant(cohort.mentors[0]), matching.participant(cohort.mentees[0])]
        moved = cohort.person(line[-1], rank=5, manager_id=cohort.mentees[0].person, sequence=2)
        await asyncio.gather(
            *(one.post(f"/v1/proposals/{pair_id}/acceptance") for one in people * 2),
            matching.hear(moved),
            guard_pairs(matching.worker),
        )
        await guard(matching)
        assert (await states(matching))[pair_id] in ("withdrawn", "quarantined")


@pytest.mark.requirement("N2", "R3-25")
async def test_a_leaver_s_pair_is_paused_and_handed_over(matching: Matching) -> None:
    cohort, pair_id, _ = await guarded(matching)
    mentee = cohort.mentees[0]
    left = cohort.person(mentee.person, rank=8, sequence=2).data.model_dump() | {"state": EmploymentState.LEFT}
    await matching.hear(Envelope.of(PersonLeft(**left), sequence=2, time=NOW))
    await guard(matching)
    manager = matching.manager(cohort)
    (paused,) = (await manager.get(f"/v1/quarantine?cohort_id={cohort.cohort}")).json()["items"]
    assert (paused["rules"], paused["can_be_waived"]) == (["not_employed"], False)
    ended = await manager.post(f"/v1/pairs/{pair_id}/hand-over", {"match_again": True})
    assert (ended.status_code, ended.json()["state"]) == (200, "handed_over"), ended.text
    assert (await manager.post(f"/v1/pairs/{pair_id}/hand-over", {})).status_code == 409
    assert await matching.outbox(pair_id) == [("PairQuarantined", 3), ("PairHandedOver", 4)]
    (run,) = (await manager.get(f"/v1/cohorts/{cohort.cohort}/runs")).json()["items"]
    assert run["state"] == "queued"
    async with matching.worker.committed() as uow:
        (standing,) = await uow.pairs.standing(cohort.cohort)
    assert not standing.holds_places
    kinds = [one["kind"] for one in (await matching.participant(mentee).get("/v1/notices/mine")).json()["items"]]
    assert kinds == ["pair_paused", "pair_ended"]
    async with matching.worker.database.write() as session:  # no other test shall execute that run
        driver = await session.driver()
        await driver.execute("DELETE FROM runs")
        await session.commit()


@pytest.mark.requirement("N2", "R3-25", "I7", "S1", "S6")
async def test_the_register_of_conflicts(matching: Matching) -> None:
    cohort, pair_id, _ = await guarded(matching, guest=True)
    manager = matching.manager(cohort)
    two = {"person_id": str(cohort.mentors[0].person), "other_id": str(cohort.mentees[0].person), "reason": "family"}
    guest = matching.person(uuid4(), cohort.guest_unit, "program_manager")
    stranger = matching.person(uuid4(), uuid4(), "program_manager")
    made = await manager.post("/v1/conflicts", two)
    assert made.status_code == 201, made.text
    swapped = {**two, "person_id": two["other_id"], "other_id": two["person_id"]}
    again = await manager.post("/v1/conflicts", swapped)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (409, "/other_id"), again.text
    assert (await stranger.post("/v1/conflicts", two)).status_code == 404
    path = made.headers["location"]
    nothing = await manager.get(f"/v1/conflicts/{uuid4()}")
    for other in (guest, stranger):
        hidden = await other.get(path)
        assert (hidden.status_code, hidden.content) == (404, nothing.content)
        assert (await other.call("DELETE", path)).status_code == 404
        assert (await other.get("/v1/conflicts")).json()["items"] == []
    assert (await manager.get(path)).json() == made.json()
    assert [item["reason"] for item in (await manager.get("/v1/conflicts")).json()["items"]] == ["family"]
    await guard(matching)
    assert (await states(matching))[pair_id] == "quarantined"
    for own_field in ({"note": "they fell out"}, {"business_unit_id": str(uuid4())}, {"conflict_id": str(uuid4())}):
        assert (await manager.post("/v1/conflicts", {**two, **own_field})).status_code == 422
    assert (await manager.call("DELETE", path)).status_code == 200
    assert (await manager.get(path)).status_code == 404
    await guard(matching)
    assert (await states(matching))[pair_id] == "formed"
    audited = await matching.sql(
        "SELECT action FROM audit_log WHERE subject_id = $1 ORDER BY audit_id", UUID(made.json()["conflict_id"])
    )
    assert [row["action"] for row in audited] == ["register-conflict", "remove-conflict"]


@pytest.mark.requirement("N2", "I7")
async def test_a_conflict_registered_by_a_unit_that_the_pair_does_not_name_counts_too(matching: Matching) -> None:
    """The mentee has changed unit since the pair was formed; their new unit knows of the conflict."""
    cohort, pair_id, _ = await guarded(matching)
    mentee, new_unit = cohort.mentees[0], uuid7()
    await matching.hear(cohort.person(mentee.person, rank=8, unit=new_unit, sequence=2))
    manager = matching.person(uuid4(), new_unit, "program_manager")
    body = {"person_id": str(mentee.person), "other_id": str(cohort.mentors[0].person), "reason": "commercial"}
    assert (await manager.post("/v1/conflicts", body)).status_code == 201
    await guard(matching)
    assert (await states(matching))[pair_id] == "quarantined"


@pytest.mark.requirement("N2", "S1", "S6")
async def test_a_waiver_needs_two_managers_and_lets_the_pair_go_on(matching: Matching) -> None:
    cohort, pair_id, line = await guarded(matching)
    await matching.hear(cohort.person(line[-1], rank=5, manager_id=cohort.mentees[0].person, sequence=2))
    await guard(matching)
    one, other = matching.manager(cohort), matching.manager(cohort)
    asked: dict[str, Any] = {
        "mentor_participation_id": str(cohort.mentors[0].participation),
        "mentee_participation_id": str(cohort.mentees[0].participation),
        "rules": ["reporting_chain"],
        "reason": "Six levels apart and in different countries.",
    }
    path = f"/v1/cohorts/{cohort.cohort}/waivers"
    refused = await one.post(path, {**asked, "rules": ["excluded"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "/rules")
    for own_field in ({"state": "approved"}, {"approved_by": str(uuid4())}):
        assert (await one.post(path, {**asked, **own_field})).status_code == 422
    waiver = await one.post(path, asked)
    assert waiver.status_code == 201, waiver.text
    here = waiver.headers["location"]
    assert (await one.post(f"{here}/approval")).status_code == 409
    for stranger in (
        matching.person(uuid4(), uuid4(), "program_manager"),
        matching.person(uuid4(), cohort.guest_unit, "program_manager"),
    ):
        assert (await stranger.get(here)).status_code == 404
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{here}/approval")).status_code == 404
        assert (await stranger.post(f"{here}/withdrawal")).status_code == 404
        assert (await stranger.post(path, asked)).status_code == 404
    assert (await matching.participant(cohort.mentors[0]).get(here)).status_code == 403
    await guard(matching)
    assert (await states(matching))[pair_id] == "quarantined"
    approved = (await other.post(f"{here}/approval")).json()
    assert approved["state"] == "approved"
    assert approved["approved_by"] not in (None, approved["requested_by"])
    await guard(matching)
    assert (await states(matching))[pair_id] == "formed"
    assert (await matching.events(pair_id))[-1].data.resolution.value == "waived"
    assert [item["state"] for item in (await one.get(path)).json()["items"]] == ["approved"]
    assert (await one.post(f"{here}/withdrawal")).json()["state"] == "withdrawn"
    await guard(matching)
    assert (await states(matching))[pair_id] == "quarantined"


@pytest.mark.requirement("N2", "I6")
async def test_a_conflict_between_two_people_of_a_run_outdates_it(matching: Matching) -> None:
    cohort, _, _ = await guarded(matching)
    mentor, mentee = cohort.mentors[0].person, cohort.mentees[0].person
    manager = matching.manager(cohort)
    run_id = (await manager.post(f"/v1/cohorts/{cohort.cohort}/runs")).json()["run_id"]
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute(
            "UPDATE runs SET state = 'completed', people = $2 WHERE run_id = $1", run_id, [mentor, mentee]
        )
        await session.commit()
    for people, outdated in (((mentor, uuid4()), False), ((mentor, mentee), True)):
        body = {"person_id": str(people[0]), "other_id": str(people[1]), "reason": "investigation"}
        assert (await manager.post("/v1/conflicts", body)).status_code == 201
        await guard(matching)
        (row,) = await matching.sql("SELECT outdated FROM runs WHERE run_id = $1", run_id)
        assert row["outdated"] is outdated


@pytest.mark.requirement("N2")
async def test_an_application_that_changes_is_judged_again(matching: Matching) -> None:
    cohort, pair_id, _ = await guarded(matching, formed=False)
    await matching.hear(cohort.participation(cohort.mentors[0], 2, languages=()))
    await guard(matching)
    assert await matching.outbox(pair_id) == [("PairWithdrawn", 2)]
    (told,) = await matching.events(pair_id)
    assert "shared_language" not in told.data.model_dump_json().replace("shared_languages", "")


@pytest.mark.requirement("N2")
async def test_nothing_is_left_in_the_books_when_everything_is_judged(matching: Matching) -> None:
    cohort, pair_id, line = await guarded(matching)
    # Marks of a pair that has ended meanwhile must not stay either.
    await matching.hear(cohort.person(line[1], rank=5, manager_id=line[2], sequence=2))
    body = {
        "pair_id": str(pair_id),
        "mentor_id": str(cohort.mentors[0].person),
        "mentee_id": str(cohort.mentees[0].person),
    }
    sides = {f"{side}_participation_id": str(uuid4()) for side in ("mentor", "mentee")}
    await matching.hear(cohort.dissolved({**body, **sides}))
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("UPDATE guard_change_sets SET first_seen_at = first_seen_at - interval '2 days'")
        await session.commit()
    await guard(matching)
    for table in BOOKS:
        assert await matching.sql(f"SELECT * FROM {table}") == [], table


@pytest.mark.requirement("N2", "R3-25", "I6")
async def test_a_year_of_changes_upon_a_real_database(matching: Matching) -> None:
    """As the unit test of the same name, through inbox, tables and SQL."""
    cohort = World()
    cohort.program_chartered()
    cohort.cohort_is()
    company = Company.of(7, 120, [cohort.unit, cohort.guest_unit], NOW)
    draw, checker = company.draw, IndependentChecker()
    everybody = company.everybody()
    checker.hear(everybody)
    people, pairs = sorted(company.posts), dict[UUID, tuple[Somebody, Somebody]]()
    chosen: list[tuple[Somebody, Somebody]] = []
    while len(chosen) < 70:
        mentor, mentee = (
            Somebody(one, uuid7(), company.posts[one].unit, role)
            for one, role in zip(draw.sample(people, 2), (Role.MENTOR, Role.MENTEE), strict=True)
        )
        if not checker.conflict(mentor.person, mentee.person) and not checker.too_close_in_grade(
            mentor.person, mentee.person, 1
        ):
            cohort.participation(mentor)
            cohort.participation(mentee)
            chosen.append((mentor, mentee))
    await matching.hear(*everybody, *cohort.events)
    for mentor, mentee in chosen:
        pairs[await put_together(matching, cohort, mentor, mentee)] = (mentor, mentee)
    await guard(matching)
    before = dict.fromkeys(pairs, "formed")
    paused = boundaries = 0
    for batch in delivered(draw, company.year(120)):
        await matching.hear(*batch)
        checker.hear(batch)
        await guard(matching)
        now, moving = await states(matching), checker.in_motion()
        boundaries += not moving
        for pair_id, (mentor, mentee) in pairs.items():
            if moving & checker.rests_on(mentor.person, mentee.person):
                assert now[pair_id] == before[pair_id], "judged on half a change set"
                continue
            conflict = checker.conflict(mentor.person, mentee.person)
            assert now[pair_id] == ("quarantined" if conflict else "formed"), (mentor, mentee)
            paused += conflict and before[pair_id] == "formed"
            before[pair_id] = now[pair_id]
    assert not checker.in_motion()
    assert (paused >= 10, boundaries >= 20) == (True, True), (paused, boundaries)
