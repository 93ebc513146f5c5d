"""Preferences, quotas, the review of proposals and what-ifs through the HTTP API upon a real database."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.enrollment import MatchingMode, ScoreWeights, TopicLevel
from contracts.identifiers import uuid7
from matching.domain import quota as quota_rules
from matching.domain.match_run import MatchRun, RunOutcome, RunResult, RunState
from matching.domain.pair import Member, Pair
from matching.entrypoints.mode_schedule import execute_what_ifs

from ..asking import mode_world, searched
from ..events import NOW, Somebody, World, world
from ..running import Matching
from ..standing import FIT

pytestmark = pytest.mark.integration


async def completed_run(
    matching: Matching, cohort: World, pairs: list[tuple[Somebody, Somebody]]
) -> tuple[str, list[str]]:
    """A completed run with these proposals, as a worker would have left it; its id and theirs."""
    ids = cohort.cohort, cohort.program, cohort.unit
    result = RunResult(RunOutcome.OPTIMAL, "ab" * 32, {}, "cd" * 32, (), {}, 2, 2, 4, 4, {}, len(pairs), 0, 0, (2, 500))
    run = MatchRun(
        uuid7(), *ids, (cohort.unit,), NOW, state=RunState.COMPLETED, result=result, completed_at=NOW, version=1
    )
    proposals = [
        Pair(
            uuid7(), run.run_id, *ids, tuple(sorted({cohort.unit, mentor.unit, mentee.unit})),
            Member(mentor.person, mentor.participation), Member(mentee.person, mentee.participation), FIT,
        )
        for mentor, mentee in pairs
    ]  # fmt: skip
    async with matching.worker.committed() as uow:
        uow.runs.add(run)
        await uow.pairs.add_all(proposals)
    return str(run.run_id), [str(pair.pair_id) for pair in proposals]


@pytest.mark.requirement("R0-31")
async def test_a_rejected_proposal_is_not_released_and_one_that_is_reopened_is(matching: Matching) -> None:
    cohort = world(3, 3)
    await matching.hear(*cohort.events)
    both = list(zip(cohort.mentors, cohort.mentees, strict=True))
    run_id, (kept, rejected, reopened) = await completed_run(matching, cohort, both)
    manager = matching.manager(cohort)
    path = f"/v1/runs/{run_id}/proposals"
    locked = await manager.post(f"{path}/{kept}/lock")
    assert (locked.status_code, locked.json()["verdict"]) == (200, "locked")
    for pair_id in (rejected, reopened):
        answer = await manager.post(f"{path}/{pair_id}/rejection", {"reason": "too_close"})
        assert (answer.status_code, answer.json()["verdict"], answer.json()["reason"]) == (200, "rejected", "too_close")
    assert (await manager.post(f"{path}/{reopened}/reopening")).json()["verdict"] is None
    listed = (await manager.get(f"/v1/cohorts/{cohort.cohort}/reviews")).json()["items"]
    assert [(item["verdict"], item["mentor_participation_id"]) for item in listed] == [
        ("locked", str(cohort.mentors[0].participation)),
        ("rejected", str(cohort.mentors[1].participation)),
    ]
    async with matching.worker.committed() as uow:
        assert await uow.locks.of_cohort(cohort.cohort) == [
            (cohort.mentors[0].participation, cohort.mentees[0].participation)
        ]
        assert len(await uow.rejections.of_cohort(cohort.cohort)) == 1
    released = await manager.post(f"/v1/runs/{run_id}/release")
    assert released.status_code == 200, released.text
    shown = {item["pair_id"] for item in (await manager.get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"]}
    assert shown == {kept, reopened}
    assert await matching.outbox(rejected) == []
    assert (await matching.participant(cohort.mentees[1]).get("/v1/proposals")).json()["items"] == []
    late = await manager.post(f"{path}/{kept}/rejection", {"reason": "other"})
    assert late.status_code == 409


@pytest.mark.requirement("S1", "S4")
async def test_what_another_unit_reviews_looks_like_nothing(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    run_id, (pair_id,) = await completed_run(matching, cohort, [(cohort.mentors[0], cohort.mentees[0])])
    nothing = (await matching.manager(cohort).get(f"/v1/what-ifs/{uuid4()}")).content
    for unit in (uuid4(), cohort.guest_unit):
        stranger = matching.person(uuid4(), unit, "program_manager")
        answers = [
            await stranger.post(f"/v1/runs/{run_id}/proposals/{pair_id}/lock"),
            await stranger.post(f"/v1/runs/{run_id}/proposals/{pair_id}/rejection", {"reason": "other"}),
            await stranger.post(f"/v1/runs/{run_id}/proposals/{pair_id}/reopening"),
            await stranger.get(f"/v1/cohorts/{cohort.cohort}/reviews"),
            await stranger.post(f"/v1/runs/{run_id}/what-ifs", {"minimum_grade_gap": 2}),
            await stranger.get(f"/v1/runs/{run_id}/what-ifs"),
            await stranger.get(f"/v1/cohorts/{cohort.cohort}/quotas"),
            await stranger.call("PUT", f"/v1/cohorts/{cohort.cohort}/quotas", json={"quotas": []}),
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(404, nothing)}


@pytest.mark.requirement("N14")
async def test_quotas_are_set_read_and_refused_by_name(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    manager, path = matching.manager(cohort), f"/v1/cohorts/{cohort.cohort}/quotas"
    assert (await manager.get(path)).json() == {"cohort_id": str(cohort.cohort), "quotas": [], "version": 0}
    wanted = [
        {"kind": "unit_places", "unit_id": str(cohort.guest_unit), "places": 2, "mentee_participation_id": None},
        {
            "kind": "unit_places_at_mentee",
            "unit_id": str(cohort.unit),
            "places": 1,
            "mentee_participation_id": str(cohort.mentees[0].participation),
        },
    ]
    assert (await manager.call("PUT", path, json={"quotas": wanted})).status_code == 200
    assert (await manager.get(path)).json()["quotas"] == wanted
    async with matching.worker.committed() as uow:
        assert [quota.places for quota in await uow.quotas.of_cohort(cohort.cohort)] == [2, 1]
    refused = await manager.call("PUT", path, json={"quotas": [wanted[0] | {"kind": "grade_places"}]})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, "/quotas/0/kind")
    assert "provably optimal" in error["message"]
    assert (await manager.call("PUT", path, json={"quotas": []}, version=7)).status_code == 412
    assert (await manager.call("PUT", path, json={"quotas": []}, version=1)).json()["version"] == 2


@pytest.mark.requirement("N14")
async def test_quotas_on_too_many_possible_pairs_are_a_problem_with_a_remedy(
    matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    manager, path = matching.manager(cohort), f"/v1/cohorts/{cohort.cohort}"
    limit = {"kind": "unit_places", "unit_id": str(cohort.unit), "places": 2}
    assert (await manager.call("PUT", f"{path}/quotas", json={"quotas": [limit]})).status_code == 200
    monkeypatch.setattr(quota_rules, "MOST_PAIRS_WITH_QUOTAS", 5)
    for refused in (
        await manager.call("PUT", f"{path}/quotas", json={"quotas": [limit]}),
        await manager.post(f"{path}/runs"),
    ):
        assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
        assert refused.json()["detail"] == "With quotas a run takes at most 5 possible pairs; this cohort has 6."
        assert "fewer people" in refused.text
    assert (await manager.call("PUT", f"{path}/quotas", json={"quotas": []})).status_code == 200


async def test_preferences_are_read_by_nobody_else_and_are_there_for_the_run(matching: Matching) -> None:
    cohort = mode_world(2, 2, MatchingMode.HYBRID)
    await matching.hear(*cohort.events)
    mentee, other = cohort.mentees
    search = await searched(matching, mentee)
    assert (search["mode"], search["may_ask"], search["preference_limit"]) == ("hybrid", False, 5)
    path = f"/v1/participations/{mentee.participation}/preferences"
    person = matching.participant(mentee)
    assert (await person.get(path)).json()["version"] == 0
    ranked = [str(who.participation) for who in cohort.mentors]
    sent = await person.call("PUT", path, json={"ranked": ranked})
    assert (sent.status_code, sent.json()["ranked"], sent.headers["etag"]) == (200, ranked, '"1"')
    assert (await person.get(path)).json()["ranked"] == ranked
    for stranger in (other, cohort.mentors[0]):
        assert (await matching.participant(stranger).get(path)).status_code == 404
    assert (await matching.manager(cohort).get(path)).status_code == 403
    for nobody in (str(uuid4()), str(other.participation)):
        assert (await person.call("PUT", path, json={"ranked": [nobody]})).status_code == 404
    async with matching.worker.committed() as uow:
        wishes = await uow.preferences.of_cohort(cohort.cohort)
    assert wishes == {mentee.participation: tuple(UUID(one) for one in ranked)}
    refused = await person.post(
        "/v1/requests", {"participation_id": str(mentee.participation), "partner_participation_id": ranked[0]}
    )
    assert refused.status_code == 409


async def test_what_people_ranked_counts_in_the_score_and_is_shown_to_nobody(matching: Matching) -> None:
    weights = ScoreWeights(topics=50, reciprocity=0, distance=0, language=0, hours=0, preferences=50)
    cohort = mode_world(0, 1, MatchingMode.HYBRID, score_weights=weights)
    cohort.mentor(offers=(TopicLevel(topic="technology.ai", level=2),))
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    scores = []
    for ranked in ([], [str(mentor.participation)]):
        path = f"/v1/participations/{mentee.participation}/preferences"
        assert (await matching.participant(mentee).call("PUT", path, json={"ranked": ranked})).status_code == 200
        (proposal,) = (await matching.matched(cohort))["proposals"]["items"]
        assert proposal["score_parts"]["topics"] == 666
        assert "preferences" not in proposal["score_parts"]
        assert not any("rank" in words or "prefer" in words for words in proposal["words"])
        scores.append(proposal["score"])
    assert scores == [666, 833]


async def _what_if(matching: Matching, cohort: World, run_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    manager = matching.manager(cohort)
    started = await manager.post(f"/v1/runs/{run_id}/what-ifs", changes)
    assert started.status_code == 202, started.text
    assert await execute_what_ifs(matching.worker)
    body: dict[str, Any] = (await manager.get(started.headers["location"])).json()
    return body


@pytest.mark.requirement("R0-31", "N4")
async def test_a_what_if_is_solved_compared_and_never_released(matching: Matching) -> None:
    cohort = world(2, 0)
    cohort.mentee()
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    (proposal,) = run["proposals"]["items"]
    taken = {"mentor_participation_id": proposal["mentor_participation_id"]}
    taken["mentee_participation_id"] = proposal["mentee_participation_id"]
    other = next(who for who in cohort.mentors if str(who.person) != proposal["mentor_id"])
    wanted = taken | {"mentor_participation_id": str(other.participation)}
    for changes in ({"forbid": [taken]}, {"lock": [wanted]}):
        body = await _what_if(matching, cohort, run["run_id"], changes)
        assert body["state"] == "completed", body
        result = body["result"]
        assert (result["added"], result["removed"]) == (1, 1)
        assert result["pairs_added"] == [wanted | {"score": proposal["score"]}]
        assert result["pairs_removed"] == [taken | {"score": proposal["score"]}]
        assert result["base"] == result["draft"]
    nobody = await _what_if(matching, cohort, run["run_id"], {"minimum_grade_gap": 9})
    assert (nobody["result"]["draft"]["pairs"], nobody["result"]["removed"]) == (0, 1)
    capacity = [{"participation_id": taken["mentee_participation_id"], "capacity": 2}]
    more = await _what_if(matching, cohort, run["run_id"], {"capacities": capacity})
    assert (more["result"]["draft"]["coverage"], more["result"]["added"]) == (3, 1)
    manager = matching.manager(cohort)
    runs = (await manager.get(f"/v1/cohorts/{cohort.cohort}/runs")).json()["items"]
    assert [one["run_id"] for one in runs] == [run["run_id"]]
    assert len((await manager.get(f"/v1/runs/{run['run_id']}/what-ifs")).json()["items"]) == 4
    assert (await manager.get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"] == []
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200


async def test_a_what_if_that_locks_an_excluded_pair_says_why_it_is_refused(matching: Matching) -> None:
    cohort = world(1, 1)
    boss = cohort.mentor(manager_id=cohort.mentees[0].person)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    pair = {
        "mentor_participation_id": str(boss.participation),
        "mentee_participation_id": str(cohort.mentees[0].participation),
    }
    body = await _what_if(matching, cohort, run["run_id"], {"lock": [pair]})
    assert (body["state"], body["reason"]) == ("refused", "A locked pair is excluded: same reporting chain.")


@pytest.mark.requirement("R0-31")
async def test_locks_and_rejections_count_in_the_next_run(matching: Matching) -> None:
    cohort = world(2, 1)
    await matching.hear(*cohort.events)
    manager = matching.manager(cohort)
    seen = set()
    for _ in range(2):
        run = await matching.matched(cohort)
        (proposal,) = run["proposals"]["items"]
        seen.add(proposal["mentor_id"])
        path = f"/v1/runs/{run['run_id']}/proposals/{proposal['pair_id']}"
        await manager.post(f"{path}/rejection", {"reason": "wish_of_one"})
    assert seen == {str(who.person) for who in cohort.mentors}
    assert (await matching.matched(cohort))["proposals"]["items"] == []
    await manager.post(f"{path}/lock")
    (proposal,) = (await matching.matched(cohort))["proposals"]["items"]
    assert proposal["mentor_id"] in seen


async def test_what_ifs_of_a_cohort_come_one_after_the_other(matching: Matching) -> None:
    cohort = world()
    await matching.hear(*cohort.events)
    run_id, _ = await completed_run(matching, cohort, [(cohort.mentors[0], cohort.mentees[0])])
    manager = matching.manager(cohort)
    first = await manager.post(f"/v1/runs/{run_id}/what-ifs", {"minimum_grade_gap": 2})
    second = await manager.post(f"/v1/runs/{run_id}/what-ifs", {"minimum_grade_gap": 3})
    assert (first.status_code, second.status_code) == (202, 409)
    assert await execute_what_ifs(matching.worker)
    body = (await manager.get(first.headers["location"])).json()
    assert (body["state"], body["reason"]) == (
        "refused", "What the run was given has been erased; it cannot be solved again.",
    )  # fmt: skip
