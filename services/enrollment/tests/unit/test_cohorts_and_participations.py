from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import Conflict, InvalidInput
from enrollment.domain.cohorts import Cohort, CohortState, months_later
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.participations import (
    Application,
    Participation,
    ParticipationState,
    Role,
    WaitlistQueue,
)
from enrollment.domain.topics import TOPICS, TopicLevel
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 1, 31)
FREE = WaitlistQueue((), 0, None, 0)


def application(role: Role = Role.MENTOR, **changes: Any) -> Application:
    usual: dict[str, Any] = {
        "role": role,
        "offers": (TopicLevel("technology.ai", 4),) if role is Role.MENTOR else (),
        "asks": (TopicLevel("technology.ai", 3),) if role is Role.MENTEE else (),
        "languages": (LanguageSkill("en", LanguageLevel.C1),),
        "time_zone": "Europe/London",
        "hours": WorkingHours(time(9), time(17, 30)),
    }
    return Application(**(usual | changes))


def candidate(state: ParticipationState = ParticipationState.IDENTIFIED, **changes: Any) -> Participation:
    return Participation(
        uuid4(),
        uuid4(),
        uuid4(),
        uuid4(),
        uuid4(),
        uuid4(),
        Role.MENTOR,
        state,
        version=0 if state is ParticipationState.IDENTIFIED else 1,
        **changes,
    )


def screened(*, passed: bool = True) -> Participation:
    person = candidate()
    person.apply(application())
    person.screen(passed, None)
    return person


def cohort(**changes: Any) -> Cohort:
    usual: dict[str, Any] = {
        "named_unit_ids": (), "title": "First", "settings_version": 1, "duration_months": 12, "today": TODAY,
        "enrollment_closes_on": TODAY, "starts_on": TODAY, "mentor_places": None, "mentee_places": None,
    }  # fmt: skip
    return Cohort.open(uuid4(), uuid4(), uuid4(), **(usual | changes))


# Cohorts


def test_a_cohort_runs_from_enrolling_to_closed_and_its_end_follows_its_start() -> None:
    run = cohort()
    assert (run.state, run.version) == (CohortState.ENROLLING, 1)
    run.close_enrollment(date(2026, 2, 10))
    assert (run.state, run.enrollment_closes_on) == (CohortState.MATCHING, date(2026, 2, 10))
    assert run.activate(date(2026, 2, 28))
    assert not run.activate(date(2026, 3, 1))
    assert (run.state, run.starts_on, run.ends_on) == (CohortState.ACTIVE, date(2026, 2, 28), date(2027, 2, 28))
    assert not run.start_evaluation(date(2027, 2, 27))
    assert run.start_evaluation(date(2027, 2, 28))
    assert run.close()
    assert not run.close()
    assert (run.state, run.version) == (CohortState.CLOSED, 5)


def test_nobody_applies_after_enrollment_has_closed() -> None:
    run = cohort()
    run.require_enrolling()
    run.close_enrollment(TODAY)
    with pytest.raises(Conflict, match="closed"):
        run.require_enrolling()
    with pytest.raises(Conflict):
        run.close_enrollment(TODAY)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"enrollment_closes_on": date(2026, 1, 30)}, "enrollment_closes_on"),
        ({"enrollment_closes_on": date(2026, 2, 2), "starts_on": date(2026, 2, 1)}, "starts_on"),
        ({"mentor_places": 0}, "mentor_places"),
        ({"title": " "}, "title"),
    ],
)
def test_days_and_places_that_do_not_fit_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        cohort(**changes)
    assert problem.value.field == field


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 12, date(2027, 1, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2028, 2, 29), 24, date(2030, 2, 28)),
    ],
)
def test_months_later(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected


# Applications


@pytest.mark.requirement("R0-06", "R2-13")
def test_skills_are_declared_and_nothing_asks_for_age() -> None:
    names = {each.name for each in fields(Application)} | {each.name for each in fields(Participation)}
    assert not names & {"age", "age_band", "date_of_birth", "birth_date", "birth_year", "generation"}
    with pytest.raises(InvalidInput, match="offers at least one"):
        application(offers=())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": Role.MENTEE, "asks": ()}, "asks"),
        ({"offers": (TopicLevel("technology.ai", 1), TopicLevel("technology.ai", 2))}, "offers"),
        ({"languages": ()}, "languages"),
        ({"languages": (LanguageSkill("en", LanguageLevel.A1), LanguageSkill("en", LanguageLevel.C2))}, "languages"),
        ({"time_zone": "London"}, "time_zone"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 4}, "capacity"),
        ({"cadence_floor_days": 7}, "cadence_floor_days"),
    ],
)
def test_an_application_that_breaks_a_rule_names_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        application(**changes)
    assert problem.value.field == field
    assert problem.value.remedy


@pytest.mark.parametrize(("topic", "level"), [("technology.nonsense", 3), ("technology.ai", 0), ("technology.ai", 6)])
def test_topics_come_from_the_tree_with_a_level(topic: str, level: int) -> None:
    with pytest.raises(InvalidInput):
        TopicLevel(topic, level)


@pytest.mark.requirement("R1-01")
def test_the_tree_has_the_three_roots_and_no_branch_without_one() -> None:
    codes = [topic.code for topic in TOPICS]
    assert {topic.code for topic in TOPICS if topic.parent is None} == {"technology", "social_media", "trends"}
    assert len(set(codes)) == len(codes)
    assert all(topic.parent in codes[: codes.index(topic.code)] for topic in TOPICS if topic.parent)
    assert {
        "technology.ai",
        "technology.cloud",
        "social_media.video",
        "trends.esg",
        "trends.culture",
        "trends.customer_insight",
    } <= set(codes)


def test_hours_may_run_over_midnight_but_not_be_empty() -> None:
    assert WorkingHours(time(22), time(6)).days == (1, 2, 3, 4, 5)
    with pytest.raises(InvalidInput):
        WorkingHours(time(9), time(9))
    with pytest.raises(InvalidInput):
        WorkingHours(time(9), time(17), (0,))


# The pipeline


@pytest.mark.requirement("R0-33", "R0-35")
def test_a_candidate_applies_on_their_own_and_goes_through_the_pipeline() -> None:
    person = candidate()
    person.apply(application())
    assert (person.state, person.version) == (ParticipationState.APPLIED, 1)
    person.screen(True, "warm and curious")
    person.admit(FREE)
    assert person.join_pair(UUID(int=1))
    assert person.leave_pair(UUID(int=1), completed=True)
    assert (person.state, person.version) == (ParticipationState.COMPLETED, 5)


@pytest.mark.requirement("R0-33")
def test_a_nominee_must_still_apply_and_the_application_decides_the_role() -> None:
    person = candidate()
    person.nominate(uuid4())
    assert person.state is ParticipationState.NOMINATED
    with pytest.raises(Conflict):
        person.screen(True, None)
    with pytest.raises(Conflict):
        person.nominate(uuid4())
    person.apply(application(Role.MENTEE))
    assert (person.state, person.role, person.version) == (ParticipationState.APPLIED, Role.MENTEE, 2)


@pytest.mark.requirement("R0-02")
def test_the_role_belongs_to_the_participation_not_to_the_person() -> None:
    person_id = uuid4()
    one, other = candidate(), candidate()
    one.person_id = other.person_id = person_id
    one.apply(application(Role.MENTOR))
    other.apply(application(Role.MENTEE))
    assert {one.role, other.role} == {Role.MENTOR, Role.MENTEE}


@pytest.mark.requirement("R0-33")
@pytest.mark.parametrize(
    "state",
    [
        state
        for state in ParticipationState
        if state not in {ParticipationState.SCREENED, ParticipationState.WAITLISTED}
    ],
)
def test_only_screened_candidates_are_admitted(state: ParticipationState) -> None:
    person = candidate(state)
    with pytest.raises(Conflict):
        person.admit(FREE)
    assert person.state is state


def test_who_did_not_pass_is_neither_admitted_nor_waitlisted_only_declined() -> None:
    person = screened(passed=False)
    with pytest.raises(Conflict, match="not passed"):
        person.admit(FREE)
    with pytest.raises(Conflict, match="not passed"):
        person.waitlist(FREE)
    person.decline()
    assert person.state is ParticipationState.DECLINED
    with pytest.raises(Conflict):
        person.apply(application())
    with pytest.raises(Conflict):
        person.withdraw()


def test_who_withdraws_may_apply_again() -> None:
    person = screened()
    person.withdraw()
    person.apply(application())
    assert (person.state, person.screening_passed, person.version) == (ParticipationState.APPLIED, None, 4)


# The waitlist


def test_without_a_free_place_nobody_is_admitted() -> None:
    with pytest.raises(Conflict, match="no place"):
        screened().admit(WaitlistQueue((), 0, 1, 1))


def test_nobody_overtakes_the_waitlist() -> None:
    with pytest.raises(Conflict, match="2 waiting"):
        screened().admit(WaitlistQueue((4, 7), 7, None, 0))
    second = screened()
    second.waitlist(WaitlistQueue((4,), 6, 0, 0))
    assert second.queue_number == 7
    with pytest.raises(Conflict, match="1 waiting"):
        second.admit(WaitlistQueue((4, 7), 7, None, 0))
    second.admit(WaitlistQueue((7,), 7, None, 0))
    assert second.state is ParticipationState.ADMITTED
    assert second == replace(second, queue_number=None)


@given(st.lists(st.sampled_from(["arrive", "admit", "withdraw"]), max_size=40), st.integers(1, 4))
def test_whatever_happens_places_go_in_the_order_of_arrival_and_are_never_exceeded(
    events: list[str], places: int
) -> None:
    arrived: list[Participation] = []
    waiting: list[Participation] = []
    admitted: list[Participation] = []
    last = 0
    for event in events:
        queue = WaitlistQueue(tuple(person.queue_number or 0 for person in waiting), last, places, len(admitted))
        if event == "arrive":
            person = screened()
            person.waitlist(queue)
            last = person.queue_number or 0
            arrived.append(person)
            waiting.append(person)
        elif event == "withdraw" and admitted:
            admitted.pop(0).withdraw()
        elif event == "admit" and waiting:
            for later in waiting[1:]:
                with pytest.raises(Conflict):
                    later.admit(queue)
            if len(admitted) < places:
                waiting[0].admit(queue)
                admitted.append(waiting.pop(0))
            else:
                with pytest.raises(Conflict):
                    waiting[0].admit(queue)
    ever_admitted = [person for person in arrived if person.version > 3]
    assert ever_admitted == arrived[: len(ever_admitted)]
    assert len(admitted) <= places


# Pairs


def test_matched_while_at_least_one_pair_is_open() -> None:
    person = screened()
    person.admit(FREE)
    one, two = UUID(int=1), UUID(int=2)
    assert person.join_pair(one)
    assert not person.join_pair(one)
    assert person.join_pair(two)
    assert person.leave_pair(one, completed=False)
    assert (person.state, person.pair_ids) == (ParticipationState.MATCHED, (two,))
    assert person.leave_pair(two, completed=False)
    assert not person.leave_pair(two, completed=False)
    assert (person.state, person.pair_ids, person.version) == (ParticipationState.ADMITTED, (), 7)


def test_with_one_pair_completed_and_the_other_dissolved_the_person_has_completed() -> None:
    person = screened()
    person.admit(FREE)
    person.join_pair(UUID(int=1))
    person.join_pair(UUID(int=2))
    person.leave_pair(UUID(int=1), completed=True)
    person.leave_pair(UUID(int=2), completed=False)
    assert person.state is ParticipationState.COMPLETED


def test_a_pair_formed_while_the_person_withdrew_does_not_bring_them_back() -> None:
    person = screened()
    person.admit(FREE)
    person.join_pair(UUID(int=1))
    person.withdraw()
    assert (person.state, person.pair_ids) == (ParticipationState.WITHDRAWN, ())
    version = person.version
    assert not person.join_pair(UUID(int=2))
    assert not person.leave_pair(UUID(int=1), completed=False)
    assert person.knows_pair(UUID(int=1))
    assert person.knows_pair(UUID(int=2))
    assert (person.state, person.version) == (ParticipationState.WITHDRAWN, version)
