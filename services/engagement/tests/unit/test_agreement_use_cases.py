"""Signing, changing and training: who may, what it publishes, when the pair begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, PreconditionFailed
from contracts.engagement import AgreementSigned
from contracts.fields import Role
from engagement.application.record_training import RecordTraining, record_training
from engagement.application.revise_agreement import ReviseAgreement, revise_agreement
from engagement.application.sign_agreement import SignAgreement, sign_agreement
from engagement.domain import templates
from engagement.domain.agreement import Agreement
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Formality, PairState, TrainingModule

from ..examples import COMPLETE_TERMS, formed_pair, terms_for
from .fakes import FakeUnitOfWork


def with_pair(formality: Formality = Formality.STANDARD, **terms: Any) -> tuple[Pair, FakeUnitOfWork]:
    uow, pair = FakeUnitOfWork(), formed_pair(formality)
    uow.pairs.add(pair)
    uow.agreements.add(pair, Agreement(templates.template(formality, "en"), replace(terms_for(formality), **terms)))
    return pair, uow


@pytest.mark.requirement("R0-24")
async def test_a_light_pair_begins_with_the_second_signature() -> None:
    pair, uow = with_pair(Formality.LIGHT)
    command = SignAgreement(pair.pair_id, agreement_version=1)
    await sign_agreement(command, uow.acting_as(pair.mentee.person_id))
    assert uow.names() == ["AgreementSigned"]
    assert uow.published[0][0].signed_by == (Role.MENTEE,)
    await sign_agreement(command, uow.acting_as(pair.mentor.person_id))
    assert uow.names() == ["AgreementSigned", "AgreementSigned", "PairActivated"]
    assert [sequence for _, sequence in uow.published] == [1, 2, 3]
    assert [event.state.value for event, _ in uow.published] == ["formed", "formed", "active"]
    assert uow.pairs.rows[pair.pair_id].state is PairState.ACTIVE


@pytest.mark.requirement("R3-24")
async def test_a_standard_pair_begins_when_training_is_done_too() -> None:
    pair, uow = with_pair()
    for person in (pair.mentor.person_id, pair.mentee.person_id):
        await sign_agreement(SignAgreement(pair.pair_id, 1), uow.acting_as(person))
    mentor = RecordTraining(pair.pair_id, TrainingModule.MENTOR_ONBOARDING)
    await record_training(mentor, uow.acting_as(pair.mentor.person_id))
    assert "PairActivated" not in uow.names()
    mentee = RecordTraining(pair.pair_id, TrainingModule.MENTEE_ONBOARDING)
    view = await record_training(mentee, uow.acting_as(pair.mentee.person_id))
    assert uow.names() == ["AgreementSigned", "AgreementSigned", "PairActivated"]
    assert (uow.published[-1][0].mentor_trained, uow.published[-1][0].mentee_trained) == (True, True)
    assert view.mentee.outstanding_modules == ()
    await record_training(mentee, uow)
    assert len(uow.published) == 3


@pytest.mark.requirement("R0-26")
async def test_filling_in_terms_makes_a_version_that_both_must_sign() -> None:
    pair, uow = with_pair(medium=None, number_one_outcome=None)
    with pytest.raises(InvalidInput) as refused:
        await sign_agreement(SignAgreement(pair.pair_id, 1), uow.acting_as(pair.mentor.person_id))
    assert refused.value.field == "medium"
    filled = {"medium": COMPLETE_TERMS.medium, "number_one_outcome": "One thing"}
    view = await sign_agreement(SignAgreement(pair.pair_id, 1, filled), uow)
    assert (view.pair.agreement_version, view.agreement.terms.number_one_outcome, view.missing) == (2, "One thing", ())
    mentee = uow.acting_as(pair.mentee.person_id)
    with pytest.raises(Conflict):
        await sign_agreement(SignAgreement(pair.pair_id, 1), mentee)
    with pytest.raises(Conflict):
        await sign_agreement(SignAgreement(pair.pair_id, 1, {"number_one_outcome": "Another"}), mentee)
    view = await sign_agreement(SignAgreement(pair.pair_id, 2, filled), mentee)
    assert view.pair.agreement_in_force == 2
    assert uow.agreements.rows[pair.pair_id, 1].terms.medium is None


@pytest.mark.requirement("R0-26")
async def test_a_revision_names_the_version_it_builds_on_and_carries_the_proposers_signature() -> None:
    pair, uow = with_pair()
    mentor = uow.acting_as(pair.mentor.person_id)
    with pytest.raises(PreconditionFailed):
        await revise_agreement(ReviseAgreement(pair.pair_id, 7, {"cadence_days": 28}), mentor)
    with pytest.raises(InvalidInput):
        await revise_agreement(ReviseAgreement(pair.pair_id, 0, {"cadence_days": 21}), mentor)
    await revise_agreement(ReviseAgreement(pair.pair_id, 0, {"cadence_days": 28}), mentor)
    event, sequence = uow.published[-1]
    assert isinstance(event, AgreementSigned)
    assert (event.agreement_version, event.signed_by, event.cadence_days, sequence) == (2, (Role.MENTOR,), 21, 1)


async def test_nobody_but_the_two_signs_changes_or_trains() -> None:
    pair, uow = with_pair()
    for actor in (
        uow.acting_as(uuid4()),
        uow.acting_as(None, "program_manager"),
        uow.acting_as(uuid4(), "facilitator"),
    ):
        with pytest.raises(NotVisible):
            await sign_agreement(SignAgreement(pair.pair_id, 1), actor)
        with pytest.raises(NotVisible):
            await revise_agreement(ReviseAgreement(pair.pair_id, 0, {"cadence_days": 28}), actor)
        with pytest.raises(NotVisible):
            await record_training(RecordTraining(pair.pair_id, TrainingModule.MENTOR_ONBOARDING), actor)
    with pytest.raises(NotVisible):
        await sign_agreement(SignAgreement(uuid4(), 1), uow.acting_as(pair.mentor.person_id))


async def test_what_the_two_agreed_on_in_words_is_in_no_event() -> None:
    pair, uow = with_pair(Formality.STRUCTURED)
    await sign_agreement(SignAgreement(pair.pair_id, 1), uow.acting_as(pair.mentor.person_id))
    published = uow.published[0][0].model_dump_json()
    for words in (COMPLETE_TERMS.place, COMPLETE_TERMS.boundaries, COMPLETE_TERMS.number_one_outcome, "technology.ai"):
        assert words is not None
        assert words not in published
