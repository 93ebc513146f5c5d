"""Self mode through the HTTP API upon a real database: search, ask, answer; races, units, time, what changes meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.enrollment import CohortState, MatchingMode, ParticipantWithdrawn, ParticipationState, ProgramType
from contracts.identifiers import uuid7
from matching.application.close_impossible_requests import close_impossible_requests
from matching.application.expire_requests import expire_requests
from matching.application.remind_of_requests import remind_of_requests
from matching.entrypoints.mode_schedule import answer_searches, check_open_requests

from ..asking import asked, mode_world, searched
from ..events import Somebody, World
from ..running import Matching

pytestmark = pytest.mark.integration


async def accept(matching: Matching, path: str, who: Somebody) -> Any:
    """The answer to an acceptance."""
    return await matching.participant(who).post(f"{path}/acceptance")


async def paired(matching: Matching, cohort: World, asker: Somebody, partner: Somebody) -> dict[str, Any]:
    """Two who find each other; the manager's body of their pair."""
    await searched(matching, asker)
    path = await asked(matching, asker, partner)
    answer = await accept(matching, path, partner)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = (await matching.manager(cohort).get(f"/v1/pairs/{answer.json()['pair_id']}")).json()
    return body


@pytest.mark.requirement("R0-30", "R0-14", "R2-10", "R1-09")
async def test_one_mentor_and_one_mentee_are_a_pair_after_a_search_a_question_and_an_answer(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    search = await searched(matching, mentee)
    assert (search["state"], search["mode"], search["may_ask"], search["found"]) == ("completed", "self", True, 1)
    (found,) = search["people"]
    assert found["participation_id"] == str(mentor.participation)
    assert set(found) == {
        "participation_id", "offers", "asks", "shared_languages", "parts", "words", "has_free_place", "last_active_week",
    }  # fmt: skip
    assert (found["offers"], found["shared_languages"], found["has_free_place"]) == ({"technology.ai": 5}, ["en"], True)
    assert found["words"][0] == "The mentor offers ai (technology), which the mentee asks for."
    path = await asked(matching, mentee, mentor)
    seen = (await matching.participant(mentor).get(path)).json()
    assert (seen["partner_id"], seen["asked_by_you"], seen["topics"]) == (str(mentee.person), False, ["technology.ai"])
    assert (await matching.participant(mentee).get(path)).json()["partner_id"] is None
    assert (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"] == []
    answer = (await accept(matching, path, mentor)).json()
    assert answer["state"] == "accepted"
    assert await matching.outbox(answer["pair_id"]) == [("PairProposed", 1), ("PairFormed", 2)]
    formed = (await matching.events(answer["pair_id"]))[1].data
    assert (formed.mentor_id, formed.mentee_id, formed.cohort_id) == (mentor.person, mentee.person, cohort.cohort)
    assert str(formed.run_id) == answer["request_id"]
    (pair,) = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}&state=formed")).json()["items"]
    assert pair["pair_id"] == answer["pair_id"]
    (proposal,) = (await matching.participant(mentee).get("/v1/proposals")).json()["items"]
    assert (proposal["state"], proposal["partner_id"]) == ("formed", str(mentor.person))


@pytest.mark.requirement("R0-30", "RX-01")
async def test_where_the_program_says_so_mentors_ask_and_mentees_answer(matching: Matching) -> None:
    cohort = mode_world(asking_side="mentor")
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    assert (await searched(matching, mentee))["may_ask"] is False
    body = {"participation_id": str(mentee.participation), "partner_participation_id": str(mentor.participation)}
    refused = await matching.participant(mentee).post("/v1/requests", body)
    assert (refused.status_code, refused.json()["detail"]) == (409, "In this program the other side asks.")
    pair = await paired(matching, cohort, mentor, mentee)
    assert (pair["mentor_id"], pair["state"]) == (str(mentor.person), "formed")


@pytest.mark.requirement("R0-30", "R2-10")
async def test_a_late_joiner_finds_a_mentor_while_the_cohort_runs(matching: Matching) -> None:
    cohort = mode_world(2, 1)
    await matching.hear(*cohort.events)
    await paired(matching, cohort, cohort.mentees[0], cohort.mentors[0])
    await matching.hear(cohort.cohort_is(CohortState.ACTIVE, 2))
    before = len(cohort.events)
    late = cohort.mentee()
    await matching.hear(*cohort.events[before:])
    places = {one["participation_id"]: one["has_free_place"] for one in (await searched(matching, late))["people"]}
    taken, free = (str(who.participation) for who in cohort.mentors)
    assert places == {taken: False, free: True}
    body = {"participation_id": str(late.participation), "partner_participation_id": taken}
    assert (await matching.participant(late).post("/v1/requests", body)).status_code == 409
    path = await asked(matching, late, cohort.mentors[1])
    assert (await accept(matching, path, cohort.mentors[1])).status_code == 200


@pytest.mark.requirement("I6")
async def test_two_answers_racing_for_the_last_place_form_one_pair(matching: Matching) -> None:
    """The mentors belong to two units, neither of which sees the other's pair."""
    for _ in range(5):
        cohort = mode_world(1, 1)
        guest = cohort.mentor(unit=cohort.guest_unit)
        await matching.hear(*cohort.events)
        (mentee,) = cohort.mentees
        await searched(matching, mentee)
        paths = [await asked(matching, mentee, mentor) for mentor in cohort.mentors]
        answers = await asyncio.gather(
            *(accept(matching, path, mentor) for path, mentor in zip(paths, cohort.mentors, strict=True))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert lost.json()["detail"] == "The other person has found somebody else meanwhile."
        assert guest in cohort.mentors
        listed = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"]
        assert len(listed) == 1
        await matching.run(close_impossible_requests)
        states = {item["state"] for item in (await matching.participant(mentee).get("/v1/requests")).json()["items"]}
        assert states == {"accepted", "closed"}


@pytest.mark.requirement("S9")
async def test_the_same_question_sent_five_times_is_one_question(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    body = {"participation_id": str(mentee.participation), "partner_participation_id": str(mentor.participation)}
    person = matching.participant(mentee)
    answers = await asyncio.gather(*(person.post("/v1/requests", body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len((await person.get("/v1/requests")).json()["items"]) == 1


@pytest.mark.requirement("S9")
async def test_two_who_ask_each_other_at_the_same_moment_have_one_question(matching: Matching) -> None:
    cohort = mode_world(type=ProgramType.RECIPROCAL)
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    assert (await searched(matching, mentor))["may_ask"]
    both = [(mentor, mentee), (mentee, mentor)]
    answers = await asyncio.gather(
        *(
            matching.participant(one).post(
                "/v1/requests",
                {"participation_id": str(one.participation), "partner_participation_id": str(other.participation)},
            )
            for one, other in both
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.requirement("I7", "R3-25")
async def test_lines_through_other_units_hide_people_and_guests_form_pairs(matching: Matching) -> None:
    cohort = mode_world(1, 0)
    mentee = cohort.mentee(unit=cohort.guest_unit)
    boss = uuid7()
    cohort.person(boss, rank=5, unit=uuid7(), manager_id=mentee.person)
    cohort.mentor(manager_id=boss)
    await matching.hear(*cohort.events)
    people = (await searched(matching, mentee))["people"]
    assert [one["participation_id"] for one in people] == [str(cohort.mentors[0].participation)]
    path = await asked(matching, mentee, cohort.mentors[0])
    answer = (await accept(matching, path, cohort.mentors[0])).json()
    formed = (await matching.events(answer["pair_id"]))[-1].data
    assert set(formed.named_unit_ids) == {cohort.unit, cohort.guest_unit}


@pytest.mark.requirement("S1", "S4", "S8")
async def test_what_is_somebody_elses_looks_like_nothing(matching: Matching) -> None:
    cohort, other = mode_world(2, 2), mode_world()
    await matching.hear(*cohort.events, *other.events)
    mentee, second = cohort.mentees
    search = await searched(matching, mentee)
    await searched(matching, second)
    path = await asked(matching, mentee, cohort.mentors[0])
    nothing = (await matching.participant(mentee).get(f"/v1/requests/{uuid4()}")).content
    for stranger in (second, other.mentees[0], Somebody(uuid4(), uuid4(), cohort.unit, mentee.role)):
        person = matching.participant(stranger)
        answers = [
            await person.get(path),
            await person.get(f"/v1/searches/{search['search_id']}"),
            await person.get(f"/v1/searches/{search['search_id']}/people"),
            await person.get(f"/v1/participations/{mentee.participation}/preferences"),
            await person.post(f"/v1/participations/{mentee.participation}/searches"),
            *[await person.post(f"{path}/{what}") for what in ("acceptance", "decline", "withdrawal")],
            await person.call("PUT", f"/v1/participations/{mentee.participation}/preferences", json={"ranked": []}),
            await person.post(
                "/v1/requests",
                {
                    "participation_id": str(mentee.participation),
                    "partner_participation_id": str(cohort.mentors[0].participation),
                },
            ),
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(404, nothing)}
    for unseen in (other.mentors[0].participation, uuid4(), mentee.participation):
        body = {"participation_id": str(second.participation), "partner_participation_id": str(unseen)}
        refused = await matching.participant(second).post("/v1/requests", body)
        assert (refused.status_code, refused.content) == (404, nothing)


@pytest.mark.requirement("S6")
@pytest.mark.parametrize("owned", ["business_unit_id", "asker", "state", "capacity", "created_by", "score"])
async def test_what_the_service_decides_is_not_taken_from_outside(matching: Matching, owned: str) -> None:
    body = {"participation_id": str(uuid4()), "partner_participation_id": str(uuid4()), owned: "x"}
    refused = await matching.person(uuid4(), uuid4()).post("/v1/requests", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == f"/{owned}"


@pytest.mark.requirement("R3-25", "N2")
async def test_a_new_line_between_the_two_ends_the_question_before_it_can_be_answered(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    path = await asked(matching, mentee, mentor)
    await matching.hear(cohort.person(mentor.person, rank=2, manager_id=mentee.person, sequence=2))
    waiting = await accept(matching, path, mentor)
    assert (waiting.status_code, waiting.json()["detail"]) == (
        409, "Something about one of you has changed and is being looked at.",
    )  # fmt: skip
    await check_open_requests(matching.worker)
    assert (await matching.participant(mentor).get(path)).json()["state"] == "closed"
    assert (await accept(matching, path, mentor)).status_code == 409


async def test_a_change_that_makes_no_conflict_lets_the_question_stand(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    path = await asked(matching, mentee, mentor)
    await matching.hear(cohort.person(mentor.person, rank=3, sequence=2), cohort.participation(mentee, 2, capacity=2))
    assert (await accept(matching, path, mentor)).status_code == 409
    await check_open_requests(matching.worker)
    assert (await accept(matching, path, mentor)).status_code == 200


async def test_a_program_that_changes_its_rules_looks_at_its_questions_again(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    path = await asked(matching, mentee, mentor)
    await matching.hear(cohort.program_chartered(2, matching_mode=MatchingMode.SELF, minimum_grade_gap=9))
    await check_open_requests(matching.worker)
    assert (await matching.participant(mentor).get(path)).json()["state"] == "closed"


@pytest.mark.requirement("R3-25")
async def test_a_conflict_that_is_registered_ends_the_question(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    path = await asked(matching, mentee, mentor)
    body = {"person_id": str(mentor.person), "other_id": str(mentee.person), "reason": "family"}
    registered = await matching.manager(cohort).post("/v1/conflicts", body)
    assert registered.status_code == 201, registered.text
    assert (await accept(matching, path, mentor)).status_code == 409
    await check_open_requests(matching.worker)
    assert (await matching.participant(mentor).get(path)).json()["state"] == "closed"
    matching.clock.move(timedelta(minutes=2))
    try:
        assert (await searched(matching, mentee))["people"] == []
    finally:
        matching.clock.move(timedelta(minutes=-2))


async def test_time_reminds_once_and_ends_the_question(matching: Matching) -> None:
    cohort = mode_world(request_days=14, request_reminder_days=7)
    await matching.hear(*cohort.events)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    await searched(matching, mentee)
    path = await asked(matching, mentee, mentor)
    person = matching.participant(mentor)
    matching.clock.move(timedelta(days=7))
    try:
        for _ in range(2):
            await matching.run(remind_of_requests)
        reminded = (await person.get(path)).json()["reminded_at"]
        assert reminded is not None
        told = [item["kind"] for item in (await person.get("/v1/notices/mine")).json()["items"]]
        assert told == ["request_received", "request_reminder"]
        assert (await matching.participant(mentee).get("/v1/notices/mine")).json()["items"] == []
        assert (await matching.manager(cohort).get("/v1/notices")).json()["items"] == []
        matching.clock.move(timedelta(days=7))
        assert (await accept(matching, path, mentor)).status_code == 409
        await matching.run(remind_of_requests)
        await matching.run(expire_requests)
        body = (await person.get(path)).json()
        assert (body["state"], body["reminded_at"]) == ("expired", reminded)
    finally:
        matching.clock.move(timedelta(days=-14))


async def test_who_withdraws_is_not_asked_and_not_found_any_more(matching: Matching) -> None:
    cohort = mode_world(2, 1)
    await matching.hear(*cohort.events)
    (mentee,) = cohort.mentees
    search = await searched(matching, mentee)
    path = await asked(matching, mentee, cohort.mentors[0])
    await matching.run(close_impossible_requests)
    assert (await matching.participant(mentee).get(path)).json()["state"] == "open"
    await matching.hear(
        cohort.participation(cohort.mentors[0], 2, model=ParticipantWithdrawn, state=ParticipationState.WITHDRAWN)
    )
    await matching.run(close_impossible_requests)
    assert (await matching.participant(mentee).get(path)).json()["state"] == "closed"
    people = (await matching.participant(mentee).get(f"/v1/searches/{search['search_id']}/people")).json()["items"]
    assert [one["participation_id"] for one in people] == [str(cohort.mentors[1].participation)]


async def test_a_dissolved_pair_frees_its_places_for_questions(matching: Matching) -> None:
    cohort = mode_world(1, 2)
    await matching.hear(*cohort.events)
    pair = await paired(matching, cohort, cohort.mentees[0], cohort.mentors[0])
    assert not (await searched(matching, cohort.mentees[1]))["people"][0]["has_free_place"]
    await matching.hear(cohort.dissolved(pair))
    path = await asked(matching, cohort.mentees[1], cohort.mentors[0])
    assert (await accept(matching, path, cohort.mentors[0])).status_code == 200


async def test_people_come_in_pages_in_the_order_of_fit(matching: Matching) -> None:
    cohort = mode_world(5, 1)
    await matching.hear(*cohort.events)
    (mentee,) = cohort.mentees
    search = await searched(matching, mentee)
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        path = f"/v1/searches/{search['search_id']}/people?limit=2" + (f"&cursor={following}" if following else "")
        body = (await matching.participant(mentee).get(path)).json()
        seen += [one["participation_id"] for one in body["items"]]
        following = body["next"]
    assert seen == [one["participation_id"] for one in search["people"]]
    assert len(set(seen)) == 5


async def test_the_words_are_in_the_readers_language(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentee,) = cohort.mentees
    search = await searched(matching, mentee)
    path = f"/v1/searches/{search['search_id']}/people"
    german = (await matching.participant(mentee).get(path, accept_language="de-CH, en;q=0.5")).json()["items"]
    assert german[0]["words"][0].startswith("Die Mentorin oder der Mentor bietet")


async def test_a_search_that_nobody_has_answered_waits_and_is_one(matching: Matching) -> None:
    cohort = mode_world()
    await matching.hear(*cohort.events)
    (mentee,) = cohort.mentees
    person = matching.participant(mentee)
    path = f"/v1/participations/{mentee.participation}/searches"
    started = [await person.post(path) for _ in range(3)]
    assert len({answer.json()["search_id"] for answer in started}) == 1
    body = {"participation_id": str(mentee.participation), "partner_participation_id": str(uuid4())}
    assert (await person.post("/v1/requests", body)).status_code == 409
    assert await answer_searches(matching.worker)
    assert not await answer_searches(matching.worker)
    assert UUID(started[0].json()["search_id"])
