"""Use cases on a unit of work in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import Conflict, InvalidInput, Missing, NotVisible, Principal
from contracts import engagement as g
from contracts import enrollment as e
from contracts.blind_tokens import PublicKey, blind, finalize, new_token
from contracts.evaluation import CohortEvaluated, Measure, SurveyWaveClosed, SurveyWaveOpened
from contracts.identifiers import uuid7
from evaluation.application.close_waves import close_due_waves
from evaluation.application.issue_token import IssueToken, issue_token
from evaluation.application.on_business_unit_registered import on_business_unit_registered
from evaluation.application.on_cohort_changed import (
    on_cohort_activated,
    on_cohort_changed,
    on_cohort_evaluation_started,
)
from evaluation.application.on_match_run_released import on_match_run_released
from evaluation.application.on_meetings_changed import on_meetings_changed
from evaluation.application.on_pair_changed import on_pair_changed
from evaluation.application.on_participation_changed import on_participation_changed
from evaluation.application.on_program_changed import on_program_changed
from evaluation.application.request_closing import RequestClosing, request_closing
from evaluation.application.submit_response import SubmitResponse, TokenRefused, submit_response
from evaluation.domain.facts import Stage
from evaluation.domain.instruments import Role, WaveKind, current_instrument
from evaluation.domain.report import hash_of
from evaluation.domain.waves import Wave, WaveState

from ..events import START, World, cohort, meeting, pair_life, participations, program, run_released, unit_registered
from . import cohorts
from .fakes import FakeUnitOfWork

NOW = START + timedelta(hours=1)


def participant(world: World, person: UUID) -> Principal:
    return Principal(str(person), person, world.unit, frozenset({"participant"}))


async def opened(world: World, kind: WaveKind = WaveKind.BASELINE) -> FakeUnitOfWork:
    """A unit of work with one open wave; everybody in a pair is asked."""
    uow = FakeUnitOfWork(NOW)
    await on_program_changed(program(world), uow)
    uow.known.asked[world.cohort] = set(world.people)
    if kind is WaveKind.BASELINE:
        await on_cohort_activated(cohort(world, e.CohortActivated), uow)
    else:
        await on_cohort_evaluation_started(cohort(world, e.CohortEvaluationStarted), uow)
    return uow


def answers(value: int = 4) -> dict[str, int | None]:
    return {item.code: value for item in current_instrument(WaveKind.BASELINE).items}


async def signed_token(uow: FakeUnitOfWork, world: World, person: UUID) -> tuple[bytes, bytes]:
    """A token and its unblinded signature, as a participant gets them."""
    wave = uow.open_wave
    key = PublicKey(wave.public_modulus, wave.public_exponent)
    token = new_token(wave.wave_id)
    blinded, secret = blind(key, token)
    uow.principal = participant(world, person)
    signature = await issue_token(IssueToken(wave.wave_id, blinded), uow)
    return token, finalize(key, token, signature, secret)


def command(wave: Wave, token: bytes, signature: bytes, **changes: Any) -> SubmitResponse:
    given: dict[str, Any] = {"role": Role.MENTOR, "answers": answers()}
    return SubmitResponse(wave.wave_id, token, signature, **(given | changes))


async def test_an_active_cohort_opens_its_baseline_wave() -> None:
    world = World()
    uow = await opened(world)
    wave = uow.open_wave
    assert (wave.kind, wave.closes_on, wave.suppression_threshold) == (
        WaveKind.BASELINE,
        (NOW + timedelta(14)).date(),
        5,
    )
    ((event, sequence),) = uow.published
    assert isinstance(event, SurveyWaveOpened)
    assert (sequence, event.invited_count, event.answered_count) == (1, 12, None)
    assert uow.known.cohorts[world.cohort].state == "active"


async def test_a_wave_waits_for_its_program() -> None:
    uow = FakeUnitOfWork(NOW)
    world = World()
    with pytest.raises(Missing) as missing:
        await on_cohort_activated(cohort(world, e.CohortActivated), uow)
    assert missing.value.subject == world.program
    assert not uow.waves.rows
    assert not uow.known.cohorts


async def test_a_cohort_has_each_wave_once() -> None:
    world = World()
    uow = await opened(world)
    await on_cohort_activated(cohort(world, e.CohortActivated), uow)
    assert len(uow.waves.rows) == 1
    await on_cohort_evaluation_started(cohort(world, e.CohortEvaluationStarted), uow)
    assert {wave.kind for wave in uow.waves.rows.values()} == set(WaveKind)


@pytest.mark.requirement("S18")
async def test_a_response_holds_no_trace_of_who_gave_it() -> None:
    world = World()
    uow = await opened(world)
    token, signature = await signed_token(uow, world, world.people[0])
    uow.published.clear()
    uow.principal = Principal("anonymous")
    await submit_response(command(uow.open_wave, token, signature), uow)
    ((wave_id, role, given),) = uow.responses.rows
    assert (wave_id, role, given) == (uow.open_wave.wave_id, Role.MENTOR, answers())
    assert uow.published == []
    assert uow.actions == []


@pytest.mark.requirement("S9")
async def test_a_token_counts_once_and_a_person_gets_one() -> None:
    world = World()
    uow = await opened(world)
    token, signature = await signed_token(uow, world, world.people[0])
    await submit_response(command(uow.open_wave, token, signature), uow)
    with pytest.raises(Conflict):
        await submit_response(command(uow.open_wave, token, signature, answers=answers(5)), uow)
    with pytest.raises(Conflict):
        await signed_token(uow, world, world.people[0])
    assert len(uow.responses.rows) == 1


@pytest.mark.requirement("S9")
async def test_a_forged_or_foreign_token_is_refused() -> None:
    world = World()
    uow = await opened(world)
    wave = uow.open_wave
    token, signature = await signed_token(uow, world, world.people[0])
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for wrong_token, wrong_signature in (
        (token, flipped),
        (token, b""),
        (new_token(wave.wave_id), signature),
        (b"short", signature),
    ):
        with pytest.raises(TokenRefused):
            await submit_response(command(wave, wrong_token, wrong_signature), uow)
    assert not uow.responses.rows
    assert not uow.responses.spent


@pytest.mark.requirement("S9")
async def test_a_token_of_another_wave_is_refused_even_under_the_same_key() -> None:
    world = World()
    uow = await opened(world)
    key = PublicKey(uow.open_wave.public_modulus, uow.open_wave.public_exponent)
    foreign = new_token(uuid4())
    blinded, secret = blind(key, foreign)
    uow.principal = participant(world, world.people[0])
    signature = finalize(key, foreign, await issue_token(IssueToken(uow.open_wave.wave_id, blinded), uow), secret)
    with pytest.raises(TokenRefused):
        await submit_response(command(uow.open_wave, foreign, signature), uow)


async def test_wrong_answers_do_not_use_the_token_up() -> None:
    world = World()
    uow = await opened(world)
    token, signature = await signed_token(uow, world, world.people[0])
    with pytest.raises(InvalidInput):
        await submit_response(command(uow.open_wave, token, signature, answers={"confidence": 3}), uow)
    assert not uow.responses.spent
    await submit_response(command(uow.open_wave, token, signature), uow)


async def test_who_is_not_asked_sees_no_wave() -> None:
    world = World()
    uow = await opened(world)
    with pytest.raises(NotVisible):
        await signed_token(uow, world, uuid4())
    uow.principal = Principal("manager", None, world.unit, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await issue_token(IssueToken(uow.open_wave.wave_id, b"x" * 256), uow)
    with pytest.raises(NotVisible):
        await submit_response(replace(command(uow.open_wave, b"", b""), wave_id=uuid4()), uow)


async def test_what_was_not_blinded_for_the_key_is_refused() -> None:
    world = World()
    uow = await opened(world)
    uow.principal = participant(world, world.people[0])
    with pytest.raises(InvalidInput) as refused:
        await issue_token(IssueToken(uow.open_wave.wave_id, b"\xff" * 256), uow)
    assert refused.value.field == "blinded"


async def test_nothing_is_taken_from_the_closing_date_on() -> None:
    world = World()
    uow = await opened(world)
    wave = uow.open_wave
    token, signature = await signed_token(uow, world, world.people[0])
    uow.now = datetime.combine(wave.closes_on, NOW.time().replace(hour=0, minute=0), NOW.tzinfo)
    with pytest.raises(Conflict):
        await submit_response(command(wave, token, signature), uow)
    with pytest.raises(Conflict):
        await signed_token(uow, world, world.people[1])


@pytest.mark.requirement("S18")
async def test_closing_forgets_who_took_a_token_and_drops_the_key() -> None:
    world = World()
    uow = await opened(world)
    wave_id = uow.open_wave.wave_id
    for person in world.people[:6]:
        token, signature = await signed_token(uow, world, person)
        await submit_response(command(uow.open_wave, token, signature), uow)
    assert not await close_due_waves(uow)
    uow.now = NOW + timedelta(days=14)
    assert await close_due_waves(uow)
    assert not await close_due_waves(uow)
    assert not uow.token_grants.rows
    assert not uow.signing_keys.rows
    wave = uow.waves.rows[wave_id]
    assert (wave.state, wave.invited_count, wave.token_count, wave.response_count) == (WaveState.CLOSED, 12, 6, 6)
    event, sequence = uow.published[-1]
    assert isinstance(event, SurveyWaveClosed)
    assert (sequence, event.answered_count) == (2, 6)
    assert not uow.evaluations.rows


@pytest.mark.requirement("S15")
async def test_too_few_answers_are_not_even_counted_in_the_event() -> None:
    world = World()
    uow = await opened(world)
    for person in world.people[:4]:
        token, signature = await signed_token(uow, world, person)
        await submit_response(command(uow.open_wave, token, signature), uow)
    uow.now = NOW + timedelta(days=14)
    await close_due_waves(uow)
    event, _ = uow.published[-1]
    assert event.answered_count is None


async def test_a_manager_ends_a_wave_before_its_date() -> None:
    world = World()
    uow = await opened(world)
    wave_id = uow.open_wave.wave_id
    uow.principal = Principal("someone", None, uuid4(), frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await request_closing(RequestClosing(wave_id), uow)
    uow.principal = Principal("manager", None, world.unit, frozenset({"program_manager"}))
    await request_closing(RequestClosing(wave_id), uow)
    assert uow.actions == ["end-survey-wave"]
    with pytest.raises(Conflict):
        await request_closing(RequestClosing(wave_id), uow)
    assert await close_due_waves(uow)


def measures(event: CohortEvaluated) -> Iterator[tuple[Measure, Any]]:
    return ((change.measure, change.role) for change in event.changes)


@pytest.mark.requirement("RX-02")
async def test_closing_the_closing_wave_evaluates_the_cohort_once() -> None:
    world = World()
    uow = await opened(world, WaveKind.CLOSING)
    facts = cohorts.cohort()
    uow.cohort_facts.found = replace(
        facts, cohort_id=world.cohort, program_id=world.program, business_unit_id=world.unit
    )
    uow.now = cohorts.AS_OF
    assert await close_due_waves(uow)
    event, sequence = uow.published[-1]
    assert isinstance(event, CohortEvaluated)
    assert sequence == 1
    assert event.report_hash == hash_of(uow.evaluations.rows[world.cohort])
    assert (event.pairs_formed, event.applied, event.pairs_rescued) == (30, 72, 2)
    assert event.design is e.EvaluationDesign.BEFORE_AFTER
    assert event.cadence_kept is not None
    assert 600 < event.cadence_kept < 950
    assert set(measures(event)) == {
        (measure, role)
        for measure in (
            Measure.SKILL, Measure.PERSPECTIVE, Measure.CONFIDENCE, Measure.INTENT_TO_STAY, Measure.CONNECTEDNESS,
        )
        for role in (None, *Role)
    }  # fmt: skip


@pytest.mark.requirement("S15")
async def test_the_event_hides_small_groups() -> None:
    world = World()
    uow = await opened(world, WaveKind.CLOSING)
    facts = cohorts.cohort(before=(4, 26))
    uow.cohort_facts.found = replace(
        facts, cohort_id=world.cohort, program_id=world.program, business_unit_id=world.unit
    )
    uow.now = NOW + timedelta(days=14)
    await close_due_waves(uow)
    event, _ = uow.published[-1]
    by_role = [change for change in event.changes if change.role is not None]
    assert by_role
    for change in by_role:
        assert change.baseline_answers is change.closing_answers is change.change is change.low is change.high is None
    assert all(change.change is not None for change in event.changes if change.role is None)


@pytest.mark.requirement("RX-01")
async def test_every_choice_between_contradictory_advice_is_kept_with_its_version() -> None:
    uow = FakeUnitOfWork()
    world = World()
    await on_program_changed(program(world, formality=e.Formality.LIGHT, cadence_days=None, settings_version=3), uow)
    kept = uow.known.programs[world.program]
    assert kept.settings_version == 3
    assert {
        "formality": "light", "cadence_days": None, "matching_mode": "hr_run", "voluntary": True, "direction": "grade",
    }.items() <= dict(kept.settings).items()  # fmt: skip


async def test_projections_take_over_what_events_say() -> None:
    uow = FakeUnitOfWork()
    world = World()
    await on_business_unit_registered(unit_registered(world), uow)
    await on_cohort_changed(cohort(world, e.CohortOpened), uow)
    await on_match_run_released(run_released(world), uow)
    for event in participations(world)[:4]:
        await on_participation_changed(event, uow)
    assert uow.known.units[world.unit].code == "HQ-DE"
    assert uow.known.cohorts[world.cohort].state == "enrolling"
    assert uow.known.runs[0].excluded == {"reporting_chain": 4, "same_team": 8}
    assert [p.reached for p in uow.known.participations] == [
        Stage.APPLIED, Stage.SCREENED, Stage.ADMITTED, Stage.MATCHED,
    ]  # fmt: skip


async def test_a_pair_recovers_only_when_it_is_on_track_again() -> None:
    uow = FakeUnitOfWork()
    world = World()
    for sequence, (event, stalls) in enumerate(
        ((g.PairActivated, 0), (g.PairStalled, 1), (g.PairActivated, 1), (g.PairCompleted, 1)), start=1
    ):
        await on_pair_changed(pair_life(world, world.pairs[0], event, sequence=sequence, stalls=stalls), uow)
    assert [life.recovered_stalls for life in uow.known.lives] == [0, 0, 1, 0]


async def test_a_batch_of_meetings_goes_out_as_one_write_with_each_meeting_once() -> None:
    uow = FakeUnitOfWork()
    world = World()
    first, second = uuid7(), uuid7()
    batch = [
        meeting(world, world.pairs[0], g.MeetingLogged, meeting_id=first, at=START, sequence=2),
        meeting(world, world.pairs[0], g.MeetingScheduled, meeting_id=first, at=START, sequence=1),
        meeting(world, world.pairs[1], g.MeetingMissed, meeting_id=second, at=START, sequence=2),
    ]
    await on_meetings_changed(batch, uow)
    ((one, two),) = uow.known.meetings
    assert {(one.meeting_id, one.state), (two.meeting_id, two.state)} == {(first, "held"), (second, "missed")}
