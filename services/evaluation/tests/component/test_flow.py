"""Evaluation whole, in process, between a real broker and a real database: others' facts come in, its own go out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.testing import Wire, settings_on, until
from contracts import engagement as g
from contracts import enrollment as e
from contracts.envelope import Envelope
from contracts.evaluation import CohortEvaluated, SurveyWaveClosed, SurveyWaveOpened
from contracts.identifiers import uuid7
from evaluation.entrypoints.relay import PUBLISHES
from evaluation.settings import Settings
from updraft.topics import apply_topics

from ..events import START, World, cohort, meeting, program, year_of
from ..running import Evaluation

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
async def service(
    make_database: Any, kafka: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Evaluation]:
    """The API and a worker with consumer, relay and schedule."""
    apply_topics(kafka.bootstrap)
    database = make_database("evaluation", migrated=True)
    settings = settings_on(Settings, database, tmp_path_factory.mktemp("keys"), kafka=kafka.bootstrap)
    async with Evaluation(settings, database.admin_dsn) as running, running.at_work():
        yield running


@pytest.fixture(scope="module")
async def wire(service: Evaluation, kafka: Any) -> AsyncIterator[Wire]:
    """The broker from outside."""
    async with Wire(kafka.bootstrap, PUBLISHES) as opened:
        yield opened


async def about(wire: Wire, cohort_id: UUID, kind: type[Any]) -> list[Envelope[Any]]:
    """What evaluation has said about a cohort so far, of one kind."""
    return [event for event in await wire.seen() if isinstance(event.data, kind) and event.data.cohort_id == cohort_id]


# One test, because it runs in one process: two would share the topics of one group between two databases.
@pytest.mark.requirement("I4", "R4-15")
async def test_cohorts_of_every_type_from_their_baseline_to_their_evaluation(service: Evaluation, wire: Wire) -> None:
    await _a_logged_meeting_is_read_from_the_projection(service, wire)

    worlds = {kind: World() for kind in (e.ProgramType.REVERSE, e.ProgramType.TRADITIONAL, e.ProgramType.RECIPROCAL)}
    for kind, world in worlds.items():
        year = [event for event in year_of(world) if event.data.TOPIC != e.ProgramSettings.TOPIC]
        await wire.send(program(world, type=kind), *year, cohort(world, e.CohortActivated))
    await _answered(service, wire, worlds.values(), "baseline", value=2)
    for world in worlds.values():
        await wire.send(cohort(world, e.CohortEvaluationStarted))
    await _answered(service, wire, worlds.values(), "closing", value=4)
    for kind, world in worlds.items():
        await _is_evaluated(service, wire, world, kind)


async def _a_logged_meeting_is_read_from_the_projection(service: Evaluation, wire: Wire) -> None:
    world = World()
    await wire.send(program(world), cohort(world, e.CohortOpened))
    meeting_id = uuid7()
    await wire.send(meeting(world, world.pairs[0], g.MeetingLogged, meeting_id=meeting_id, at=START, sequence=1))
    manager, path = service.manager(world), f"/v1/cohorts/{world.cohort}/meetings"

    async def seen() -> Any:
        answer = await manager.get(path)
        return answer.json() if answer.status_code == 200 and answer.json()["items"] else None

    page = await until(seen, "projecting the meeting")
    assert [item["meeting_id"] for item in page["items"]] == [str(meeting_id)]
    assert page["as_of"] is not None


async def _answered(service: Evaluation, wire: Wire, worlds: Iterable[World], kind: str, *, value: int) -> None:
    """Everybody of every cohort answers the wave, then its date comes."""
    for world in worlds:

        async def opened(world: World = world) -> Any:
            return [
                event for event in await about(wire, world.cohort, SurveyWaveOpened) if event.data.kind.value == kind
            ]

        await until(opened, f"opening the {kind} wave")
        wave = await service.wave_of(world, kind)
        half = len(world.people) // 2
        for place, person in enumerate(world.people):
            ballot = await service.ballot(world, person, wave)
            body = ballot.answering(wave, value, "mentor" if place < half else "mentee")
            assert (await service.answer(wave, body)).status_code == 204
    service.clock.move(timedelta(days=15))
    for world in worlds:

        async def closed(world: World = world) -> bool:
            return bool((await service.wave_of(world, kind))["state"] == "closed")

        await until(closed, f"closing the {kind} wave")


async def _is_evaluated(service: Evaluation, wire: Wire, world: World, kind: e.ProgramType) -> None:
    """The evaluation is on its topic, once, and says what the events and the answers come to."""
    (evaluated,) = await until(lambda: about(wire, world.cohort, CohortEvaluated), "evaluating the cohort")
    assert (evaluated.sequence, evaluated.source) == (1, "/updraft/evaluation")
    assert (evaluated.data.pairs_formed, evaluated.data.pairs_rescued, evaluated.data.applied) == (6, 1, 12)
    waves = [
        (event.data.kind.value, event.sequence)
        for published in (SurveyWaveOpened, SurveyWaveClosed)
        for event in await about(wire, world.cohort, published)
    ]
    assert sorted(waves) == [("baseline", 1), ("baseline", 2), ("closing", 1), ("closing", 2)]
    report = (await service.manager(world).get(f"/v1/cohorts/{world.cohort}/report")).json()
    assert (report["final"], report["settings"]["type"]) == (True, kind.value)
    everybody = [change for change in report["survey"]["changes"] if change["group"] == "everybody"]
    assert {change["difference"]["value"] for change in everybody} == {2.0}
    assert {change["conclusion"] for change in everybody} == {"underpowered"}
