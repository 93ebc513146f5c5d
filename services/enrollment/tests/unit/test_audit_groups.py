from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, Principal
from contracts.audit_groups import AUDIT_GROUPS, code_of, group_of
from contracts.enrollment import AttributesConsented, ConsentWithdrawn
from contracts.envelope import Envelope
from enrollment.application.decide_admission import DecideAdmission, decide_admission
from enrollment.application.decide_admissions import DecideAdmissions, decide_admissions
from enrollment.application.declare_groups import DeclareGroups, declare_groups
from enrollment.application.on_cohort_evaluated import on_cohort_evaluated
from enrollment.application.revise_program import ReviseProgram, revise_program
from enrollment.application.revoke_audit_consent import RevokeAuditConsent, revoke_audit_consent
from enrollment.application.withdraw import Withdraw, withdraw
from enrollment.domain.audit_groups import DIMENSIONS, AuditGroups
from enrollment.domain.cohorts import CohortState
from enrollment.domain.participations import Decision, Participation
from enrollment.domain.program_settings import ProgramSettings, plain_settings, settings_from

from ..facts import evaluated
from .fakes import UNIT, FakeUnitOfWork
from .test_use_cases import opened, screened

KEY = b"a key of tests"
DECLARED = AuditGroups.consented({"gender": "woman", "age_band": "from_50"}, consent=True)


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


async def declared(uow: FakeUnitOfWork, cohort: Any = None) -> Participation:
    candidate = await screened(uow, cohort or await opened(uow))
    become(uow, candidate.person_id)
    participation = await declare_groups(DeclareGroups(candidate.participation_id, DECLARED, KEY), uow)
    become(uow, uuid4(), "program_manager")
    return participation


def become(uow: FakeUnitOfWork, person: UUID | None, *roles: str) -> None:
    uow.principal = Principal("somebody", person, UNIT, frozenset(roles or ("participant",)))


def consents(uow: FakeUnitOfWork) -> list[tuple[str, int, int]]:
    return [
        (type(event).__name__, sequence, len(event.attributes))
        for event, sequence in uow.published
        if isinstance(event, AttributesConsented | ConsentWithdrawn)
    ]


def test_the_list_that_people_choose_from_is_the_list_that_is_published() -> None:
    assert {code: tuple(choice.code for choice in each.groups) for code, each in DIMENSIONS.items()} == dict(
        AUDIT_GROUPS
    )


@pytest.mark.requirement("R3-17", "N7")
def test_a_code_is_read_with_the_key_alone_and_differs_from_person_to_person() -> None:
    one, other = uuid4(), uuid4()
    code = code_of(KEY, one, "gender", "woman")
    assert group_of(KEY, one, "gender", code) == "woman"
    assert group_of(b"another key", one, "gender", code) is None
    assert group_of(KEY, other, "gender", code) is None
    assert code != code_of(KEY, other, "gender", "woman")
    with pytest.raises(ValueError, match="key"):
        code_of(b"", one, "gender", "woman")


@pytest.mark.requirement("R3-17")
@pytest.mark.parametrize(
    ("groups", "consent", "field"),
    [
        ({"gender": "woman"}, False, "consent"),
        ({}, True, "groups"),
        ({"gender": "from_50"}, True, "groups.gender"),
        ({"religion": "any"}, True, "groups.religion"),
    ],
)
def test_nothing_is_taken_without_consent_or_off_the_list(groups: dict[str, str], consent: bool, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        AuditGroups.consented(groups, consent=consent)
    assert refused.value.field == field


@pytest.mark.requirement("R3-17", "N7", "S14")
async def test_what_is_declared_is_published_as_codes_on_a_topic_of_its_own(uow: FakeUnitOfWork) -> None:
    participation = await declared(uow)
    assert uow.declared_groups.rows[participation.participation_id] == DECLARED
    event, sequence = uow.published[-1]
    assert isinstance(event, AttributesConsented)
    assert (event.subject, sequence) == (event.consent_id, 1)
    said = {each.dimension: each.code for each in event.attributes}
    assert said == {
        dimension: code_of(KEY, participation.participation_id, dimension, group)
        for dimension, group in DECLARED.groups
    }
    everything = " ".join(
        Envelope.of(event, sequence=1, time=uow.now).data.model_dump_json() for event, _ in uow.published
    )
    assert "woman" not in everything
    assert "from_50" not in everything
    assert uow.audited[-1][0] == "consent-to-audit"
    assert "woman" not in str(uow.audited)


@pytest.mark.requirement("R3-17", "N7")
async def test_a_consent_is_taken_back_once_and_may_be_given_again(uow: FakeUnitOfWork) -> None:
    participation = await declared(uow)
    become(uow, participation.person_id)
    for _ in range(2):
        await revoke_audit_consent(RevokeAuditConsent(participation.participation_id), uow)
    assert not uow.declared_groups.rows
    await declare_groups(DeclareGroups(participation.participation_id, DECLARED, KEY), uow)
    assert consents(uow) == [("AttributesConsented", 1, 2), ("ConsentWithdrawn", 2, 0), ("AttributesConsented", 3, 2)]
    assert len({event.subject for event, _ in uow.published if "onsent" in type(event).__name__}) == 1


@pytest.mark.requirement("R3-17")
async def test_nobody_declares_or_takes_back_for_somebody_else(uow: FakeUnitOfWork) -> None:
    participation = await declared(uow)
    with pytest.raises(NotVisible):
        await declare_groups(DeclareGroups(participation.participation_id, DECLARED, KEY), uow)
    with pytest.raises(NotVisible):
        await revoke_audit_consent(RevokeAuditConsent(participation.participation_id), uow)
    assert consents(uow) == [("AttributesConsented", 1, 2)]


@pytest.mark.requirement("N7")
@pytest.mark.parametrize("how", ["withdraws", "is declined", "is declined with others", "the cohort ends"])
async def test_groups_are_erased_when_they_have_lost_their_purpose(uow: FakeUnitOfWork, how: str) -> None:
    cohort = await opened(uow)
    participation = await declared(uow, cohort)
    key = participation.participation_id
    if how == "withdraws":
        await withdraw(Withdraw(key), uow)
    elif how == "is declined":
        await decide_admission(DecideAdmission(key, cohort.cohort_id, Decision.DECLINE), uow)
    elif how == "is declined with others":
        row = DecideAdmission(key, cohort.cohort_id, Decision.DECLINE)
        await decide_admissions(DecideAdmissions(cohort.cohort_id, [row]), uow)
    else:
        uow.cohorts.rows[cohort.cohort_id].state = CohortState.EVALUATING
        await on_cohort_evaluated(evaluated(UNIT, cohort.program_id, cohort.cohort_id), uow)
    assert not uow.declared_groups.rows
    assert not uow.participations.rows[key].declares_groups
    assert consents(uow) == [("AttributesConsented", 1, 2), ("ConsentWithdrawn", 2, 0)]


async def test_a_program_may_switch_dimensions_off(uow: FakeUnitOfWork) -> None:
    cohort = await opened(uow)
    candidate = await screened(uow, cohort)
    version = uow.programs.rows[cohort.program_id].version
    await revise_program(ReviseProgram(cohort.program_id, {"audit_dimensions": ("gender",)}, version), uow)
    become(uow, candidate.person_id)
    with pytest.raises(InvalidInput) as refused:
        await declare_groups(DeclareGroups(candidate.participation_id, DECLARED, KEY), uow)
    assert refused.value.field == "groups.age_band"
    only = AuditGroups.consented({"gender": "woman"}, consent=True)
    await declare_groups(DeclareGroups(candidate.participation_id, only, KEY), uow)
    with pytest.raises(InvalidInput):
        ProgramSettings(audit_dimensions=("religion",))


def test_settings_from_before_there_were_dimensions_have_all_of_them() -> None:
    plain = plain_settings(ProgramSettings())
    del plain["audit_dimensions"]
    assert settings_from(plain).audit_dimensions == tuple(sorted(DIMENSIONS))


async def test_who_takes_part_no_more_is_not_audited(uow: FakeUnitOfWork) -> None:
    participation = await declared(uow)
    await withdraw(Withdraw(participation.participation_id), uow)
    become(uow, participation.person_id)
    with pytest.raises(Conflict):
        await declare_groups(DeclareGroups(participation.participation_id, DECLARED, KEY), uow)
