"""What is kept of others' facts: the newest version whatever the order; changed people outdate what was computed on
them.
"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from chassis.ports import Conflict
from contracts.engagement import PairDissolved, PairHealth, PairState
from contracts.enrollment import (
    CohortEnrollmentClosed,
    CohortOpened,
    CohortState,
    Direction,
    EmploymentState,
    Formality,
    LanguageSkill,
    MatchingMode,
    ParticipantAdmitted,
    ParticipantApplied,
    ParticipationState,
    PersonJoined,
    PersonLeft,
    PersonMoved,
    ProgramProposed,
    ProgramState,
    ProgramType,
    ScoreWeights,
    TopicLevel,
    WorkingHours,
)
from contracts.envelope import Envelope
from contracts.fields import LanguageLevel as PublishedLevel
from contracts.fields import Role as PublishedRole
from contracts.fields import Weekday
from matching.application.on_cohort_changed import on_cohort_changed
from matching.application.on_pair_changed import on_pair_changed
from matching.application.on_participation_changed import on_participation_changed
from matching.application.on_people_changed import on_people_changed
from matching.application.on_program_changed import on_program_changed
from matching.application.release_run import ReleaseRun, release_run
from matching.domain.facts import LanguageLevel, PairType, Weights, WorkingTime

from .fakes import COHORT, NOW, PROGRAM, FakeUnitOfWork, cohort_of, known_person
from .run_fakes import completed
from .worlds import OTHER_UNIT, UNIT, participation, person


def envelope(event: Any, sequence: int) -> Envelope[Any]:
    return Envelope.of(event, sequence=sequence, time=NOW)


def moved(number: int, event: type[Any] = PersonMoved, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "business_unit_id": UNIT, "person_id": person(number), "state": EmploymentState.EMPLOYED, "grade": "G2",
        "grade_rank": 2, "team_code": f"{number:016x}", "change_set_id": UUID(int=9), "change_set_size": 1,
        "change_set_index": 0,
    }  # fmt: skip
    return event(**{**values, **changes})


async def test_people_are_kept_in_their_newest_version_in_any_order() -> None:
    events = [
        envelope(moved(1, PersonJoined), 1),
        envelope(moved(1, manager_id=person(5), dotted_line_manager_ids=(person(7), person(6))), 2),
        envelope(moved(1, PersonLeft, state=EmploymentState.LEFT, grade_rank=4), 3),
    ]
    for order in permutations(events):
        together, single = FakeUnitOfWork(), FakeUnitOfWork()
        await on_people_changed(order, together)
        for event in order:
            await on_people_changed([event], single)
        assert together.known_people.held == single.known_people.held
        (kept,) = single.known_people.held.values()
        assert (kept.sequence, kept.employed, kept.grade_rank) == (3, False, 4)


@pytest.mark.requirement("R3-25", "I6")
async def test_a_move_of_anybody_in_the_picture_outdates_a_completed_run() -> None:
    uow = cohort_of(1, 1)
    uow.known_people.held[person(1)] = known_person(1, manager_id=person(500))
    uow.known_people.held[person(500)] = known_person(500)
    run = await completed(uow, COHORT)
    await on_people_changed([envelope(moved(500), 2)], uow)
    assert not run.outdated  # a new version with the same facts
    await on_people_changed([envelope(moved(999, manager_id=person(1)), 1)], uow)
    assert not run.outdated  # somebody who is no part of it
    await on_people_changed([envelope(moved(500, manager_id=person(101)), 3)], uow)
    assert run.outdated
    with pytest.raises(Conflict, match="changed since the run"):
        await release_run(ReleaseRun(run.run_id), uow)


async def test_a_program_s_settings_become_the_rules() -> None:
    uow = FakeUnitOfWork()
    event = ProgramProposed(
        business_unit_id=UNIT, program_id=PROGRAM, state=ProgramState.PROPOSED, settings_version=3,
        type=ProgramType.RECIPROCAL, direction=Direction.EXPERTISE, matching_mode=MatchingMode.HR_RUN,
        formality=Formality.LIGHT, voluntary=True, duration_months=12, executive_floor_days=30, acceptance_days=10,
        reminder_days=7, silence_days=21, survey_days=14, suppression_threshold=5, minimum_grade_gap=2,
        minimum_language_level=PublishedLevel.C1, minimum_overlap_minutes=90, training_required=False,
        score_weights=ScoreWeights(topics=5, reciprocity=4, distance=3, language=2, hours=1),
        facilitator_ids=(person(8),),
    )  # fmt: skip
    await on_program_changed(envelope(event, 1), uow)
    program = uow.known_programs.held[PROGRAM]
    assert (program.settings_version, program.acceptance_days, program.facilitator_ids) == (3, 10, (person(8),))
    assert (program.rules.pair_type, program.rules.minimum_language_level) == (PairType.RECIPROCAL, LanguageLevel.C1)
    assert program.rules.weights == Weights(5, 4, 3, 2, 1)


async def test_a_cohort_keeps_its_newest_state() -> None:
    values: dict[str, Any] = {
        "business_unit_id": UNIT, "named_unit_ids": (UNIT, OTHER_UNIT), "cohort_id": COHORT, "program_id": PROGRAM,
        "settings_version": 1, "enrollment_opens_on": date(2025, 1, 1), "enrollment_closes_on": date(2025, 2, 1),
        "starts_on": date(2025, 3, 3), "ends_on": date(2026, 3, 3),
    }  # fmt: skip
    opened = envelope(CohortOpened(state=CohortState.ENROLLING, **values), 1)
    closed = envelope(CohortEnrollmentClosed(state=CohortState.MATCHING, **values), 2)
    uow = FakeUnitOfWork()
    for event in (closed, opened):
        await on_cohort_changed(event, uow)
    assert uow.known_cohorts.held[COHORT].state == "matching"


async def test_an_application_becomes_a_candidate_s_facts() -> None:
    uow = FakeUnitOfWork()
    values: dict[str, Any] = {
        "business_unit_id": UNIT, "named_unit_ids": (UNIT, OTHER_UNIT), "participation_id": participation(1),
        "cohort_id": COHORT, "program_id": PROGRAM, "person_id": person(1), "home_unit_id": OTHER_UNIT,
        "role": PublishedRole.MENTOR, "offers": (TopicLevel(topic="technology.ai", level=4),),
        "languages": (LanguageSkill(language="en", level=PublishedLevel.B2),), "time_zone": "Europe/Paris",
        "working_hours": WorkingHours(start_minute=540, end_minute=1050), "capacity": 2,
    }  # fmt: skip
    applied = ParticipantApplied(state=ParticipationState.APPLIED, **values)
    admitted = ParticipantAdmitted(
        state=ParticipationState.ADMITTED, working_days=(Weekday.SUNDAY, Weekday.MONDAY), **values
    )
    await on_participation_changed(envelope(applied, 1), uow)
    kept = uow.known_participations.held[participation(1)]
    assert not kept.may_be_matched
    assert kept.working_time == WorkingTime("Europe/Paris", 540, 1050, frozenset({1, 2, 3, 4, 5}))
    await on_participation_changed(envelope(admitted, 2), uow)
    kept = uow.known_participations.held[participation(1)]
    assert kept.may_be_matched
    assert kept.working_time == WorkingTime("Europe/Paris", 540, 1050, frozenset({1, 7}))
    assert (kept.offers, kept.languages, kept.capacity) == ({"technology.ai": 4}, {"en": LanguageLevel.B2}, 2)


@pytest.mark.parametrize(
    ("state", "ended"), [(PairState.ACTIVE, False), (PairState.DISSOLVED, True), (PairState.COMPLETED, True)]
)
async def test_a_pair_that_has_ended_is_known_to_have(state: PairState, ended: bool) -> None:
    uow = FakeUnitOfWork()
    event = PairDissolved(
        business_unit_id=UNIT, named_unit_ids=(UNIT,), pair_id=UUID(int=3), cohort_id=COHORT, program_id=PROGRAM,
        mentor_id=person(1), mentee_id=person(2), mentor_participation_id=participation(1),
        mentee_participation_id=participation(2), state=state, health=PairHealth.ENDED, agreement_version=1,
        formed_at=NOW, ends_on=date(2026, 3, 3),
    )  # fmt: skip
    await on_pair_changed(envelope(event, 4), uow)
    assert uow.known_pairs.held[UUID(int=3)].ended is ended
