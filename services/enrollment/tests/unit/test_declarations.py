"""What people declare about themselves: from published lists only; life experience by consent, for one purpose, until it is taken back."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import InvalidInput, NotVisible, Principal
from enrollment.adapters.rows import application_of, plain_application
from enrollment.application.apply_to_cohort import ApplyToCohort, apply_to_cohort
from enrollment.application.decide_admission import DecideAdmission, decide_admission
from enrollment.application.facts import participation_event
from enrollment.application.on_cohort_evaluated import on_cohort_evaluated
from enrollment.application.revoke_consent import RevokeConsent, revoke_consent
from enrollment.application.screen_candidate import ScreenCandidate, screen_candidate
from enrollment.application.withdraw import Withdraw, withdraw
from enrollment.domain.cohorts import CohortState
from enrollment.domain.declarations import STYLE_AXES, VALUES, Channel, Declarations, recommends_hr_run
from enrollment.domain.languages import LanguageLevel, LanguageSkill, WorkingHours
from enrollment.domain.life_experience import EXPERIENCES, LifeExperience, Purpose
from enrollment.domain.participations import Application, Decision, Participation, ParticipationState, Role
from enrollment.domain.special_columns import refused_kind
from enrollment.domain.topics import TopicLevel

from ..facts import evaluated
from .fakes import UNIT, FakeUnitOfWork
from .test_use_cases import opened

DECLARED = Declarations.of(
    ["independence", "creativity"], {"pace": 4, "directness": 1}, [Channel.VIDEO, Channel.CHAT], confidence=2
)
EXPERIENCE = LifeExperience(("taught", "worked_abroad"), Purpose.MATCHING)
KEY, OTHER_KEY = bytes(32), b"k" * 32


def application(role: Role = Role.MENTOR, **changes: Any) -> Application:
    topics = (TopicLevel("technology.ai", 4),)
    usual: dict[str, Any] = {
        "role": role, "offers": topics if role is Role.MENTOR else (), "asks": topics if role is Role.MENTEE else (),
        "languages": (LanguageSkill("en", LanguageLevel.C1),), "time_zone": "Europe/London",
        "hours": WorkingHours(time(9), time(17)), "declarations": DECLARED,
    }  # fmt: skip
    return Application(**{**usual, **changes})


async def applied(uow: FakeUnitOfWork, cohort: UUID, experience: LifeExperience | None = EXPERIENCE) -> Participation:
    return await apply_to_cohort(ApplyToCohort(cohort, uuid4(), UNIT, application(), experience), uow)


def as_person(uow: FakeUnitOfWork, person: UUID) -> FakeUnitOfWork:
    uow.principal = Principal("person", person, UNIT, frozenset({"participant"}))
    return uow


@pytest.mark.requirement("R3-17", "R0-38")
def test_nothing_that_can_be_declared_is_of_a_special_category() -> None:
    for choice in (*VALUES, *EXPERIENCES):
        assert refused_kind(choice.code) is None, choice.code
        assert refused_kind(choice.title) is None, choice.title
    assert refused_kind("identity to match") is not None
    assert refused_kind("biography") == "free text about the person"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"values": [choice.code for choice in VALUES[:6]]}, "values"),
        ({"values": ["wealth_of_others"]}, "values"),
        ({"values": ["income", "income"]}, "values"),
        ({"style": {"age": 3}}, "working_style"),
        ({"style": {"pace": 6}}, "working_style.pace"),
        ({"style": {"pace": 0}}, "working_style.pace"),
        ({"confidence": 6}, "confidence"),
    ],
)
def test_what_is_not_on_the_lists_is_refused(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        Declarations.of(**said)
    assert problem.value.field == field
    assert problem.value.remedy


@pytest.mark.requirement("R1-13", "R1-04", "R4-10")
def test_declarations_are_published_and_confidence_is_not() -> None:
    participation = Participation(
        uuid4(), uuid4(), uuid4(), uuid4(), UNIT, UNIT, Role.MENTOR, ParticipationState.IDENTIFIED
    )
    both_ways = application(asks=(TopicLevel("trends.esg", 2),))
    participation.apply(both_ways)
    event: Any = participation_event(participation)
    assert event.values == ("creativity", "independence")
    assert (event.working_style.pace, event.working_style.directness, event.working_style.formality) == (4, 1, None)
    assert [channel.value for channel in event.preferred_channels] == ["chat", "video"]
    assert (event.priority, event.background_codes) == (2, ())
    assert [topic.topic for topic in (*event.offers, *event.asks)] == ["technology.ai", "trends.esg"]
    assert "confidence" not in event.model_dump_json()
    assert {axis.code for axis in STYLE_AXES} == set(type(event.working_style).model_fields)


def test_an_application_stored_before_there_were_declarations_is_read() -> None:
    stored = plain_application(application())
    assert application_of(stored) == application()
    for name in ("values", "style", "channels", "confidence"):
        del stored[name]
    assert application_of(stored) == application(declarations=Declarations())


@pytest.mark.requirement("R0-32")
@pytest.mark.parametrize(("answers", "low", "expected"), [(0, 0, False), (9, 2, False), (9, 3, True), (5, 5, True)])
def test_hr_should_match_where_a_third_trust_themselves_little(answers: int, low: int, expected: bool) -> None:
    assert recommends_hr_run(answers, low) is expected


@pytest.mark.requirement("R0-38", "N7")
def test_without_consent_no_life_experience_is_taken() -> None:
    with pytest.raises(InvalidInput) as problem:
        LifeExperience.consented(("taught",), Purpose.MATCHING, consent=False)
    assert problem.value.field == "life_experience.consent"
    assert LifeExperience.consented(("worked_abroad", "taught"), Purpose.MATCHING, consent=True) == EXPERIENCE
    for wrong in ((), ("taught", "taught"), ("is_gay",), tuple(choice.code for choice in EXPERIENCES[:6])):
        with pytest.raises(InvalidInput):
            LifeExperience(wrong, Purpose.MATCHING)


@pytest.mark.requirement("R0-38")
def test_codes_are_equal_within_a_cohort_and_tell_nothing_elsewhere() -> None:
    codes = EXPERIENCE.codes(KEY)
    assert codes == LifeExperience(("worked_abroad", "taught"), Purpose.MATCHING).codes(KEY)
    assert set(LifeExperience(("taught",), Purpose.MATCHING).codes(KEY)) < set(codes)
    assert set(codes).isdisjoint(EXPERIENCE.codes(OTHER_KEY))
    assert codes == tuple(sorted(codes))
    with pytest.raises(ValueError, match="32 bytes"):
        EXPERIENCE.codes(b"")


@pytest.mark.requirement("R0-38", "N7")
async def test_life_experience_is_published_as_codes_and_is_gone_once_the_consent_is_taken_back() -> None:
    uow = FakeUnitOfWork()
    cohort = await opened(uow)
    one, other = await applied(uow, cohort.cohort_id), await applied(uow, cohort.cohort_id)
    without = await applied(uow, cohort.cohort_id, None)
    said = {event.subject: event for event, _ in uow.published}
    assert said[one.participation_id].background_codes == said[other.participation_id].background_codes
    assert len(said[one.participation_id].background_codes) == 2
    assert said[without.participation_id].background_codes == ()
    assert not any(word in said[one.participation_id].model_dump_json() for word in ("taught", "worked_abroad"))
    assert uow.participations.experiences.keys() == {one.participation_id, other.participation_id}

    with pytest.raises(NotVisible):
        await revoke_consent(RevokeConsent(one.participation_id), uow)  # the program manager
    with pytest.raises(NotVisible):
        await revoke_consent(RevokeConsent(one.participation_id), as_person(uow, other.person_id))
    changed = await revoke_consent(RevokeConsent(one.participation_id), as_person(uow, one.person_id))
    assert (changed.background_codes, changed.state, changed.version) == ((), ParticipationState.APPLIED, 2)
    assert uow.participations.experiences.keys() == {other.participation_id}
    assert uow.participations.rows[one.participation_id].background_codes == ()
    assert uow.published[-1].event.background_codes == ()
    assert uow.audited[-1].action == "revoke-consent"
    again = await revoke_consent(RevokeConsent(one.participation_id), uow)
    assert again.version == 2


@pytest.mark.requirement("R0-38")
async def test_whoever_is_out_leaves_no_life_experience_behind() -> None:
    uow = FakeUnitOfWork()
    cohort = await opened(uow)
    leaver, declined = await applied(uow, cohort.cohort_id), await applied(uow, cohort.cohort_id)
    await screen_candidate(ScreenCandidate(declined.participation_id, True), uow)
    gone = await decide_admission(DecideAdmission(declined.participation_id, cohort.cohort_id, Decision.DECLINE), uow)
    left = await withdraw(Withdraw(leaver.participation_id), uow)
    assert (gone.background_codes, left.background_codes) == ((), ())
    assert uow.participations.experiences == {}
    row = uow.cohorts.rows[cohort.cohort_id]
    row.state = CohortState.EVALUATING
    await on_cohort_evaluated(evaluated(UNIT, cohort.program_id, cohort.cohort_id), uow)
    assert uow.cohorts.forgotten == [cohort.cohort_id]


@pytest.mark.requirement("N10")
@pytest.mark.parametrize("decision", [Decision.ADMIT, Decision.WAITLIST])
async def test_whoever_waited_in_vain_comes_first_unless_a_class_is_chosen(decision: Decision) -> None:
    uow = FakeUnitOfWork()
    cohort = await opened(uow)

    async def decided(waited: bool, priority: int | None) -> int:
        participation = await applied(uow, cohort.cohort_id)
        if waited:
            uow.participations.waited.add(participation.person_id)
        await screen_candidate(ScreenCandidate(participation.participation_id, True), uow)
        command = DecideAdmission(participation.participation_id, cohort.cohort_id, decision, priority)
        done = await decide_admission(command, uow)
        assert uow.audited[-1].after is not None
        assert uow.audited[-1].after["priority"] == done.priority == uow.published[-1].event.priority
        await withdraw(Withdraw(participation.participation_id), uow)
        return done.priority

    assert [await decided(True, None), await decided(False, None), await decided(True, 3)] == [1, 2, 3]
    with pytest.raises(InvalidInput) as problem:
        await decided(False, 4)
    assert problem.value.field == "priority"
