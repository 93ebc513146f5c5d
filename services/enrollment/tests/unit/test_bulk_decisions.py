"""Many screenings and admissions in one call: the rules of a single one, row by row."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import Conflict, NotVisible, Rejection
from enrollment.application.apply_to_cohort import ApplyToCohort, apply_to_cohort
from enrollment.application.charter_program import CharterProgram, charter_program
from enrollment.application.decide_admission import DecideAdmission
from enrollment.application.decide_admissions import (
    AdmitEverybody,
    DecideAdmissions,
    admit_everybody,
    decide_admissions,
)
from enrollment.application.open_cohort import OpenCohort, open_cohort
from enrollment.application.propose_program import ProposeProgram, propose_program
from enrollment.application.screen_candidate import ScreenCandidate
from enrollment.application.screen_candidates import ScreenCandidates, screen_candidates
from enrollment.domain.cohorts import Cohort
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.life_experience import LifeExperience, Purpose
from enrollment.domain.participations import (
    Application,
    Decision,
    Participation,
    ParticipationState,
    Role,
    WaitlistQueue,
)
from enrollment.domain.programs import EvaluationDesign, Metric, Objective
from enrollment.domain.topics import TopicLevel
from hypothesis import given
from hypothesis import strategies as st

from .fakes import UNIT, FakeUnitOfWork

PROFILE = Application(
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


async def opened(uow: FakeUnitOfWork, **more: Any) -> Cohort:
    program = await propose_program(ProposeProgram("Reverse"), uow)
    charter = (Objective.PERSPECTIVE,), (Metric.CADENCE_KEPT,), EvaluationDesign.BEFORE_AFTER, uuid4()
    await charter_program(CharterProgram(program.program_id, *charter), uow)
    return await open_cohort(OpenCohort(program.program_id, "First", **more), uow)


async def applied(uow: FakeUnitOfWork, cohort: Cohort, count: int) -> list[UUID]:
    made = [await apply_to_cohort(ApplyToCohort(cohort.cohort_id, uuid4(), UNIT, PROFILE), uow) for _ in range(count)]
    return [each.participation_id for each in made]


async def screened(uow: FakeUnitOfWork, cohort: Cohort, count: int) -> list[UUID]:
    ids = await applied(uow, cohort, count)
    rows = [ScreenCandidate(which, True) for which in ids]
    assert (await screen_candidates(ScreenCandidates(cohort.cohort_id, rows), uow)).applied == count
    return ids


def deciding(cohort: Cohort, *rows: tuple[UUID, Decision], **more: Any) -> DecideAdmissions:
    return DecideAdmissions(
        cohort.cohort_id, [DecideAdmission(which, cohort.cohort_id, what) for which, what in rows], **more
    )


def states(uow: FakeUnitOfWork, ids: list[UUID]) -> list[str]:
    return [uow.participations.rows[which].state.value for which in ids]


@pytest.mark.requirement("R0-39")
async def test_rows_in_error_are_refused_one_by_one_and_all_others_are_screened(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    ada, bo, cy, dee = await applied(uow, cohort, 4)
    said = len(uow.published)
    rows = [
        ScreenCandidate(ada, True, "Has the time."),
        ScreenCandidate(uuid4(), True),
        ScreenCandidate(bo, False),
        ScreenCandidate(ada, False),
        ScreenCandidate(cy, True, "x" * 4_001),
        ScreenCandidate(dee, True),
    ]
    report = await screen_candidates(ScreenCandidates(cohort.cohort_id, rows), uow)
    assert (report.rows_read, report.applied) == (6, 3)
    assert [(each.row, each.field, each.code) for each in report.findings] == [
        (2, "participation_id", "not-found"),
        (4, "participation_id", "named-twice"),
        (5, "notes", "invalid-input"),
    ]
    assert all(each.remedy for each in report.findings)
    assert states(uow, [ada, bo, cy, dee]) == ["screened", "screened", "applied", "screened"]
    assert [uow.participations.rows[which].screening_passed for which in (ada, bo, dee)] == [True, False, True]
    assert uow.participations.notes == {ada: "Has the time."}
    assert uow.names()[said:] == ["ParticipantScreened"] * 3
    assert "Has the time" not in repr(uow.published)
    assert [line[0] for line in uow.audited][-1] == "screen-candidates"
    again = await screen_candidates(ScreenCandidates(cohort.cohort_id, rows[:1]), uow)
    assert (again.applied, again.findings[0].code) == (0, "conflict")


async def test_a_check_reports_the_same_and_changes_nothing(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow, mentor_places=1)
    ids = await applied(uow, cohort, 2)
    audited = len(uow.audited)
    rows = [ScreenCandidate(which, True) for which in ids]
    checked = await screen_candidates(ScreenCandidates(cohort.cohort_id, rows, check_only=True), uow)
    assert (checked.applied, checked.check_only, states(uow, ids)) == (2, True, ["applied"] * 2)
    await screen_candidates(ScreenCandidates(cohort.cohort_id, rows), uow)
    said = len(uow.published)
    decisions = deciding(cohort, *((which, Decision.ADMIT) for which in ids), check_only=True)
    first = await decide_admissions(decisions, uow)
    everybody = await admit_everybody(AdmitEverybody(cohort.cohort_id, check_only=True), uow)
    assert (first.applied, everybody.applied, states(uow, ids)) == (1, 1, ["screened"] * 2)
    assert (len(uow.published), len(uow.audited)) == (said, audited + 1)
    final = await decide_admissions(deciding(cohort, *((which, Decision.ADMIT) for which in ids)), uow)
    assert (final.applied, final.findings) == (first.applied, first.findings)


async def test_places_go_in_the_order_of_the_waitlist_whatever_the_order_of_the_rows(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow, mentor_places=2)
    first, second, third, new, gone = await screened(uow, cohort, 5)
    for which in (gone, first, second, third):
        await decide_admissions(deciding(cohort, (which, Decision.WAITLIST)), uow)
    report = await decide_admissions(
        deciding(
            cohort,
            (new, Decision.ADMIT),
            (third, Decision.ADMIT),
            (second, Decision.ADMIT),
            (first, Decision.ADMIT),
            (gone, Decision.DECLINE),
        ),
        uow,
    )
    assert states(uow, [first, second, third, new, gone]) == [
        "admitted", "admitted", "waitlisted", "screened", "declined",
    ]  # fmt: skip
    assert [(each.row, each.code) for each in report.findings] == [(1, "conflict"), (2, "conflict")]
    assert "no place" in report.findings[1].message
    assert "waiting longer" in report.findings[0].message
    decisions = [line for line in uow.audited if line[0] == "decide-admission"]
    assert len(decisions) == 4 + 3


async def test_who_joins_the_queue_in_one_call_waits_in_the_order_of_the_rows(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    ids = await screened(uow, cohort, 3)
    order = [ids[2], ids[0], ids[1]]
    await decide_admissions(deciding(cohort, *((which, Decision.WAITLIST) for which in order)), uow)
    assert [uow.participations.rows[which].queue_number for which in order] == [1, 2, 3]


@pytest.mark.requirement("N10")
async def test_a_class_is_chosen_by_row_or_follows_from_an_earlier_cohort(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    chosen, waited, usual, wrong = await screened(uow, cohort, 4)
    uow.participations.waited = {uow.participations.rows[which].person_id for which in (chosen, waited)}
    admit = [
        DecideAdmission(chosen, cohort.cohort_id, Decision.ADMIT, 3),
        DecideAdmission(waited, cohort.cohort_id, Decision.ADMIT),
        DecideAdmission(usual, cohort.cohort_id, Decision.ADMIT),
        DecideAdmission(wrong, cohort.cohort_id, Decision.ADMIT, 7),
    ]
    report = await decide_admissions(DecideAdmissions(cohort.cohort_id, admit), uow)
    assert [uow.participations.rows[which].priority for which in (chosen, waited, usual)] == [3, 1, 2]
    assert [(each.row, each.field) for each in report.findings] == [(4, "priority")]


@pytest.mark.requirement("R0-38")
async def test_life_experience_of_whoever_is_declined_is_erased(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    lived = LifeExperience.consented(("taught",), Purpose.MATCHING, consent=True)
    ada = await apply_to_cohort(ApplyToCohort(cohort.cohort_id, uuid4(), UNIT, PROFILE, lived), uow)
    assert uow.participations.experiences
    await decide_admissions(deciding(cohort, (ada.participation_id, Decision.DECLINE)), uow)
    assert uow.participations.experiences == {}
    assert uow.published[-1].event.background_codes == ()


@pytest.mark.requirement("R0-39", "R2-15")
async def test_everybody_means_who_was_assessed_and_passed_as_far_as_places_go(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow, mentor_places=3)
    waiting, *ready = await screened(uow, cohort, 4)
    await decide_admissions(deciding(cohort, (waiting, Decision.WAITLIST)), uow)
    failed, unscreened = await applied(uow, cohort, 2)
    await screen_candidates(ScreenCandidates(cohort.cohort_id, [ScreenCandidate(failed, False)]), uow)
    report = await admit_everybody(AdmitEverybody(cohort.cohort_id, 1), uow)
    assert (report.rows_read, report.applied, report.remaining, report.findings) == (3, 3, 1, ())
    assert states(uow, [waiting, *sorted(ready), failed, unscreened]) == [
        "admitted", "admitted", "admitted", "screened", "screened", "applied",
    ]  # fmt: skip
    assert uow.participations.rows[waiting].priority == 1


async def test_another_units_cohort_looks_as_if_it_did_not_exist(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    ids = await screened(uow, cohort, 1)
    foreign = FakeUnitOfWork(unit=uuid4())
    foreign.cohorts, foreign.participations = uow.cohorts, uow.participations
    with pytest.raises(NotVisible):
        await screen_candidates(ScreenCandidates(cohort.cohort_id, [ScreenCandidate(ids[0], True)]), foreign)
    with pytest.raises(NotVisible):
        await decide_admissions(deciding(cohort, (ids[0], Decision.ADMIT)), foreign)
    with pytest.raises(NotVisible):
        await admit_everybody(AdmitEverybody(cohort.cohort_id), foreign)
    assert states(uow, ids) == ["screened"]


def person_in(state: ParticipationState) -> Participation:
    return Participation(uuid4(), uuid4(), uuid4(), uuid4(), UNIT, UNIT, Role.MENTOR, state)


MOVES = st.lists(
    st.sampled_from(("nominate", "apply", "pass", "fail", "admit", "waitlist", "decline", "withdraw")), max_size=12
)


@pytest.mark.requirement("R0-39", "R2-15")
@given(moves=MOVES)
def test_nobody_is_admitted_or_waits_without_a_whole_profile_and_an_assessment(moves: list[str]) -> None:
    """Whatever is tried in whatever order."""
    person = person_in(ParticipationState.IDENTIFIED)
    queue = WaitlistQueue((), 0, None, 0)
    assessed = False
    for move in moves:
        try:
            if move == "nominate":
                person.nominate(None)
            elif move == "apply":
                person.apply(PROFILE)
                assessed = False
            elif move in {"pass", "fail"}:
                person.screen(move == "pass", None)
                assessed = move == "pass"
            elif move in {"admit", "waitlist"}:
                getattr(person, move)(queue)
            else:
                getattr(person, move)()
        except Rejection:
            continue
        if person.state in {ParticipationState.ADMITTED, ParticipationState.WAITLISTED}:
            assert assessed
            assert person.application is PROFILE


@pytest.mark.requirement("R0-39", "R2-15")
@pytest.mark.parametrize("gap", ["no assessment", "no profile"])
def test_a_stored_candidate_without_one_of_them_is_refused(gap: str) -> None:
    person = person_in(ParticipationState.SCREENED)
    person.screening_passed = None if gap == "no assessment" else True
    person.application = PROFILE if gap == "no assessment" else None
    for move in (person.admit, person.waitlist):
        with pytest.raises(Conflict, match="assessment" if gap == "no assessment" else "profile"):
            move(WaitlistQueue((), 0, None, 0))
