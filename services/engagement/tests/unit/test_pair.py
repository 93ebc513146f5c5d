"""The life of a pair, from formation to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from chassis.ports import Conflict, InvalidInput
from engagement.domain.agreement import Terms
from engagement.domain.pair import Pair
from engagement.domain.training import is_required, offered
from engagement.domain.vocabulary import Formality, Health, PairState, Side, TrainingModule

from ..examples import COMPLETE_TERMS, LIGHT_TERMS, START, active_pair, formed_pair, terms_for

DAY = timedelta(days=1)


@pytest.mark.requirement("R0-24")
def test_the_agreement_is_in_force_only_when_both_have_signed() -> None:
    pair = formed_pair()
    pair.sign(Side.MENTOR, agreement_version=1, terms=COMPLETE_TERMS, now=START)
    assert (pair.agreement_in_force, pair.version) == (None, 1)
    pair.sign(Side.MENTEE, agreement_version=1, terms=COMPLETE_TERMS, now=START + DAY)
    assert (pair.agreement_in_force, pair.version) == (1, 2)


def test_nobody_signs_twice() -> None:
    pair = formed_pair()
    pair.sign(Side.MENTOR, agreement_version=1, terms=COMPLETE_TERMS, now=START)
    with pytest.raises(Conflict):
        pair.sign(Side.MENTOR, agreement_version=1, terms=COMPLETE_TERMS, now=START)
    assert pair.version == 1


@pytest.mark.requirement("R0-26")
def test_a_change_resets_the_signatures_and_both_must_sign_the_same_version() -> None:
    pair = active_pair()
    version = pair.version
    changed = replace(COMPLETE_TERMS, cadence_days=28, duration_months=18)
    pair.revise(Side.MENTEE, terms=changed, now=START + DAY)
    assert (pair.agreement_version, pair.agreement_in_force, pair.version) == (2, 1, version + 1)
    assert (pair.mentor.signed_at, pair.mentee.signed_at) == (None, START + DAY)
    assert (pair.cadence_days, pair.state) == (21, PairState.ACTIVE)  # what both signed stays in force

    with pytest.raises(Conflict) as refused:
        pair.sign(Side.MENTOR, agreement_version=1, terms=COMPLETE_TERMS, now=START + DAY)
    assert refused.value.field == "agreement_version"

    pair.sign(Side.MENTOR, agreement_version=2, terms=changed, now=START + 2 * DAY)
    assert (pair.agreement_in_force, pair.cadence_days, pair.duration_months) == (2, 28, 18)
    assert pair.ends_at == START.replace(year=2028, month=7)


def test_incomplete_terms_cannot_be_signed() -> None:
    pair = formed_pair(Formality.STRUCTURED)
    with pytest.raises(InvalidInput) as refused:
        pair.sign(Side.MENTOR, agreement_version=1, terms=replace(COMPLETE_TERMS, place=None), now=START)
    assert refused.value.field == "place"
    with pytest.raises(InvalidInput):
        pair.revise(Side.MENTOR, terms=Terms(12), now=START)
    assert (pair.version, pair.agreement_version, pair.mentor.signed_at) == (0, 1, None)


@pytest.mark.requirement("R3-24")
@pytest.mark.parametrize("formality", [Formality.STANDARD, Formality.STRUCTURED])
def test_activation_waits_for_the_required_training_of_both(formality: Formality) -> None:
    pair = formed_pair(formality)
    for side in Side:
        pair.sign(side, agreement_version=1, terms=COMPLETE_TERMS, now=START)
    outstanding = [(side, module) for side in Side for module in sorted(pair.training_outstanding(side))]
    assert len(outstanding) == (2 if formality is Formality.STANDARD else 4)
    for side, module in outstanding:
        assert not pair.may_activate
        with pytest.raises(Conflict):
            pair.activate(START)
        assert pair.complete_training(side, module)
    assert pair.may_activate
    assert all(pair.is_trained(side) for side in Side)


@pytest.mark.requirement("R3-24")
def test_standard_and_structured_require_training_whatever_the_program_says() -> None:
    assert is_required(Formality.STANDARD, program_requires=False)
    assert is_required(Formality.STRUCTURED, program_requires=False)
    assert not is_required(Formality.LIGHT, program_requires=False)
    assert is_required(Formality.LIGHT, program_requires=True)


@pytest.mark.requirement("R2-20", "R3-24")
def test_a_light_pair_is_offered_training_and_needs_none() -> None:
    pair = formed_pair(Formality.LIGHT)
    for side in Side:
        assert offered(side)
        pair.sign(side, agreement_version=1, terms=LIGHT_TERMS, now=START)
    assert pair.may_activate
    assert pair.complete_training(Side.MENTOR, TrainingModule.MENTOR_ONBOARDING)


def test_training_counts_once_and_on_ones_own_path_only() -> None:
    pair = formed_pair()
    assert pair.complete_training(Side.MENTEE, TrainingModule.MENTEE_ONBOARDING)
    version = pair.version
    assert not pair.complete_training(Side.MENTEE, TrainingModule.MENTEE_ONBOARDING)
    with pytest.raises(InvalidInput):
        pair.complete_training(Side.MENTEE, TrainingModule.MENTOR_ONBOARDING)
    assert pair.version == version


def test_duration_and_rhythm_count_from_activation() -> None:
    pair = formed_pair(Formality.LIGHT)
    for side in Side:
        pair.sign(side, agreement_version=1, terms=LIGHT_TERMS, now=START)
    pair.activate(START + 9 * DAY)
    assert pair.ends_at == START.replace(year=2028, day=13)
    assert pair.silent_from == START + 9 * DAY
    with pytest.raises(Conflict):
        pair.activate(START + 9 * DAY)


def test_meetings_belong_to_an_active_pair() -> None:
    with pytest.raises(Conflict):
        formed_pair().record_contact(START, START)


def test_a_contact_moves_the_rhythm_forward_and_never_back() -> None:
    pair = active_pair()
    version = pair.version
    assert not pair.record_contact(START + 20 * DAY, START + 20 * DAY)
    assert not pair.record_contact(START + 10 * DAY, START + 20 * DAY)
    assert (pair.last_held_at, pair.silent_from) == (START + 20 * DAY, START + 20 * DAY)
    assert pair.version == version


@pytest.mark.parametrize("offset", [timedelta(minutes=6), -DAY])
def test_a_contact_lies_between_formation_and_now(offset: timedelta) -> None:
    pair = active_pair()
    with pytest.raises(InvalidInput) as refused:
        pair.record_contact(START + offset, START)
    assert refused.value.field == "held_at"
    pair.record_contact(START + timedelta(minutes=4), START)


def test_silence_stalls_and_a_meeting_ends_the_stall() -> None:
    pair = active_pair()
    with pytest.raises(Conflict):
        pair.stall(START + 41 * DAY)
    pair.stall(START + 42 * DAY)
    assert pair.health(START + 42 * DAY) is Health.STALLED
    with pytest.raises(Conflict):
        pair.stall(START + 43 * DAY)
    version = pair.version
    assert pair.record_contact(START + 44 * DAY, START + 44 * DAY)
    assert (pair.stalled_at, pair.version, pair.health(START + 44 * DAY)) == (None, version + 1, Health.ON_TRACK)
    assert (pair.stalls, pair.meetings_held) == (1, 1)


def test_a_meeting_of_long_ago_logged_late_does_not_end_a_stall() -> None:
    pair = active_pair()
    now = START + 90 * DAY
    pair.stall(now)
    assert not pair.record_contact(START + 5 * DAY, now)
    assert pair.stalled_at == now


def test_silence_is_not_counted_before_a_pair_begins() -> None:
    pair = formed_pair()
    assert pair.health(START + 90 * DAY) is Health.NOT_STARTED
    with pytest.raises(Conflict):
        pair.stall(START + 90 * DAY)


def test_a_light_pair_stalls_on_silence_alone() -> None:
    pair = active_pair(Formality.LIGHT)
    assert pair.health(START + 20 * DAY) is Health.ON_TRACK
    pair.stall(START + 21 * DAY)


def test_completion_waits_for_the_agreed_end() -> None:
    pair = active_pair()
    with pytest.raises(Conflict):
        pair.complete(pair.ends_at - DAY)
    pair.complete(pair.ends_at)
    assert (pair.state, pair.ended_at, pair.is_open) == (PairState.COMPLETED, pair.ends_at, False)
    assert pair.health(pair.ends_at) is Health.ENDED


@pytest.mark.parametrize("pair", [formed_pair(), active_pair(), active_pair(Formality.LIGHT)])
def test_an_open_pair_may_be_dissolved_at_any_time_and_only_once(pair: Pair) -> None:
    pair.dissolve(START + DAY)
    assert (pair.state, pair.ended_at) == (PairState.DISSOLVED, START + DAY)
    for refused in (
        lambda: pair.dissolve(START),
        lambda: pair.sign(Side.MENTOR, agreement_version=1, terms=terms_for(pair.formality), now=START),
        lambda: pair.revise(Side.MENTOR, terms=terms_for(pair.formality), now=START),
        lambda: pair.complete_training(Side.MENTOR, TrainingModule.FEEDBACK_UPWARD),
        lambda: pair.record_contact(START, START),
    ):
        with pytest.raises(Conflict):
            refused()


def test_a_pair_knows_its_people() -> None:
    pair = formed_pair()
    assert pair.side_of(pair.mentor.person_id) is Side.MENTOR
    assert pair.side_of(pair.mentee.person_id) is Side.MENTEE
    assert pair.side_of(pair.pair_id) is None
    assert pair.side_of(None) is None
    assert Side.MENTOR.other is Side.MENTEE
    assert Side.MENTEE.other is Side.MENTOR
