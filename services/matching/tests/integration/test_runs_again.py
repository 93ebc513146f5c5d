"""What a run keeps for later: its input for a replay, its prices for a re-match, and what is asked about its proposals."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.enrollment import LanguageSkill, ParticipantWithdrawn, ParticipationState
from contracts.fields import LanguageLevel
from contracts.identifiers import opaque_code
from matching.adapters import rows
from matching.adapters.tables import known_participations, known_people
from matching.domain.run_start import start_of
from matching.entrypoints.schedule import execute_runs
from sqlalchemy import select

from ..events import world
from ..running import Matching

pytestmark = pytest.mark.integration


async def _record(matching: Matching, run_id: str, name: str) -> bytes | None:
    async with matching.worker.committed() as uow:
        content: bytes | None = await uow.run_records.get(UUID(run_id), name)
    return content


async def test_people_read_in_stretches_are_what_their_rows_say(matching: Matching) -> None:
    cohort = world(3, 2)
    cohort.mentor(team_code=opaque_code("a team"), languages=(LanguageSkill(language="fr", level=LanguageLevel.B2),))
    await matching.hear(*cohort.events)
    async with matching.worker.committed() as uow:
        read = await uow.known_participations.of_cohort(cohort.cohort)
        chosen = await uow.known_participations.by_ids([one.participation_id for one in read[:2]])
        people = await uow.known_people.with_superiors([one.person_id for one in read])
    async with matching.worker.database.write() as session:
        table = known_participations
        plain = await session.fetch_all(
            select(table).where(table.c.cohort_id == cohort.cohort).order_by(table.c.participation_id)
        )
        assert list(read) == [rows.participation_of(row) for row in plain]
        assert len(read) == 6
        assert sorted(chosen, key=lambda one: one.participation_id) == list(read[:2])
        ids = [one.person_id for one in read]
        known = await session.fetch_all(select(known_people).where(known_people.c.person_id.in_(ids)))
        assert {one.person_id: one for one in people} == {row["person_id"]: rows.person_of(row) for row in known}


@pytest.mark.requirement("N3", "N4")
async def test_a_rematch_begins_from_the_prices_of_the_run_it_keeps_and_replays_alone(matching: Matching) -> None:
    cohort = world(4, 3)
    await matching.hear(*cohort.events)
    first = await matching.matched(cohort)
    content = await _record(matching, first["run_id"], "start")
    assert content is not None
    assert start_of(content, (), ()).floor == min(pair["score"] for pair in first["proposals"]["items"])
    gone = next(who for who in cohort.mentors if str(who.person) == first["proposals"]["items"][0]["mentor_id"])
    await matching.hear(cohort.participation(gone, 2, model=ParticipantWithdrawn, state=ParticipationState.WITHDRAWN))
    manager = matching.manager(cohort)
    started = await manager.post(f"/v1/cohorts/{cohort.cohort}/runs", {"keep": first["run_id"]})
    assert await execute_runs(matching.worker)
    second = (await manager.get(started.headers["location"])).json()
    assert second["certificate"]["rematch"]["kept"] == 2
    replay = (await manager.get(f"/v1/runs/{second['run_id']}/replay")).json()
    assert (replay["identical"], replay["replayed_hash"]) == (True, second["certificate_hash"])
    async with matching.worker.committed() as uow:
        await uow.run_records.erase([cohort.mentees[0].person])
    assert await _record(matching, second["run_id"], "start") is None


@pytest.mark.requirement("N4")
async def test_what_would_change_a_proposal_is_told_with_figures_to_the_manager_alone(matching: Matching) -> None:
    cohort = world(2, 2)
    await matching.hear(*cohort.events)
    run = await matching.matched(cohort)
    manager, path = matching.manager(cohort), f"/v1/runs/{run['run_id']}"
    items = run["proposals"]["items"]

    def asked(mentor: dict[str, Any], mentee: dict[str, Any]) -> str:
        ends = f"mentor={mentor['mentor_participation_id']}&mentee={mentee['mentee_participation_id']}"
        return f"{path}/what-would-change?{ends}"

    answer = (await manager.get(asked(items[0], items[0]), accept_language="de")).json()
    assert (answer["holds"], answer["score"]) == ("score", items[0]["score"])
    assert answer["points"] == answer["score"] - answer["gives_way_at"]
    assert answer["without"]["people_covered"] == 0
    assert answer["mentor_meets"] == [items[1]["mentee_participation_id"]]
    assert answer["words"][0].startswith("Eine andere Wahl")
    assert (await manager.get(asked(items[0], items[1]))).json()["holds"] == "not_proposed"
    assert (await matching.manager(world()).get(asked(items[0], items[0]))).status_code == 404
    own = matching.participant(next(who for who in cohort.mentors if str(who.person) == items[0]["mentor_id"]))
    assert (await own.get(asked(items[0], items[0]))).status_code == 403
    mine = f"/v1/proposals/{items[0]['pair_id']}/what-would-change"
    assert (await own.get(mine)).status_code == 404
    assert (await manager.post(f"{path}/release")).status_code == 200
    told = (await own.get(mine)).json()
    assert (told["available"], set(told)) == (True, {"available", "words"})
    assert not any(character.isdigit() for character in "".join(told["words"]))
    stranger = matching.person(uuid4(), cohort.unit)
    assert (await stranger.get(mine)).status_code == 404
    async with matching.worker.committed() as uow:
        await uow.run_records.erase([cohort.mentors[0].person])
    assert (await own.get(mine)).json() == {"available": False, "words": []}
    assert (await manager.get(asked(items[0], items[0]))).status_code == 409
