"""Matching whole, in process, between a real broker and a real database: others' facts come in, its own go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.testing import Wire, names, settings_on, until
from contracts.fields import Role
from contracts.identifiers import opaque_code, uuid7
from matching.bootstrap import audit_key_of, settings_of
from matching.entrypoints.relay import PUBLISHES
from matching.settings import Settings
from updraft.topics import apply_topics

from ..asking import mode_world
from ..events import Somebody, World, world
from ..running import Matching
from ..standing import put_together

# All in this one file, so in one process: two consumers of one group would share the topics between two databases.
pytestmark = pytest.mark.component

FIRST_RUN_SECONDS = 120.0
"""A process that judges pairs for the first time compiles the rules, which takes a minute of a slow machine."""


@dataclass
class Stage:
    """The running service and the broker beside it."""

    service: Matching
    wire: Wire


@pytest.fixture(scope="module")
async def stage(make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("matching", migrated=True)
    settings = settings_on(Settings, database, tmp_path_factory.mktemp("keys"), kafka=kafka.bootstrap)
    async with (
        Matching(settings) as running,
        running.at_work(),
        Wire(kafka.bootstrap, PUBLISHES) as wire,
    ):
        yield Stage(running, wire)


async def _matched(stage: Stage, cohort: World) -> dict[str, Any]:
    """Ask for a run as soon as the cohort is known, and wait until the worker has executed it."""
    manager = stage.service.manager(cohort)

    async def started() -> Any:
        answer = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs")
        return answer if answer.status_code == 202 else None

    location = (await until(started, "knowing the cohort")).headers["location"]

    async def completed() -> Any:
        body = (await manager.get(location)).json()
        return body if body["state"] not in ("queued", "running") else None

    run: dict[str, Any] = await until(completed, "executing the run", seconds=FIRST_RUN_SECONDS)
    assert run["state"] == "completed", run
    return run


async def _everybody_known(stage: Stage, cohort: World) -> None:
    people = len(cohort.mentors) + len(cohort.mentees)

    async def known() -> bool:
        async with stage.service.worker.database.read() as session:
            driver = await session.driver()
            number = await driver.fetchval(
                "SELECT count(*) FROM known_participations JOIN known_people USING (person_id) WHERE cohort_id = $1",
                cohort.cohort,
            )
        return bool(number == people)

    await until(known, "hearing of everybody")


@pytest.mark.requirement("I4", "R1-09", "R1-08")
async def test_from_others_events_to_formed_pairs_and_back(stage: Stage) -> None:
    cohort = world(3, 2)
    await stage.wire.send(*cohort.events[::-1])
    await _everybody_known(stage, cohort)
    run = await _matched(stage, cohort)
    manager = stage.service.manager(cohort)
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200
    people = {str(who.person): stage.service.participant(who) for who in (*cohort.mentors, *cohort.mentees)}
    formed, declined = run["proposals"]["items"]
    for side in ("mentor_id", "mentee_id"):
        assert (await people[formed[side]].post(f"/v1/proposals/{formed['pair_id']}/acceptance")).status_code == 200
    assert (await people[declined["mentor_id"]].post(f"/v1/proposals/{declined['pair_id']}/decline")).status_code == 200

    async def told() -> bool:
        return (
            names(await stage.wire.about(run["run_id"])) == [("MatchRunCompleted", 1), ("MatchRunReleased", 2)]
            and names(await stage.wire.about(formed["pair_id"])) == [("PairProposed", 1), ("PairFormed", 2)]
            and names(await stage.wire.about(declined["pair_id"])) == [("PairProposed", 1), ("PairDeclined", 2)]
        )

    await until(told, "telling everybody")
    await stage.wire.send(cohort.dissolved(formed))

    async def places_are_free() -> bool:
        body: dict[str, Any] = (await manager.get(f"/v1/pairs/{formed['pair_id']}")).json()
        return bool(body["ended"])

    await until(places_are_free, "freeing the places")
    again = await _matched(stage, cohort)
    assert again["certificate"]["counts"]["mentee_places"] == 2
    assert {pair["mentee_id"] for pair in again["proposals"]["items"]} == {str(who.person) for who in cohort.mentees}


async def test_silence_ends_a_proposal(stage: Stage) -> None:
    cohort = world()
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    run = await _matched(stage, cohort)
    await stage.service.manager(cohort).post(f"/v1/runs/{run['run_id']}/release")
    (pair,) = run["proposals"]["items"]
    stage.service.clock.move(timedelta(days=14))

    async def expired() -> bool:
        return names(await stage.wire.about(pair["pair_id"])) == [("PairProposed", 1), ("PairExpired", 2)]

    await until(expired, "expiring")


@pytest.mark.requirement("R3-25", "I6")
async def test_no_pair_of_a_company_of_three_units_crosses_a_chain_or_a_team(stage: Stage) -> None:
    """The lines are laid out here and climbed here; nothing of the service is used to judge its result."""
    cohort = World()
    cohort.program_chartered()
    cohort.cohort_is()
    units = [cohort.unit, cohort.guest_unit, uuid7()]
    superior: dict[UUID, UUID | None] = {}
    dotted: dict[UUID, UUID] = {}
    team: dict[UUID, str] = {}
    # A tree of five levels and three reports each, its levels spread over the units, teams and dotted lines across.
    people: list[tuple[UUID, int]] = [(uuid7(), 5)]
    superior[people[0][0]] = None
    for place, (one, rank) in enumerate(people):
        if rank > 1:
            for _ in range(3):
                below = uuid7()
                people.append((below, rank - 1))
                superior[below] = one
        if place % 7 == 6:
            dotted[one] = people[place // 2][0]
    for place, (one, rank) in enumerate(people):
        manager = superior[one]
        team[one] = opaque_code(f"team {place % 11}")
        cohort.person(
            one,
            rank=rank,
            unit=units[rank % 3],
            manager_id=manager,
            dotted_line_manager_ids=(dotted[one],) if one in dotted else (),
            team_code=team[one],
        )
    for place, (one, rank) in enumerate(people):
        if place % 2:
            continue
        mentor = rank == 1
        who = Somebody(one, uuid7(), units[rank % 3], Role.MENTOR if mentor else Role.MENTEE)
        (cohort.mentors if mentor else cohort.mentees).append(who)
        cohort.participation(who, capacity=1 if mentor else 2)
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    run = await _matched(stage, cohort)
    assert run["certificate"]["excluded"]["reporting_chain"] > 0
    assert run["certificate"]["excluded"]["same_team"] > 0
    # Everybody has room for two but the head of the company, who stands above all of them.
    assert run["proposal_count"] == 2 * (len(cohort.mentees) - 1)

    def above(one: UUID) -> set[UUID]:
        found: set[UUID] = set()
        frontier = [one]
        while frontier:
            here = frontier.pop()
            for boss in (superior[here], dotted.get(here)):
                if boss is not None and boss not in found:
                    found.add(boss)
                    frontier.append(boss)
        return found

    listed = (await stage.service.manager(cohort).get(f"/v1/runs/{run['run_id']}/proposals?limit=200")).json()
    assert len(listed["items"]) == run["proposal_count"]
    for pair in listed["items"]:
        mentor_id, mentee_id = UUID(pair["mentor_id"]), UUID(pair["mentee_id"])
        assert mentee_id not in above(mentor_id)
        assert mentor_id not in above(mentee_id)
        assert team[mentor_id] != team[mentee_id]


@pytest.mark.requirement("N2", "R3-25", "I4")
async def test_a_conflict_pauses_a_formed_pair_within_seconds_and_a_correction_lets_it_go_on(stage: Stage) -> None:
    cohort = world()
    director = uuid7()
    cohort.person(director, rank=6)
    cohort.person(cohort.mentors[0].person, rank=2, manager_id=director, sequence=2)
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    pair_id = await put_together(stage.service, cohort, cohort.mentors[0], cohort.mentees[0])
    both: dict[str, Any] = {"change_set_id": uuid7(), "change_set_size": 2}
    under_the_mentee = {"manager_id": cohort.mentees[0].person}
    await stage.wire.send(
        cohort.person(director, rank=6, sequence=2, **under_the_mentee, change_set_index=0, **both),
    )

    async def heard() -> bool:
        return bool(await stage.service.sql("SELECT FROM guard_marks WHERE pair_id = $1", pair_id))

    await until(heard, "hearing of half the change")
    await asyncio.sleep(1)
    assert await stage.wire.about(pair_id) == []
    await stage.wire.send(cohort.person(uuid7(), rank=1, change_set_index=1, **both))

    async def paused() -> bool:
        return names(await stage.wire.about(pair_id)) == [("PairQuarantined", 3)]

    await until(paused, "pausing the pair")
    participant = stage.service.participant(cohort.mentors[0])
    (notice,) = (await participant.get("/v1/notices/mine")).json()["items"]
    assert notice["kind"] == "pair_paused"
    await stage.wire.send(cohort.person(director, rank=6, sequence=3))

    async def goes_on() -> bool:
        return names(await stage.wire.about(pair_id)) == [("PairQuarantined", 3), ("PairReinstated", 4)]

    await until(goes_on, "letting the pair go on")


@pytest.mark.requirement("R0-30", "R0-14", "R2-10", "R1-09")
async def test_a_mentee_finds_their_own_mentor(stage: Stage) -> None:
    """A search, a question and an answer, with the worker's part in between done by its schedule."""
    cohort = mode_world()
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    (mentor,), (mentee,) = cohort.mentors, cohort.mentees
    asking, asked = stage.service.participant(mentee), stage.service.participant(mentor)

    async def started() -> Any:
        answer = await asking.post(f"/v1/participations/{mentee.participation}/searches")
        return answer if answer.status_code == 202 else None

    location = (await until(started, "knowing the cohort")).headers["location"]

    async def found() -> Any:
        return (await asking.get(f"{location}/people")).json()["items"]

    (one,) = await until(found, "answering the search", seconds=FIRST_RUN_SECONDS)
    body = {"participation_id": str(mentee.participation), "partner_participation_id": one["participation_id"]}
    path = (await asking.post("/v1/requests", body)).headers["location"]

    async def shown() -> bool:
        return (await asked.get(path)).status_code == 200

    await until(shown, "checking the request", seconds=FIRST_RUN_SECONDS)
    answer = await asked.post(f"{path}/acceptance")
    assert answer.status_code == 200, answer.text
    pair_id = answer.json()["pair_id"]

    async def told() -> bool:
        return names(await stage.wire.about(pair_id)) == [("PairProposed", 1), ("PairFormed", 2)]

    await until(told, "telling everybody")


@pytest.mark.requirement("S21", "N3", "I4")
async def test_what_a_run_was_given_goes_with_a_person_who_is_erased(stage: Stage) -> None:
    cohort = world(3, 2)
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    run = await _matched(stage, cohort)
    manager, path = stage.service.manager(cohort), f"/v1/runs/{run['run_id']}"
    assert (await manager.get(path)).json()["replayable"]
    gone = cohort.mentors[0]
    pair_id = await put_together(stage.service, cohort, gone, cohort.mentees[0])
    await stage.wire.send(*cohort.erased(gone))

    async def forgotten() -> bool:
        return (await manager.get(path)).json()["replayable"] is False

    await until(forgotten, "forgetting what the run was given")
    again = (await manager.get(f"{path}/replay")).json()
    assert (again["replayable"], again["certificate_hash"]) == (False, run["certificate_hash"])

    async def paused() -> bool:
        return names(await stage.wire.about(pair_id)) == [("PairQuarantined", 3)]

    await until(paused, "pausing the pair")


@pytest.mark.requirement("N15", "N7", "R3-17")
async def test_from_consents_to_the_pack_of_a_released_run_and_a_withdrawal(stage: Stage) -> None:
    """Consents come after the run and before its release; a withdrawal comes after the pack, which stays."""
    cohort = world(12, 11)
    await stage.wire.send(*cohort.events)
    await _everybody_known(stage, cohort)
    run = await _matched(stage, cohort)
    key = audit_key_of(settings_of(stage.service.worker))
    people = (*cohort.mentors, *cohort.mentees)
    await stage.wire.send(
        *(
            cohort.consents(who, key, gender="woman" if number % 2 else "man", age_band="under_35")
            for number, who in enumerate(people)
        )
    )

    async def consents_known() -> bool:
        rows = await stage.service.sql(
            "SELECT FROM known_audit_groups WHERE cohort_id = $1 AND codes <> '{}'", cohort.cohort
        )
        return len(rows) == len(people)

    await until(consents_known, "hearing of the consents")
    manager = stage.service.manager(cohort)
    path = f"/v1/runs/{run['run_id']}/governance-pack"
    assert (await manager.get(path)).status_code == 409
    assert (await manager.post(f"/v1/runs/{run['run_id']}/release")).status_code == 200

    async def computed() -> Any:
        answer = await manager.get(path)
        return answer if answer.status_code == 200 else None

    answer = await until(computed, "computing the pack", seconds=FIRST_RUN_SECONDS)
    (mentors,) = (side for side in answer.json()["sides"] if side["role"] == "mentor")
    shown = {
        cut["dimension"]: {group["group"]: group["people"] for group in cut["groups"]} for cut in mentors["dimensions"]
    }
    assert shown == {"age_band": {}, "disability": {}, "ethnicity": {}, "gender": {"woman": 6, "man": 6}}
    gone = cohort.mentors[0]
    await stage.wire.send(cohort.consents(gone, key, 2))

    async def forgotten() -> bool:
        codes, cells = [
            await stage.service.sql(statement, gone.participation)
            for statement in (
                "SELECT FROM known_audit_groups WHERE participation_id = $1 AND codes <> '{}'",
                "SELECT FROM governance_cells WHERE $1 = ANY (members)",
            )
        ]
        return not codes and not cells

    await until(forgotten, "forgetting what was declared")
    assert (await manager.get(path)).text == answer.text
