"""What users of other systems complain about, through the HTTP API upon a real database: late joiners left out, approvals
racing, leavers whose pairs stay open; and the formations that few systems have.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from contracts.enrollment import EmploymentState, MatchingMode, PersonLeft, ProgramType, TopicLevel
from contracts.envelope import Envelope
from matching.application.close_abandoned_proposals import close_abandoned_proposals
from matching.application.close_impossible_requests import close_impossible_requests
from matching.entrypoints.schedule import execute_runs

from ..asking import asked, mode_world, searched
from ..events import NOW, Somebody, World, world
from ..running import Matching

pytestmark = pytest.mark.integration

AI, DATA = TopicLevel(topic="technology.ai", level=4), TopicLevel(topic="technology.data", level=4)


async def accept_both(matching: Matching, cohort: World, pair_id: str) -> None:
    """Both people of a released proposal accept it."""
    pair = (await matching.manager(cohort).get(f"/v1/pairs/{pair_id}")).json()
    for who in (*cohort.mentors, *cohort.mentees):
        if str(who.participation) in (pair["mentor_participation_id"], pair["mentee_participation_id"]):
            answer = await matching.participant(who).post(f"/v1/proposals/{pair_id}/acceptance")
            assert answer.status_code == 200, answer.text


def left(cohort: World, who: Somebody) -> Envelope[PersonLeft]:
    """Somebody leaves the company."""
    said = cohort.person(who.person, rank=8, sequence=2).data.model_dump() | {"state": EmploymentState.LEFT}
    return Envelope.of(PersonLeft(**said), sequence=2, time=NOW)


@pytest.mark.requirement("R0-31", "I6")
async def test_a_rematch_takes_late_joiners_in_and_touches_no_accepted_pair(matching: Matching) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager = matching.manager(cohort)
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200
    before = {item["pair_id"]: item for item in run["proposals"]["items"]}
    for pair_id in before:
        await accept_both(matching, cohort, pair_id)
    formed = {pair_id: (await manager.get(f"/v1/pairs/{pair_id}")).json() for pair_id in before}
    heard = len(cohort.events)
    late = cohort.mentee()
    await matching.hear(*cohort.events[heard:])
    started = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", {"keep": run["run_id"]})
    assert started.status_code == 202, started.text
    assert await execute_runs(matching.worker)
    again = (await manager.get(started.headers["location"])).json()
    (joined,) = again["proposals"]["items"]
    assert joined["mentee_participation_id"] == str(late.participation)
    assert joined["mentor_participation_id"] not in {pair["mentor_participation_id"] for pair in formed.values()}
    assert (await manager.post(f"/v1/runs/{again['run_id']}/release")).status_code == 200
    assert {pair_id: (await manager.get(f"/v1/pairs/{pair_id}")).json() for pair_id in before} == formed


@pytest.mark.requirement("I6")
async def test_a_mentor_who_accepts_two_at_the_same_moment_gets_one(matching: Matching) -> None:
    for _ in range(5):
        cohort = mode_world(1, 2)
        await matching.hear(*cohort.events)
        (mentor,) = cohort.mentors
        paths = []
        for mentee in cohort.mentees:
            await searched(matching, mentee)
            paths.append(await asked(matching, mentee, mentor))
        person = matching.participant(mentor)
        answers = await asyncio.gather(*(person.post(f"{path}/acceptance") for path in paths * 2))
        assert 200 in {answer.status_code for answer in answers}
        assert {answer.status_code for answer in answers} == {200, 409}
        listed = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}")).json()["items"]
        assert len(listed) == 1


@pytest.mark.requirement("I6", "N2")
async def test_a_leaver_leaves_no_proposal_and_no_question_open(matching: Matching) -> None:
    proposed = world()
    await matching.hear(*proposed.events)
    (pair,) = await matching.released(proposed)
    await matching.hear(left(proposed, proposed.mentors[0]))
    await matching.run(close_abandoned_proposals)
    assert (await matching.manager(proposed).get(f"/v1/pairs/{pair['pair_id']}")).json()["state"] == "declined"
    questioned = mode_world()
    await matching.hear(*questioned.events)
    await searched(matching, questioned.mentees[0])
    path = await asked(matching, questioned.mentees[0], questioned.mentors[0])
    await matching.hear(left(questioned, questioned.mentors[0]))
    await matching.run(close_impossible_requests)
    assert (await matching.participant(questioned.mentees[0]).get(path)).json()["state"] == "closed"


@pytest.mark.requirement("R4-09")
async def test_a_second_mentor_comes_after_everybodys_first_over_the_api(matching: Matching) -> None:
    cohort = World()
    cohort.program_chartered(mentors_per_mentee=2)
    cohort.cohort_is()
    for _ in range(3):
        cohort.mentor()
    for _ in range(2):
        cohort.mentee()
    await matching.hear(*cohort.events)
    proposals = await matching.released(cohort)
    taken = Counter(proposal["mentee_participation_id"] for proposal in proposals)
    assert sorted(taken.values()) == [1, 2]
    assert len({proposal["mentor_participation_id"] for proposal in proposals}) == 3
    for proposal in proposals:
        await accept_both(matching, cohort, proposal["pair_id"])
    formed = (await matching.manager(cohort).get(f"/v1/pairs?cohort_id={cohort.cohort}&state=formed")).json()["items"]
    assert len(formed) == 3


@pytest.mark.requirement("R4-09", "R4-15", "R1-09")
async def test_a_reciprocal_program_from_the_run_to_the_pair(matching: Matching) -> None:
    """One pair of equal grades teaches both ways, one is led by what only the mentee can teach."""
    cohort = World()
    cohort.program_chartered(type=ProgramType.RECIPROCAL, asking_side=None)
    cohort.cohort_is()
    both = cohort.mentor(rank=5, offers=(AI,), asks=(DATA,))
    learner = cohort.mentor(rank=9, offers=(), asks=(AI,))
    cohort.mentee(rank=5, offers=(DATA,), asks=(AI,))
    cohort.mentee(rank=2, offers=(AI,), asks=())
    await matching.hear(*cohort.events)
    proposals = await matching.released(cohort)
    by_mentor = {proposal["mentor_participation_id"]: proposal for proposal in proposals}
    taught = {
        mentor: {(topic["topic"], topic["teacher"]) for topic in proposal["topics"]}
        for mentor, proposal in by_mentor.items()
    }
    assert taught == {
        str(both.participation): {("technology.ai", "mentor"), ("technology.data", "mentee")},
        str(learner.participation): {("technology.ai", "mentee")},
    }
    pair_id = by_mentor[str(learner.participation)]["pair_id"]
    await accept_both(matching, cohort, pair_id)
    assert await matching.outbox(pair_id) == [("PairProposed", 1), ("PairFormed", 2)]
    formed = (await matching.events(pair_id))[1].data
    assert (formed.mentor_participation_id, formed.grade_gap) == (learner.participation, -7)


@pytest.mark.requirement("R4-09", "R0-30")
async def test_in_a_reciprocal_program_either_side_finds_the_other(matching: Matching) -> None:
    cohort = mode_world(0, 0, MatchingMode.SELF, type=ProgramType.RECIPROCAL)
    mentor = cohort.mentor(rank=5, offers=(AI,), asks=(DATA,))
    mentee = cohort.mentee(rank=5, offers=(DATA,), asks=(AI,))
    await matching.hear(*cohort.events)
    for asker, partner in ((mentor, mentee), (mentee, mentor)):
        assert (await searched(matching, asker))["may_ask"]
        path = await asked(matching, asker, partner)
        verb = "withdrawal" if asker is mentor else "acceptance"
        answer = await matching.participant(mentor).post(f"{path}/{verb}")
        assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "accepted"
