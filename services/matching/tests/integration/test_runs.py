"""A run through the HTTP API upon a real database: projections in, certificate and proposals out, released, formed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta
from uuid import UUID, uuid4

import psutil
import pytest
from chassis.testing import until
from contracts.enrollment import CohortState, LanguageSkill, ParticipantWithdrawn, ParticipationState
from contracts.fields import LanguageLevel
from contracts.identifiers import opaque_code, uuid7
from matching.application.close_abandoned_proposals import close_abandoned_proposals
from matching.application.execute_run import TakenOver, begin_run, keep_run, solve_run
from matching.application.expire_proposals import expire_proposals
from matching.domain import match_run
from matching.domain.canonical import HashKey, canonical_json, sha256_hex
from matching.domain.run_matching import match
from matching.entrypoints.schedule import execute_runs

from ..events import world
from ..running import Matching

pytestmark = pytest.mark.integration


@pytest.mark.requirement("R2-10", "R1-08", "R0-31")
async def test_from_the_request_to_explained_proposals(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    assert (run["outcome"], run["proposal_count"], run["unmatched"]) == ("optimal", 2, [])
    certificate = run["certificate"]
    assert run["certificate_hash"] == sha256_hex(canonical_json(certificate))
    assert (certificate["violations"], certificate["status"]) == (0, "optimal")
    assert certificate["objective"] == certificate["bound"]
    assert certificate["objective"][0] == {"level": "people_covered", "value": 4}
    assert set(run["timings"]) == {
        "read", "encode", "solve", "survey", "stability", "explain", "check", "certify", "store",
    }  # fmt: skip
    assert (run["replayable"], run["progress"], run["unmatched_count"]) == (True, None, 0)
    for proposal in run["proposals"]["items"]:
        assert proposal["state"] == "proposed"
        assert proposal["score_parts"] == {"topics": 1000, "distance": 0, "language": 833, "hours": 1000}
        assert proposal["words"][0] == "The mentor offers ai (technology), which the mentee asks for."
    assert await matching.outbox(run["run_id"]) == [("MatchRunCompleted", 1)]


async def test_a_rerun_over_the_same_facts_gives_the_same_certificate(matching: Matching) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    one, other = await matching.matched(cohort), await matching.matched(cohort)
    assert one["run_id"] != other["run_id"]
    assert canonical_json(one["certificate"]) == canonical_json(other["certificate"])
    assert [pair["mentor_id"] for pair in one["proposals"]["items"]] == [
        pair["mentor_id"] for pair in other["proposals"]["items"]
    ]


@pytest.mark.requirement("R1-09")
@pytest.mark.parametrize("mentor_first", [True, False])
async def test_release_and_acceptance_by_both_in_either_order(matching: Matching, mentor_first: bool) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    mentor, mentee = (matching.participant(side[0]) for side in (cohort.mentors, cohort.mentees))
    run = await matching.matched(cohort)
    assert (await mentor.get("/v1/proposals")).json() == {"items": [], "next": None}
    released = await matching.manager(cohort).post(f"/v1/runs/{run['run_id']}/release")
    assert (released.status_code, released.json()["state"]) == (200, "released")
    (proposal,) = (await mentor.get("/v1/proposals")).json()["items"]
    assert proposal["partner_id"] == str(cohort.mentees[0].person)
    path = f"/v1/proposals/{proposal['pair_id']}"
    first, second = (mentor, mentee) if mentor_first else (mentee, mentor)
    answer = await first.post(f"{path}/acceptance")
    assert (answer.status_code, answer.json()["state"], answer.json()["own_answer"]) == (200, "released", "accepted")
    assert (await second.get(path)).json()["own_answer"] == "none"
    assert (await second.post(f"{path}/acceptance")).json()["state"] == "formed"
    assert await matching.outbox(proposal["pair_id"]) == [("PairProposed", 1), ("PairFormed", 2)]
    formed = (await matching.events(proposal["pair_id"]))[1].data
    assert (formed.mentor_id, formed.mentee_id) == (cohort.mentors[0].person, cohort.mentees[0].person)
    assert (formed.mentor_participation_id, formed.cohort_id) == (cohort.mentors[0].participation, cohort.cohort)
    assert formed.named_unit_ids == (cohort.unit,)
    (pair,) = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}&state=formed")).json()["items"]
    assert pair["pair_id"] == proposal["pair_id"]


@pytest.mark.requirement("R1-09")
async def test_acceptances_at_the_same_moment_form_one_pair(matching: Matching) -> None:
    for _ in range(5):
        cohort = world()
        await matching.hear(*cohort.events)
        (pair,) = await matching.released(cohort)
        people = [matching.participant(cohort.mentors[0]), matching.participant(cohort.mentees[0])] * 3
        answers = await asyncio.gather(*(one.post(f"/v1/proposals/{pair['pair_id']}/acceptance") for one in people))
        assert {answer.status_code for answer in answers} == {200}
        assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1), ("PairFormed", 2)]


@pytest.mark.requirement("R1-09", "I7")
async def test_people_of_two_units_form_a_pair(matching: Matching) -> None:
    cohort = world(1, 0)
    mentee = cohort.mentee(unit=cohort.guest_unit)
    await matching.hear(*cohort.events)
    (pair,) = await matching.released(cohort)
    for who in (cohort.mentors[0], mentee):
        answer = await matching.participant(who).post(f"/v1/proposals/{pair['pair_id']}/acceptance")
        assert answer.status_code == 200, answer.text
    formed = (await matching.events(pair["pair_id"]))[-1]
    assert (formed.business_unit_id, set(formed.data.named_unit_ids)) == (cohort.unit, {cohort.unit, cohort.guest_unit})


async def test_the_same_request_sent_five_times_starts_one_run(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    manager = matching.manager(cohort)
    answers = [await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", key="one-key-of-mine") for _ in range(5)]
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    together = await asyncio.gather(*(manager.post(f"/v1/cohorts/{cohort.cohort}/runs") for _ in range(4)))
    assert {answer.status_code for answer in together} == {409}
    assert await execute_runs(matching.worker)


@pytest.mark.requirement("F21")
async def test_two_requests_at_once_start_one_run(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    manager = matching.manager(cohort)
    answers = await asyncio.gather(*(manager.post(f"/v1/cohorts/{cohort.cohort}/runs") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409, 409]
    assert await execute_runs(matching.worker)


@pytest.mark.requirement("F21")
async def test_a_run_whose_worker_died_is_taken_over_and_stored_once(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    started = await matching.manager(cohort).post(f"/v1/cohorts/{cohort.cohort}/runs")
    run_id = UUID(started.json()["run_id"])
    async with matching.worker.database.write() as session:
        dead = await begin_run(matching.worker.open_unit_of_work(session))  # type: ignore[arg-type]
        await session.commit()
    assert dead is not None
    assert not await execute_runs(matching.worker)
    async with matching.worker.database.write() as session:
        driver = await session.driver()
        await driver.execute("UPDATE runs SET leased_until = now() - interval '1 second' WHERE run_id = $1", run_id)
        await session.commit()
    assert await execute_runs(matching.worker)
    with pytest.raises(TakenOver):
        await solve_run(
            dead, matching.worker.committed, lambda given, _deadline, _start: match(given, key=HashKey(b""))
        )
    body = (await matching.manager(cohort).get(f"/v1/runs/{run_id}")).json()
    assert (body["state"], len(body["proposals"]["items"])) == ("completed", 1)
    assert await matching.outbox(run_id) == [("MatchRunCompleted", 1)]


@pytest.mark.requirement("I6")
async def test_releases_at_the_same_moment_publish_once(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager = matching.manager(cohort)
    answers = await asyncio.gather(*(manager.post(f"/v1/runs/{run['run_id']}/release") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    for pair in run["proposals"]["items"]:
        assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1)]


async def test_decline_frees_both_places_for_others(matching: Matching) -> None:
    cohort = world(2, 1)
    await matching.hear(*cohort.events)
    (pair,) = await matching.released(cohort)
    declined = await matching.participant(cohort.mentees[0]).post(f"/v1/proposals/{pair['pair_id']}/decline")
    assert (declined.status_code, declined.json()["state"]) == (200, "declined")
    (again,) = await matching.released(cohort)
    assert again["mentee_id"] == pair["mentee_id"]
    assert again["mentor_id"] != pair["mentor_id"]
    assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1), ("PairDeclined", 2)]


async def test_a_proposal_expires_by_the_rules_clock(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    (pair,) = await matching.released(cohort)
    mentor = matching.participant(cohort.mentors[0])
    matching.clock.move(timedelta(days=14))
    try:
        late = await mentor.post(f"/v1/proposals/{pair['pair_id']}/acceptance")
        assert late.status_code == 409
        assert late.headers["content-type"] == "application/problem+json"
        await matching.run(expire_proposals)
        assert (await mentor.get(f"/v1/proposals/{pair['pair_id']}")).json()["state"] == "expired"
        assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1), ("PairExpired", 2)]
    finally:
        matching.clock.move(timedelta(days=-14))


async def test_who_withdraws_is_asked_no_more(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    (pair,) = await matching.released(cohort)
    await matching.run(close_abandoned_proposals)
    assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1)]
    gone = cohort.participation(cohort.mentors[0], 2, model=ParticipantWithdrawn, state=ParticipationState.WITHDRAWN)
    await matching.hear(gone)
    await matching.run(close_abandoned_proposals)
    assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1), ("PairDeclined", 2)]


@pytest.mark.requirement("I6")
async def test_a_dissolved_pair_frees_its_places_and_formed_pairs_stay(matching: Matching) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    proposals = await matching.released(cohort)
    people = {str(who.person): matching.participant(who) for who in (*cohort.mentors, *cohort.mentees)}
    for pair in proposals:
        for side in ("mentor_id", "mentee_id"):
            await people[pair[side]].post(f"/v1/proposals/{pair['pair_id']}/acceptance")
    await matching.hear(cohort.cohort_is(CohortState.ACTIVE, 2))
    assert await matching.released(cohort) == []
    ended, kept = proposals
    await matching.hear(cohort.dissolved(ended))
    (fresh,) = await matching.released(cohort)
    assert fresh["mentee_id"] == ended["mentee_id"]
    assert fresh["mentor_id"] not in (ended["mentor_id"], kept["mentor_id"])
    listed = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"]
    assert {pair["pair_id"]: (pair["state"], pair["ended"]) for pair in listed} == {
        ended["pair_id"]: ("formed", True),
        kept["pair_id"]: ("formed", False),
        fresh["pair_id"]: ("released", False),
    }


@pytest.mark.requirement("I6")
async def test_capacity_is_never_exceeded_over_several_runs(matching: Matching) -> None:
    cohort = world(0, 0)
    mentor = cohort.mentor(capacity=2)
    for _ in range(4):
        cohort.mentee()
    await matching.hear(*cohort.events)
    first = await matching.released(cohort)
    assert [pair["mentor_id"] for pair in first] == [str(mentor.person)] * 2
    assert await matching.released(cohort) == []
    await matching.participant(cohort.mentees[0]).get("/v1/proposals")
    declining = next(who for who in cohort.mentees if str(who.person) == first[0]["mentee_id"])
    await matching.participant(declining).post(f"/v1/proposals/{first[0]['pair_id']}/decline")
    assert len(await matching.released(cohort)) == 1


@pytest.mark.requirement("R3-25", "I6")
async def test_an_organisation_that_changes_before_the_release_stops_it(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    mentor, mentee = cohort.mentors[0].person, cohort.mentees[0].person
    await matching.hear(cohort.person(mentor, rank=2, manager_id=mentee, sequence=2))
    refused = await matching.manager(cohort).post(f"/v1/runs/{run['run_id']}/release")
    assert refused.status_code == 409
    assert (await matching.manager(cohort).get(f"/v1/runs/{run['run_id']}")).json()["outdated"]
    again = await matching.matched(cohort)
    assert again["proposals"]["items"] == []
    assert again["certificate"]["excluded"] == {"reporting_chain": 1}
    assert {item["reason"] for item in again["unmatched"]} == {"rules_exclude_all"}


@pytest.mark.requirement("R3-25")
async def test_a_chain_through_another_unit_over_many_levels_is_found(matching: Matching) -> None:
    cohort = world(0, 1)
    mentee = cohort.mentees[0]
    superior = mentee.person
    for level in range(12):
        person = uuid7()
        dotted = level == 5
        cohort.person(
            person,
            rank=3,
            unit=uuid7(),
            manager_id=None if dotted else superior,
            dotted_line_manager_ids=(superior,) if dotted else (),
        )
        superior = person
    cohort.mentor(manager_id=superior)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    assert run["certificate"]["excluded"] == {"dotted_line": 1}


async def test_cohorts_and_runs_that_cannot_be_run_or_released(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*(event for event in cohort.events if event.type.split(".")[2] != "CohortEnrollmentClosed"))
    manager = matching.manager(cohort)
    assert (await manager.post(f"/v1/cohorts/{cohort.cohort}/runs")).status_code == 404
    await matching.hear(cohort.cohort_is(CohortState.ENROLLING, 2))
    assert (await manager.post(f"/v1/cohorts/{cohort.cohort}/runs")).status_code == 409
    assert (await manager.post(f"/v1/runs/{uuid4()}/release")).status_code == 404
    assert (await manager.get(f"/v1/runs/{uuid4()}")).status_code == 404
    assert not await execute_runs(matching.worker)


async def test_lists_come_in_pages(matching: Matching) -> None:
    cohort = world(3, 3)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager = matching.manager(cohort)
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        path = f"/v1/runs/{run['run_id']}/proposals?limit=2" + (f"&cursor={following}" if following else "")
        body = json.loads((await manager.get(path)).content)
        seen += [item["pair_id"] for item in body["items"]]
        following = body["next"]
    assert seen == [pair["pair_id"] for pair in run["proposals"]["items"]]
    listed = (await manager.get(f"/v1/cohorts/{cohort.cohort}/runs")).json()["items"]
    assert [item["run_id"] for item in listed] == [run["run_id"]]


@pytest.mark.requirement("F21", "I6")
async def test_a_solving_process_killed_midway_leaves_one_result(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    started = await matching.manager(cohort).post(f"/v1/cohorts/{cohort.cohort}/runs")
    run_id = UUID(started.json()["run_id"])
    solving = asyncio.ensure_future(execute_runs(matching.worker))

    async def at_work() -> bool:
        return bool(await matching.sql("SELECT 1 FROM runs WHERE run_id = $1 AND state = 'running'", run_id))

    await until(at_work, "claiming the run")
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "spawn_main" in " ".join(process.cmdline()):
                process.kill()
    assert await solving
    while (await matching.manager(cohort).get(f"/v1/runs/{run_id}")).json()["state"] != "completed":
        await execute_runs(matching.worker)
    assert await matching.sql("SELECT count(*) FROM pairs WHERE run_id = $1", run_id) == [(2,)]
    assert await matching.outbox(run_id) == [("MatchRunCompleted", 1)]


async def test_two_workers_at_once_execute_a_run_once(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    started = await matching.manager(cohort).post(f"/v1/cohorts/{cohort.cohort}/runs")
    did = await asyncio.gather(execute_runs(matching.worker), execute_runs(matching.worker))
    assert sorted(did) == [False, True]
    assert await matching.outbox(started.json()["run_id"]) == [("MatchRunCompleted", 1)]


async def test_a_running_run_is_cancelled_within_seconds(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    manager = matching.manager(cohort)
    started = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", {"deadline_seconds": 600})
    assert started.json()["deadline_seconds"] == 600
    path = started.headers["location"]
    async with matching.worker.committed() as uow:
        claimed = await begin_run(uow)
    assert claimed is not None
    async with matching.worker.committed() as uow:
        assert await keep_run(claimed, uow, ("solve", 250))
    assert (await manager.get(path)).json()["progress"] == {"stage": "solve", "share": 250}
    cancelled = await manager.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    with pytest.raises(TakenOver):
        await solve_run(
            claimed, matching.worker.committed, lambda given, _deadline, _start: match(given, key=HashKey(b""))
        )
    async with matching.worker.committed() as uow:
        assert not await keep_run(claimed, uow, ("solve", 500))
    assert await matching.outbox(started.json()["run_id"]) == []
    stranger = matching.manager(world())
    assert (await stranger.post(f"{path}/cancel")).status_code == 404


@pytest.mark.requirement("N4")
async def test_a_run_is_replayed_over_the_api_until_somebody_is_erased(matching: Matching) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager, path = matching.manager(cohort), f"/v1/runs/{run['run_id']}/replay"
    replay = (await manager.get(path)).json()
    assert (replay["replayable"], replay["identical"]) == (True, True)
    assert replay["replayed_hash"] == run["certificate_hash"]
    assert (await matching.participant(cohort.mentors[0]).get(path)).status_code == 403
    assert (await matching.manager(world()).get(path)).status_code == 404
    async with matching.worker.committed() as uow:
        await uow.run_records.erase([cohort.mentors[0].person])
    erased = (await manager.get(path)).json()
    assert (erased["replayable"], erased["identical"]) == (False, None)
    assert (await manager.get(f"/v1/runs/{run['run_id']}")).json()["replayable"] is False


@pytest.mark.requirement("N3", "R1-08")
async def test_why_not_and_what_would_help_are_answered_to_those_who_may_ask(matching: Matching) -> None:
    cohort = world(1, 1)
    near = cohort.mentee(team_code=opaque_code("a team"))
    far = cohort.mentor(
        languages=(LanguageSkill(language="fr", level=LanguageLevel.C1),), team_code=opaque_code("a team")
    )
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager, path = matching.manager(cohort), f"/v1/runs/{run['run_id']}"
    asked = f"{path}/why-not?mentor={far.participation}&mentee={near.participation}"
    answer = (await manager.get(asked, accept_language="fr-CH, en;q=0.5")).json()
    assert (answer["reason"], answer["rules"]) == ("excluded_by_rules", ["same_team", "shared_language"])
    assert answer["words"][0] == "même équipe"
    (proposal,) = run["proposals"]["items"]
    pair = f"mentor={proposal['mentor_participation_id']}&mentee={proposal['mentee_participation_id']}"
    assert (await manager.get(f"{path}/why-not?{pair}")).json()["reason"] == "proposed"
    listed = (await manager.get(f"{path}/unmatched?limit=1", accept_language="de")).json()
    assert listed["next"] is not None
    assert run["unmatched_count"] == 2
    alone = (await manager.get(f"{path}/unmatched/{far.participation}/relaxations")).json()
    assert (alone["outcome"], alone["relax"]) == ("relaxable", ["shared_language"])
    own = matching.participant(far)
    assert (await own.get("/v1/unmatched")).json() == {"items": []}
    assert (await own.get(f"{path}/own-relaxations")).status_code == 404
    assert (await manager.post(f"{path}/release")).status_code == 200
    (entry,) = (await own.get("/v1/unmatched", accept_language="es")).json()["items"]
    assert entry["words"] == ["En esta ronda no hubo plaza para usted."]
    assert (await own.get(f"{path}/own-relaxations")).json()["relax"] == ["shared_language"]
    assert (await matching.participant(cohort.mentors[0]).get(f"{path}/own-relaxations")).status_code in (200, 404)
    assert (await own.get(asked)).status_code == 403


@pytest.mark.requirement("F21", "I6")
async def test_a_large_release_is_carried_out_by_a_worker_in_one_piece(
    matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_run, "RELEASED_AT_ONCE", 1)
    cohort = world(3, 3)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager, mentor = matching.manager(cohort), matching.participant(cohort.mentors[0])
    answers = await asyncio.gather(*(manager.post(f"/v1/runs/{run['run_id']}/release") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert (await manager.get(f"/v1/runs/{run['run_id']}")).json()["state"] == "releasing"
    assert (await mentor.get("/v1/proposals")).json()["items"] == []
    assert await execute_runs(matching.worker)
    assert (await manager.get(f"/v1/runs/{run['run_id']}")).json()["state"] == "released"
    (own,) = (await mentor.get("/v1/proposals")).json()["items"]
    assert own["state"] == "released"
    for pair in run["proposals"]["items"]:
        assert await matching.outbox(pair["pair_id"]) == [("PairProposed", 1)]


async def test_a_rematch_keeps_what_is_proposed(matching: Matching) -> None:
    cohort = world(4, 3)
    await matching.hear(*cohort.events)
    first = await matching.matched(cohort)
    before = {(pair["mentor_id"], pair["mentee_id"]) for pair in first["proposals"]["items"]}
    gone = next(who for who in cohort.mentors if any(str(who.person) in pair for pair in before))
    await matching.hear(cohort.participation(gone, 2, model=ParticipantWithdrawn, state=ParticipationState.WITHDRAWN))
    manager = matching.manager(cohort)
    started = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", {"keep": first["run_id"]})
    assert await execute_runs(matching.worker)
    second = (await manager.get(started.headers["location"])).json()
    after = {(pair["mentor_id"], pair["mentee_id"]) for pair in second["proposals"]["items"]}
    assert len(after) == 3
    assert len(after & before) == 2
    assert second["certificate"]["rematch"]["kept"] == 2
    refused = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", {"keep": str(uuid4())})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "/keep"
