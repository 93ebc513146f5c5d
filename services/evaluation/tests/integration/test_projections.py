"""Projections out of the real inbox: any order, any repetition, one result; and the statement behind the one flow."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import engagement as g
from contracts import enrollment as e
from contracts import matching as m
from contracts.envelope import Envelope
from contracts.identifiers import uuid7
from evaluation.application.close_waves import close_due_waves
from evaluation.application.on_meetings_changed import on_meetings_changed
from evaluation.domain.facts import PauseFact
from sqlalchemy import text
from sqlalchemy.event import listen, remove

from ..events import (
    CADENCE,
    START,
    World,
    cohort,
    meeting,
    pair_checked,
    pair_formed,
    pair_life,
    participations,
    program,
    year_of,
)
from ..running import Evaluation

pytestmark = pytest.mark.integration

PROJECTIONS = (
    "known_business_units", "known_programs", "known_program_settings", "known_cohorts", "known_participations",
    "known_pairs", "known_pauses", "known_meetings", "known_runs",
)  # fmt: skip


async def state(evaluation: Evaluation) -> dict[str, str]:
    """A hash of the content of every projection."""
    found = {}
    for table in PROJECTIONS:
        (row,) = await evaluation.sql(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash FROM {table} AS t"
        )
        found[table] = row["hash"]
    return found


async def forget(evaluation: Evaluation) -> None:
    """Throw the projections and the inbox away, as before a replay from offset 0. Waves and what was published stay."""
    await evaluation.administer(f"TRUNCATE {', '.join((*PROJECTIONS, 'inbox', 'handler_positions', 'parked_events'))}")


@pytest.mark.requirement("I5", "F8", "F10")
@pytest.mark.parametrize("seed", range(3))
async def test_shuffled_and_repeated_events_give_the_same_projection(evaluation: Evaluation, seed: int) -> None:
    world = World()
    checks = [
        pair_checked(world, world.pairs[0], event, sequence=sequence, at=START + sequence * timedelta(days=9))
        for sequence, event in enumerate((m.PairQuarantined, m.PairReinstated, m.PairQuarantined), start=3)
    ]
    events = [*year_of(world), *checks, cohort(world, e.CohortActivated), cohort(world, e.CohortEvaluationStarted)]
    await forget(evaluation)
    await evaluation.hear(*events)
    in_order = await state(evaluation)
    assert None not in in_order.values()
    await evaluation.hear(*events)
    assert await state(evaluation) == in_order

    await forget(evaluation)
    mixed = random.Random(seed)
    shuffled = [*events, *mixed.choices(events, k=len(events) // 2)]
    mixed.shuffle(shuffled)
    await evaluation.hear(*shuffled, batch=37)
    assert await evaluation.parked() == 0
    assert await state(evaluation) == in_order
    waves = await evaluation.sql("SELECT kind FROM waves WHERE cohort_id = $1 ORDER BY kind", world.cohort)
    assert [row["kind"] for row in waves] == ["baseline", "closing"]


@pytest.mark.requirement("F10")
async def test_a_meeting_of_an_unknown_pair_makes_a_stub_that_its_pair_fills(evaluation: Evaluation) -> None:
    world = World()
    pair = world.pairs[0]
    await evaluation.hear(meeting(world, pair, g.MeetingLogged, meeting_id=uuid7(), at=START, sequence=1))
    (stub,) = await evaluation.sql("SELECT * FROM known_pairs WHERE pair_id = $1", pair.pair)
    assert (stub["mentor_id"], stub["matching_sequence"], stub["engagement_sequence"]) == (None, 0, 0)
    await evaluation.hear(pair_life(world, pair, g.PairActivated, sequence=3))
    await evaluation.hear(pair_formed(world, pair, score=812))
    (filled,) = await evaluation.sql("SELECT * FROM known_pairs WHERE pair_id = $1", pair.pair)
    assert (filled["mentor_id"], filled["score"], filled["state"]) == (pair.mentor, 812, "active")
    assert (filled["matching_sequence"], filled["engagement_sequence"]) == (2, 3)


@pytest.mark.requirement("F10")
async def test_an_older_fact_never_overwrites_a_newer_one(evaluation: Evaluation) -> None:
    world = World()
    pair, meeting_id = world.pairs[0], uuid7()
    await evaluation.hear(
        pair_life(world, pair, g.PairStalled, sequence=4, stalls=1),
        meeting(world, pair, g.MeetingMissed, meeting_id=meeting_id, at=START, sequence=2),
        program(world, sequence=5, survey_days=30, settings_version=2),
    )
    await evaluation.hear(
        pair_life(world, pair, g.PairActivated, sequence=3),
        meeting(world, pair, g.MeetingScheduled, meeting_id=meeting_id, at=START, sequence=1),
        program(world, sequence=1),
    )
    (found,) = await evaluation.sql(
        "SELECT health, stalls, recovered_stalls FROM known_pairs WHERE pair_id = $1", pair.pair
    )
    assert tuple(found.values()) == ("stalled", 1, 0)
    (held,) = await evaluation.sql("SELECT state FROM known_meetings WHERE meeting_id = $1", meeting_id)
    assert held["state"] == "missed"
    (newest,) = await evaluation.sql("SELECT survey_days FROM known_programs WHERE program_id = $1", world.program)
    assert newest["survey_days"] == 30


@pytest.mark.requirement("N2", "F10")
async def test_pauses_are_told_apart_by_pair_in_whatever_order_they_are_heard(evaluation: Evaluation) -> None:
    world = World()
    first, second, third = world.pairs[:3]
    day = timedelta(days=1)
    checks = [
        pair_checked(world, first, m.PairQuarantined, sequence=3, at=START + 10 * day),
        pair_checked(world, first, m.PairReinstated, sequence=4, at=START + 20 * day),
        pair_checked(world, first, m.PairQuarantined, sequence=5, at=START + 40 * day),
        pair_checked(world, second, m.PairQuarantined, sequence=3, at=START + 5 * day),
        pair_checked(world, second, m.PairHandedOver, sequence=4, at=START + 6 * day),
    ]
    await evaluation.hear(program(world), cohort(world, e.CohortOpened), *checks[::-1])
    await evaluation.hear(*(pair_life(world, pair, g.PairActivated, sequence=3) for pair in (first, second, third)))
    await evaluation.hear(*checks)
    async with evaluation.worker.committed() as uow:
        found = await uow.cohort_facts.of(world.cohort)
    assert found is not None
    start = START.date()
    by_pair = dict(zip(sorted(pair.pair for pair in (first, second, third)), found.pairs, strict=True))
    assert by_pair[first.pair].pauses == (
        PauseFact(start + 10 * day, start + 20 * day),
        PauseFact(start + 40 * day, None),
    )
    assert by_pair[second.pair].pauses == (PauseFact(start + 5 * day, start + 6 * day),)
    assert by_pair[third.pair].pauses == ()


@pytest.mark.requirement("RX-01")
async def test_a_cohort_keeps_the_settings_it_opened_with(evaluation: Evaluation) -> None:
    world = World()
    await evaluation.hear(program(world), cohort(world, e.CohortOpened))
    await evaluation.hear(
        program(world, sequence=2, settings_version=2, formality=e.Formality.LIGHT, cadence_days=None)
    )
    report = (await evaluation.manager(world).get(f"/v1/cohorts/{world.cohort}/report")).json()
    assert report["settings_version"] == 1
    assert (report["settings"]["formality"], report["settings"]["cadence_days"]) == ("standard", 21)


async def test_activation_before_the_program_waits_for_it(evaluation: Evaluation) -> None:
    world = World()
    life = [cohort(world, event) for event in (e.CohortOpened, e.CohortEnrollmentClosed, e.CohortActivated)]
    await evaluation.hear(*reversed(life))
    assert await evaluation.parked() == 1
    await evaluation.hear(program(world))
    assert await evaluation.parked() == 0
    assert (await evaluation.wave_of(world, "baseline"))["state"] == "open"


async def meetings(evaluation: Evaluation, world: World, count: int) -> list[UUID]:
    """Meetings held, spread over the pairs."""
    events: list[Envelope[Any]] = []
    ids = []
    for number in range(count):
        ids.append(uuid7())
        pair = world.pairs[number % len(world.pairs)]
        at = START + CADENCE * (number // len(world.pairs))
        events.append(meeting(world, pair, g.MeetingLogged, meeting_id=ids[-1], at=at, sequence=1))
    await evaluation.hear(*events)
    return ids


async def test_meetings_of_a_cohort_in_pages_with_their_date(evaluation: Evaluation) -> None:
    world = World()
    await evaluation.hear(program(world), cohort(world, e.CohortOpened))
    manager = evaluation.manager(world)
    path = f"/v1/cohorts/{world.cohort}/meetings"
    empty = (await manager.get(path)).json()
    assert (empty["items"], empty["as_of"], empty["next"]) == ([], None, None)
    ids = await meetings(evaluation, world, 14)
    first = (await manager.get(f"{path}?limit=10")).json()
    rest = (await manager.get(f"{path}?limit=10&cursor={first['next']}")).json()
    assert [item["meeting_id"] for item in first["items"] + rest["items"]] == [str(one) for one in ids]
    assert rest["next"] is None
    assert (
        first["as_of"] == rest["as_of"] == (START + CADENCE * 2 - timedelta(days=7)).isoformat().replace("+00:00", "Z")
    )
    assert first["items"][0]["minutes"] == 50


@pytest.mark.requirement("S1", "I7")
async def test_meetings_are_seen_by_who_may_see_them(evaluation: Evaluation) -> None:
    guest = uuid4()
    world, other = World(guest_unit=guest), World()
    for one in (world, other):
        await evaluation.hear(program(one), cohort(one, e.CohortOpened), *participations(one))
        await evaluation.hear(*(pair_formed(one, pair) for pair in one.pairs))
        await meetings(evaluation, one, 12)
    path = f"/v1/cohorts/{world.cohort}/meetings"
    unknown = await evaluation.manager(world).get(f"/v1/cohorts/{uuid4()}/meetings")
    assert unknown.status_code == 404
    for stranger in (
        evaluation.manager(other),
        evaluation.person(uuid4(), world.unit, "facilitator"),
        evaluation.person(uuid4(), world.unit),
    ):
        hidden = await stranger.get(path)
        assert (hidden.status_code, hidden.content) == (404, unknown.content)
    for whole in (
        evaluation.manager(world),
        evaluation.person(uuid4(), guest, "program_manager"),
        evaluation.person(uuid4(), world.unit, "data_reader"),
        evaluation.person(world.facilitator, world.unit, "facilitator"),
    ):
        assert len((await whole.get(path)).json()["items"]) == 12
    own = (await evaluation.person(world.people[0], world.unit, "participant", "facilitator").get(path)).json()["items"]
    assert {item["pair_id"] for item in own} == {str(world.pairs[0].pair)}
    assert len(own) == 2


async def test_a_batch_of_meetings_is_one_statement(evaluation: Evaluation) -> None:
    world = World()
    events = [
        meeting(world, pair, g.MeetingLogged, meeting_id=uuid7(), at=START + CADENCE * number, sequence=1)
        for pair in world.pairs
        for number in range(50)
    ]
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = evaluation.worker.database.engine.sync_engine
    async with evaluation.worker.database.write() as session:
        uow: Any = evaluation.worker.open_unit_of_work(session)
        listen(engine, "before_cursor_execute", note)
        try:
            await on_meetings_changed(events, uow)
            await session.flush()
        finally:
            remove(engine, "before_cursor_execute", note)
        count = await session.scalar(
            text("SELECT count(*) FROM known_meetings WHERE cohort_id = :cohort").bindparams(cohort=world.cohort)
        )
    assert count == 300
    assert sum("known_meetings" in statement for statement in statements) == len(statements) == 1


@pytest.mark.requirement("I4")
async def test_what_evaluation_publishes_is_contiguous(evaluation: Evaluation) -> None:
    world = World()
    await evaluation.hear(*year_of(world), cohort(world, e.CohortActivated), cohort(world, e.CohortEvaluationStarted))
    waves = [await evaluation.wave_of(world, kind) for kind in ("baseline", "closing")]
    evaluation.clock.move(timedelta(days=14))
    try:
        while await evaluation.run(close_due_waves):
            pass
    finally:
        evaluation.clock.move(timedelta(days=-14))
    for wave in waves:
        published = await evaluation.published(wave["wave_id"])
        assert [(name, sequence) for name, sequence, _ in published] == [
            ("SurveyWaveOpened", 1),
            ("SurveyWaveClosed", 2),
        ]
    ((name, sequence, _),) = await evaluation.published(world.cohort)
    assert (name, sequence) == ("CohortEvaluated", 1)
