"""Somebody is erased: facts and what runs were given go, pairs are judged as those of people who have left."""

from __future__ import annotations

from itertools import permutations
from uuid import UUID

import pytest
from matching.application.execute_run import begin_run, keep_run
from matching.entrypoints.schedule import execute_runs, guard_pairs

from ..asking import fill_mode_tables
from ..events import World, world
from ..running import Matching
from ..standing import put_together

pytestmark = pytest.mark.integration


async def rows_of(matching: Matching, person: UUID) -> str:
    """What is known of the person, as text."""
    found = await matching.sql(
        "SELECT row_to_json(k)::text AS text FROM known_people k WHERE person_id = $1"
        " UNION ALL SELECT row_to_json(k)::text FROM known_participations k WHERE person_id = $1"
        " UNION ALL SELECT row_to_json(k)::text FROM searches k WHERE person_id = $1"
        " UNION ALL SELECT row_to_json(k)::text FROM preferences k WHERE person_id = $1"
        " UNION ALL SELECT row_to_json(k)::text FROM run_unmatched k WHERE person_id = $1",
        person,
    )
    return " ".join(row["text"] for row in found)


@pytest.mark.requirement("S21", "N3", "N2")
async def test_facts_and_inputs_go_and_the_pair_is_paused(matching: Matching) -> None:
    cohort, other = world(3, 2), world()
    await matching.hear(*cohort.events, *other.events)
    run, unconcerned = await matching.matched(cohort), await matching.matched(other)
    gone = cohort.mentees[0]
    await fill_mode_tables(matching, cohort, run["proposals"]["items"][0])
    pair_id = await put_together(matching, cohort, cohort.mentors[2], gone)
    while await guard_pairs(matching.worker):
        pass
    assert "technology" in await rows_of(matching, gone.person)

    await matching.hear(*cohort.erased(gone))
    while await guard_pairs(matching.worker):
        pass
    left = await rows_of(matching, gone.person)
    for fact in ("technology", "Europe/Paris", "emea", "found", "ranked"):
        assert fact not in left, fact
    assert '"employed":false' in left
    manager = matching.manager(cohort)
    path = f"/v1/runs/{run['run_id']}"
    shown = (await manager.get(path)).json()
    assert (shown["replayable"], shown["certificate"]) == (False, run["certificate"])
    replay = (await manager.get(f"{path}/replay")).json()
    assert (replay["replayable"], replay["identical"]) == (False, None)
    assert (await manager.get(f"{path}/comparison")).status_code == 409
    assert (await manager.post(f"{path}/release")).status_code == 409
    (paused,) = (await manager.get(f"/v1/quarantine?cohort_id={cohort.cohort}")).json()["items"]
    assert (paused["pair_id"], paused["rules"], paused["can_be_waived"]) == (str(pair_id), ["not_employed"], False)
    assert await matching.outbox(pair_id) == [("PairQuarantined", 3)]
    kept = (await matching.manager(other).get(f"/v1/runs/{unconcerned['run_id']}/replay")).json()
    assert (kept["replayable"], kept["identical"]) == (True, True)


@pytest.mark.requirement("S21", "F10")
async def test_in_whatever_order_it_is_heard_nothing_comes_back(matching: Matching) -> None:
    for order in permutations(range(3)):
        cohort = world(1, 1)
        gone = cohort.mentors[0]
        late = cohort.events.pop(next(n for n, each in enumerate(cohort.events) if each.subject == gone.person))
        erased = cohort.erased(gone)
        await matching.hear(*(each for each in cohort.events if each not in erased))
        events = [late, *erased]
        for place in order:
            await matching.hear(events[place])
        left = await rows_of(matching, gone.person)
        assert "technology" not in left
        assert "emea" not in left
        assert '"employed":false' in left


@pytest.mark.requirement("S21", "F21")
async def test_a_run_that_is_solving_begins_again_without_the_person(matching: Matching) -> None:
    cohort = world(3, 2)
    await matching.hear(*cohort.events)
    manager = matching.manager(cohort)
    started = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs")
    async with matching.worker.committed() as uow:
        claimed = await begin_run(uow, settle_seconds=0.0)
    assert claimed is not None
    await matching.hear(*cohort.erased(cohort.mentors[0]))
    async with matching.worker.committed() as uow:
        assert not await keep_run(claimed, uow, ("solve", 500))
    assert await execute_runs(matching.worker)
    run = (await manager.get(started.headers["location"])).json()
    assert (run["state"], run["replayable"]) == ("completed", True)
    (kept,) = await matching.sql("SELECT attempts FROM runs WHERE run_id = $1", UUID(run["run_id"]))
    assert kept["attempts"] == 2
    assert str(cohort.mentors[0].person) not in str(run["proposals"])
    assert run["certificate"]["counts"]["mentors"] == 2


@pytest.mark.requirement("N4", "R3-06", "R0-31")
async def test_a_run_is_compared_with_two_well_known_ways(matching: Matching) -> None:
    cohort = World()
    cohort.program_chartered()
    cohort.cohort_is()
    for rank in (2, 3):
        cohort.mentor(rank=rank)
    cohort.mentee(unit=cohort.guest_unit)
    cohort.mentee()
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager, path = matching.manager(cohort), f"/v1/runs/{run['run_id']}/comparison"
    answer = await manager.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    reached = {level["level"]: level["value"] for level in run["certificate"]["objective"]}
    assert (found["run"]["pairs"], found["run"]["score"], found["run"]["worst"]) == (
        2, reached["score"], run["certificate"]["counts"]["lowest_score"],
    )  # fmt: skip
    assert (found["run"]["mentors_unmatched"], found["run"]["mentees_unmatched"]) == (0, 0)
    assert found["run"]["across_units"] == 1
    assert found["allowed_pairs"] == run["certificate"]["counts"]["allowed_pairs"] == 4
    assert found["greedy"] == found["stable"]
    assert found["greedy"]["blocking_by_score"] == 0
    assert (await matching.manager(world()).get(path)).status_code == 404
    assert (await matching.participant(cohort.mentors[0]).get(path)).status_code == 403
