"""A pair on trial: it meets, prepares, and each of the two goes on or leaves."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from chassis.ports import Conflict
from engagement.application.views import pair_view
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.training import offered
from engagement.domain.vocabulary import Ending, Health, PairState, Side

from ..examples import COMPLETE_TERMS, START, active_pair, formed_pair, pair_on_trial

DAY = timedelta(days=1)


@pytest.mark.requirement("R1-07")
def test_a_pair_of_a_program_with_a_trial_begins_on_trial() -> None:
    pair = pair_on_trial(days=14)
    assert (pair.state, pair.trial_ends_at, pair.version) == (PairState.TRIAL, START + 14 * DAY, 0)
    assert (pair.is_open, pair.health(START), pair.watched) == (True, Health.NOT_STARTED, False)


def test_without_trial_days_a_pair_is_formed_at_once() -> None:
    pair = formed_pair()
    assert (pair.state, pair.trial_ends_at) == (PairState.FORMED, None)
    for attempt in (lambda: pair.confirm_trial(Side.MENTOR), pair.require_trial, lambda: pair.pass_trial(START)):
        with pytest.raises(Conflict):
            attempt()


@pytest.mark.requirement("R1-07")
def test_a_first_meeting_may_be_arranged_and_held_within_the_trial_and_only_there() -> None:
    pair = pair_on_trial(days=14)
    Meeting.schedule(uuid4(), pair, scheduled_for=START + 14 * DAY, channel=None, now=START)
    with pytest.raises(Conflict) as refused:
        Meeting.schedule(uuid4(), pair, scheduled_for=START + 14 * DAY + DAY / 24, channel=None, now=START)
    assert refused.value.remedy is not None
    assert "before the trial ends" in refused.value.remedy
    assert pair.record_contact(START + 3 * DAY, START + 3 * DAY) is False
    assert (pair.meetings_held, pair.last_held_at, pair.version) == (1, START + 3 * DAY, 0)


def test_a_meeting_of_the_trial_may_be_logged_when_the_trial_is_over() -> None:
    pair = pair_on_trial(days=14)
    pair.pass_trial(START + 14 * DAY)
    pair.record_contact(START + 13 * DAY, START + 15 * DAY)
    with pytest.raises(Conflict):
        pair.record_contact(START + 14 * DAY + DAY / 2, START + 15 * DAY)


@pytest.mark.requirement("R1-07")
def test_the_agreement_is_prepared_on_trial_and_counts_when_it_is_over() -> None:
    pair = pair_on_trial(days=14)
    _sign_and_train(pair)
    assert (pair.agreement_in_force, pair.state, pair.may_activate) == (1, PairState.TRIAL, False)
    with pytest.raises(Conflict):
        pair.activate(START)
    pair.pass_trial(START + 14 * DAY)
    assert (pair.state, pair.may_activate) == (PairState.FORMED, True)
    pair.activate(START + 14 * DAY)
    assert (pair.silent_from, pair.ends_at) == (START + 14 * DAY, datetime(2028, 1, 18, 9, tzinfo=START.tzinfo))


@pytest.mark.requirement("R1-07")
def test_the_trial_is_over_when_both_have_confirmed_and_not_before() -> None:
    pair = pair_on_trial()
    assert pair.confirm_trial(Side.MENTOR) is False
    assert pair.confirm_trial(Side.MENTOR) is False
    assert (pair.state, pair.version) == (PairState.TRIAL, 0)
    assert pair.confirm_trial(Side.MENTEE) is True
    assert (pair.state, pair.version) == (PairState.FORMED, 1)
    assert (pair.mentor.confirmed, pair.mentee.confirmed) == (False, False)


@pytest.mark.requirement("R1-07")
def test_the_two_are_reminded_once_while_there_is_time_to_talk() -> None:
    pair = pair_on_trial(days=14, reminder_days=3)
    assert not pair.remind_of_trial(START + 11 * DAY - timedelta(seconds=1))
    assert pair.remind_of_trial(START + 11 * DAY)
    assert not pair.remind_of_trial(START + 12 * DAY)
    assert (pair.trial_reminded_at, pair.version) == (START + 11 * DAY, 0)


@pytest.mark.parametrize(("days", "reminder_days"), [(14, 0), (3, 3), (2, 3)])
def test_a_trial_too_short_for_a_reminder_or_without_one_has_none(days: int, reminder_days: int) -> None:
    pair = pair_on_trial(days=days, reminder_days=reminder_days)
    assert not any(pair.remind_of_trial(START + hours * timedelta(hours=1)) for hours in range(days * 24))


def test_nobody_is_reminded_of_a_trial_that_is_over_or_that_is_paused() -> None:
    confirmed, passed, paused = (pair_on_trial(days=14, reminder_days=3) for _ in range(3))
    for side in Side:
        confirmed.confirm_trial(side)
    assert not passed.remind_of_trial(START + 14 * DAY)
    paused.quarantine(START + 5 * DAY)
    assert not confirmed.remind_of_trial(START + 12 * DAY)
    assert not paused.remind_of_trial(START + 12 * DAY)
    paused.reinstate(START + 12 * DAY)
    assert not paused.remind_of_trial(START + 18 * DAY - timedelta(seconds=1))
    assert paused.remind_of_trial(START + 18 * DAY)


@pytest.mark.requirement("R1-07")
def test_the_days_pass_and_the_pair_goes_on() -> None:
    pair = pair_on_trial(days=14)
    with pytest.raises(Conflict):
        pair.pass_trial(START + 14 * DAY - timedelta(seconds=1))
    pair.pass_trial(START + 14 * DAY)
    assert (pair.state, pair.version) == (PairState.FORMED, 1)
    with pytest.raises(Conflict):
        pair.pass_trial(START + 15 * DAY)


@pytest.mark.requirement("R1-07", "N5")
def test_whoever_leaves_the_pair_that_is_left_says_nothing_about_it() -> None:
    pair = pair_on_trial()
    ends = []
    for leaving in Side:
        left = deepcopy(pair)
        left.confirm_trial(leaving.other)
        left.dissolve(START + DAY)
        assert (left.state, left.ending) == (PairState.DISSOLVED, Ending.TRIAL)
        ends.append(left)
    assert ends[0] == ends[1]


def test_only_a_pair_on_trial_ends_by_its_trial() -> None:
    pair = pair_on_trial()
    pair.pass_trial(START + 30 * DAY)
    pair.dissolve(START + 30 * DAY)
    assert pair.ending is None
    active = active_pair()
    active.dissolve(START)
    assert active.ending is None


@pytest.mark.requirement("N5")
def test_nobody_sees_the_others_word_on_the_trial() -> None:
    pair = pair_on_trial()
    pair.confirm_trial(Side.MENTEE)
    seen = {viewer: pair_view(pair, START, viewer=viewer).confirmed for viewer in (None, *Side)}
    assert seen == {None: None, Side.MENTOR: False, Side.MENTEE: True}
    pair.pass_trial(START + 30 * DAY)
    assert pair_view(pair, START, viewer=Side.MENTEE).confirmed is None


def test_meetings_of_the_trial_do_not_count_for_the_rhythm_that_begins_with_activation() -> None:
    pair = pair_on_trial(days=14)
    pair.record_contact(START + DAY, START + DAY)
    _sign_and_train(pair)
    pair.pass_trial(START + 14 * DAY)
    pair.activate(START + 14 * DAY)
    view = pair_view(pair, START + 36 * DAY, [START + DAY])
    assert view.regularity is not None
    assert (view.regularity.due, view.regularity.kept) == (0, 0)


def _sign_and_train(pair: Pair) -> None:
    for side in Side:
        pair.sign(side, agreement_version=1, terms=COMPLETE_TERMS, now=START)
        for module in sorted(offered(side)):
            pair.complete_training(side, module)
