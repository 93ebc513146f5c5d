from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, PreconditionFailed
from chassis.testing import Published
from contracts.enrollment import CohortActivated
from contracts.examples import example
from enrollment.application.apply_to_cohort import ApplyToCohort, apply_to_cohort
from enrollment.application.appoint_facilitator import AppointFacilitator, appoint_facilitator
from enrollment.application.charter_program import CharterProgram, charter_program
from enrollment.application.close_enrollment import CloseEnrollment, close_enrollment
from enrollment.application.decide_admission import DecideAdmission, decide_admission
from enrollment.application.nominate_person import NominatePerson, nominate_person
from enrollment.application.open_cohort import OpenCohort, open_cohort
from enrollment.application.propose_program import ProposeProgram, propose_program
from enrollment.application.register_unit import RegisterUnit, register_unit
from enrollment.application.revise_program import ReviseProgram, revise_program
from enrollment.application.screen_candidate import ScreenCandidate, screen_candidate
from enrollment.application.start_evaluations import start_evaluations
from enrollment.application.withdraw import Withdraw, withdraw
from enrollment.domain.cohorts import Cohort, CohortState
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.participations import Application, Decision, Participation, ParticipationState, Role
from enrollment.domain.programs import EvaluationDesign, Metric, Objective, Program
from enrollment.domain.topics import TopicLevel

from .fakes import START, UNIT, FakeUnitOfWork

APPLICATION = Application(
    Role.MENTOR,
    (TopicLevel("technology.ai", 4),),
    (),
    (LanguageSkill("en", LanguageLevel.C1),),
    "Europe/London",
    WorkingHours(time(9), time(17)),
)


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


async def chartered(uow: FakeUnitOfWork, **settings: Any) -> Program:
    program = await propose_program(ProposeProgram("Reverse", settings), uow)
    whole = CharterProgram(
        program.program_id, (Objective.PERSPECTIVE,), (Metric.CADENCE_KEPT,), EvaluationDesign.BEFORE_AFTER, uuid4()
    )
    return await charter_program(whole, uow)


async def opened(uow: FakeUnitOfWork, **more: Any) -> Cohort:
    program = await chartered(uow)
    return await open_cohort(OpenCohort(program.program_id, "First", **more), uow)


async def screened(uow: FakeUnitOfWork, cohort: Cohort) -> Participation:
    applied = await apply_to_cohort(ApplyToCohort(cohort.cohort_id, uuid4(), UNIT, APPLICATION), uow)
    return await screen_candidate(ScreenCandidate(applied.participation_id, True), uow)


def decision(participation: Participation, what: Decision) -> DecideAdmission:
    return DecideAdmission(participation.participation_id, participation.cohort_id, what)


async def test_a_registered_unit_is_published_with_its_ladder(uow: FakeUnitOfWork) -> None:
    unit = await register_unit(RegisterUnit(uuid4(), "NORTH", None, (("E2", 2), ("E1", 1)), "Europe/Oslo"), uow)
    ((event, sequence),) = uow.published
    assert (type(event).__name__, sequence, [rung.grade for rung in event.grade_ladder]) == (
        "BusinessUnitRegistered",
        1,
        ["E1", "E2"],
    )
    assert uow.audited[0][:2] == ("register-business-unit", unit.business_unit_id)


@pytest.mark.requirement("RX-01")
async def test_every_choice_is_recorded_with_the_program_from_its_proposal_on(uow: FakeUnitOfWork) -> None:
    program = await propose_program(ProposeProgram("Reverse", {"voluntary": False, "cadence_days": 30}), uow)
    event = uow.published[0].event
    assert (event.voluntary, event.cadence_days, event.formality.value, event.training_required) == (
        False,
        30,
        "standard",
        True,
    )
    action, subject, _, after = uow.audited[0]
    assert (action, subject) == ("propose-program", program.program_id)
    assert after is not None
    assert (after["voluntary"], after["cadence_days"]) == (False, 30)


@pytest.mark.requirement("R3-22")
async def test_no_cohort_without_a_charter(uow: FakeUnitOfWork) -> None:
    program = await propose_program(ProposeProgram("Reverse"), uow)
    with pytest.raises(Conflict, match="no charter"):
        await open_cohort(OpenCohort(program.program_id, "First"), uow)
    assert uow.cohorts.rows == {}


async def test_a_refused_charter_leaves_no_trace(uow: FakeUnitOfWork) -> None:
    program = await propose_program(ProposeProgram("Reverse"), uow)
    with pytest.raises(InvalidInput):
        await charter_program(CharterProgram(program.program_id, (), (), None, None), uow)
    assert uow.names() == ["ProgramProposed"]
    assert uow.programs.rows[program.program_id].charter is None


async def test_a_change_needs_the_version_that_was_seen(uow: FakeUnitOfWork) -> None:
    program = await chartered(uow)
    with pytest.raises(PreconditionFailed):
        await revise_program(ReviseProgram(program.program_id, {"cadence_days": 28}, 1), uow)
    await revise_program(ReviseProgram(program.program_id, {"cadence_days": 28}, 2), uow)
    assert uow.audited[-1] == ("change-settings", program.program_id, {"cadence_days": 21}, {"cadence_days": 28})
    count = len(uow.published)
    await revise_program(ReviseProgram(program.program_id, {"cadence_days": 28}, 3), uow)
    assert len(uow.published) == count


@pytest.mark.requirement("R3-20")
async def test_only_people_of_the_unit_facilitate(uow: FakeUnitOfWork) -> None:
    program = await chartered(uow)
    with pytest.raises(InvalidInput, match="nobody"):
        await appoint_facilitator(AppointFacilitator(program.program_id, uuid4()), uow)
    assert "ProgramRevised" not in uow.names()


async def test_another_units_program_cohort_and_participation_do_not_exist(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    participation = await screened(uow, cohort)
    uow.principal = FakeUnitOfWork(unit=uuid4()).principal
    for attempt in (
        revise_program(ReviseProgram(cohort.program_id, {"cadence_days": 28}, 2), uow),
        open_cohort(OpenCohort(cohort.program_id, "Second"), uow),
        close_enrollment(CloseEnrollment(cohort.cohort_id), uow),
        screen_candidate(ScreenCandidate(participation.participation_id, True), uow),
        decide_admission(decision(participation, Decision.ADMIT), uow),
        withdraw(Withdraw(participation.participation_id), uow),
    ):
        with pytest.raises(NotVisible):
            await attempt


async def test_a_person_of_a_unit_that_is_not_named_cannot_apply(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    with pytest.raises(NotVisible):
        await apply_to_cohort(ApplyToCohort(cohort.cohort_id, uuid4(), uuid4(), APPLICATION), uow)
    with pytest.raises(NotVisible):
        await nominate_person(NominatePerson(cohort.cohort_id, uuid4(), uuid4(), Role.MENTOR), uow)


@pytest.mark.requirement("R0-33", "R0-35")
async def test_a_nomination_is_completed_by_the_persons_own_application(uow: FakeUnitOfWork) -> None:
    cohort, person = await opened(uow), uuid4()
    nominated = await nominate_person(NominatePerson(cohort.cohort_id, person, UNIT, Role.MENTEE), uow)
    applied = await apply_to_cohort(ApplyToCohort(cohort.cohort_id, person, UNIT, APPLICATION), uow)
    assert applied.participation_id == nominated.participation_id
    assert uow.names(applied.participation_id) == ["ParticipantNominated", "ParticipantApplied"]
    event = uow.published[-1].event
    assert (event.role.value, event.state.value, event.offers[0].topic) == ("mentor", "applied", "technology.ai")


async def test_notes_are_kept_apart_and_in_no_event(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    applied = await apply_to_cohort(ApplyToCohort(cohort.cohort_id, uuid4(), UNIT, APPLICATION), uow)
    await screen_candidate(ScreenCandidate(applied.participation_id, True, "a canary"), uow)
    assert uow.participations.notes == {applied.participation_id: "a canary"}
    assert "canary" not in repr(uow.published) + repr(uow.audited)


async def test_places_go_in_turn_and_each_decision_is_audited(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow, mentor_places=1)
    one, two, three = [await screened(uow, cohort) for _ in range(3)]
    await decide_admission(decision(one, Decision.ADMIT), uow)
    for waiting in (three, two):
        await decide_admission(decision(waiting, Decision.WAITLIST), uow)
    await withdraw(Withdraw(one.participation_id), uow)
    with pytest.raises(Conflict, match="waiting longer"):
        await decide_admission(decision(two, Decision.ADMIT), uow)
    admitted = await decide_admission(decision(three, Decision.ADMIT), uow)
    assert admitted.state is ParticipationState.ADMITTED
    assert [action for action, *_ in uow.audited].count("decide-admission") == 4


async def test_a_participant_withdraws_only_themself(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    participation = await screened(uow, cohort)
    uow.principal = FakeUnitOfWork("participant").principal
    with pytest.raises(NotVisible):
        await withdraw(Withdraw(participation.participation_id), uow)
    uow.principal = FakeUnitOfWork("participant", person=participation.person_id).principal
    left = await withdraw(Withdraw(participation.participation_id), uow)
    assert left.state is ParticipationState.WITHDRAWN


async def test_days_left_out_of_a_cohort_are_four_weeks_of_enrollment_and_then_the_start(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    assert cohort.enrollment_opens_on == START.date()
    assert cohort.enrollment_closes_on == cohort.starts_on == START.date() + timedelta(days=28)
    assert cohort.ends_on == date(2027, 3, 30)


@pytest.mark.requirement("R2-10")
async def test_a_single_pairs_cohort_has_one_place_on_each_side(uow: FakeUnitOfWork) -> None:
    program = await propose_program(ProposeProgram("Ada and Bo", {"planned_pairs": 1}), uow)
    await charter_program(CharterProgram(program.program_id, (), (), None, None), uow)
    cohort = await open_cohort(OpenCohort(program.program_id, "The pair", mentor_places=9), uow)
    assert (cohort.mentor_places, cohort.mentee_places) == (1, 1)
    assert uow.published[1].event.accountable_owner_id == uow.principal.person_id


async def test_a_cohort_is_evaluated_when_its_duration_has_passed_not_before(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    stored = uow.cohorts.rows[cohort.cohort_id]
    stored.activate(START.date())
    uow.published.clear()
    uow.published.append(Published(example(CohortActivated, cohort_id=cohort.cohort_id), stored.version))
    uow.now = START + timedelta(days=364)
    assert not await start_evaluations(uow)
    assert uow.cohorts.rows[cohort.cohort_id].state is CohortState.ACTIVE
    uow.now = START + timedelta(days=365)
    await start_evaluations(uow)
    await start_evaluations(uow)
    assert uow.names() == ["CohortActivated", "CohortEvaluationStarted"]
