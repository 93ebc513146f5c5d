"""A pair that is being checked: it stands still, and nothing that is counted goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from chassis.ports import Conflict
from engagement.application.views import pair_view
from engagement.domain.pair import Pair
from engagement.domain.pause import Pause, running_time, standstill
from engagement.domain.vocabulary import Ending, Health, PairState, Side, TrainingModule

from ..examples import COMPLETE_TERMS, START, active_pair, formed_pair, pair_on_trial

DAY = timedelta(days=1)


def day(number: float) -> datetime:
    """So many days after the start."""
    return START + number * DAY


@pytest.mark.requirement("N2")
@pytest.mark.parametrize("make", [active_pair, formed_pair, pair_on_trial])
def test_a_checked_pair_stands_still_and_goes_back_to_what_it_was(make: Callable[[], Pair]) -> None:
    pair = make()
    state, version, health = pair.state, pair.version, pair.health(day(5))
    pair.quarantine(day(1))
    assert (pair.state, pair.is_open, pair.watched) == (PairState.QUARANTINED, True, False)
    assert pair.health(day(400)) is Health.PAUSED
    pair.reinstate(day(5))
    assert (pair.state, pair.version, pair.health(day(5))) == (state, version, health)
    assert pair.resumes_as is None


@pytest.mark.requirement("N2")
@pytest.mark.parametrize(
    "attempt",
    [
        lambda pair: pair.require_may_meet_at(day(2)),
        lambda pair: pair.record_contact(day(0.5), day(2)),
        lambda pair: pair.sign(Side.MENTOR, agreement_version=1, terms=COMPLETE_TERMS, now=day(2)),
        lambda pair: pair.revise(Side.MENTOR, terms=COMPLETE_TERMS, now=day(2)),
        lambda pair: pair.confirm_trial(Side.MENTOR),
        lambda pair: pair.pass_trial(day(99)),
        lambda pair: pair.stall(day(99)),
        lambda pair: pair.complete(day(999)),
        lambda pair: pair.activate(day(2)),
        lambda pair: pair.quarantine(day(2)),
    ],
)
@pytest.mark.parametrize("make", [active_pair, pair_on_trial])
def test_nothing_goes_on_while_it_stands_still(make: Callable[[], Pair], attempt: Callable[[Pair], Any]) -> None:
    pair = make()
    pair.quarantine(day(1))
    with pytest.raises(Conflict) as refused:
        attempt(pair)
    words = f"{refused.value} {refused.value.remedy}"
    assert not any(told in words for told in ("conflict of interest", "line", "rule"))
    assert pair.state is PairState.QUARANTINED


@pytest.mark.requirement("N2")
def test_silence_goes_on_where_it_stood() -> None:
    pair = active_pair()
    stalls_at = pair.stalls_at
    pair.quarantine(day(10))
    pair.reinstate(day(40))
    assert pair.stalls_at == stalls_at + 30 * DAY
    with pytest.raises(Conflict):
        pair.stall(day(71))
    pair.stall(day(72))


def test_silence_since_a_contact_within_the_pause_counts_from_its_end() -> None:
    pair = active_pair()
    pair.record_contact(day(12), day(12))
    pair.quarantine(day(10))  # it was found at day 10 and reached the pair after the contact
    pair.reinstate(day(40))
    assert pair.silent_from == day(40)


@pytest.mark.requirement("N2")
def test_trial_and_duration_are_given_back_what_the_pause_took() -> None:
    pair = pair_on_trial(days=14)
    pair.quarantine(day(10))
    pair.reinstate(day(40))
    assert (pair.trial_ends_at, pair.ends_at) == (day(44), START.replace(year=2028) + 30 * DAY)
    active = active_pair()
    active.quarantine(day(10))
    active.reinstate(day(40))
    assert active.ends_at == START.replace(year=2028) + 30 * DAY
    active.revise(Side.MENTOR, terms=COMPLETE_TERMS, now=day(41))
    active.sign(Side.MENTEE, agreement_version=2, terms=COMPLETE_TERMS, now=day(41))
    assert active.ends_at == START.replace(year=2028) + 30 * DAY


def test_a_pause_before_activation_takes_nothing_from_the_duration_that_begins_with_it() -> None:
    pair = pair_on_trial(days=14)
    pair.quarantine(day(1))
    pair.reinstate(day(3))
    for side in Side:
        pair.confirm_trial(side)
        pair.sign(side, agreement_version=1, terms=COMPLETE_TERMS, now=day(3))
        pair.complete_training(side, getattr(TrainingModule, f"{side.name}_ONBOARDING"))
    pair.activate(day(4))
    assert pair.ends_at == datetime(2028, 1, 8, 9, tzinfo=START.tzinfo)


@pytest.mark.requirement("N5")
@pytest.mark.parametrize(
    ("make", "ending"), [(active_pair, None), (pair_on_trial, Ending.TRIAL)], ids=["active", "trial"]
)
def test_both_may_leave_while_it_stands_still(make: Callable[[], Pair], ending: Ending | None) -> None:
    pair = make()
    pair.quarantine(day(1))
    pair.dissolve(day(2))
    assert (pair.state, pair.ending, pair.resumes_as) == (PairState.DISSOLVED, ending, None)
    assert pair.pauses == (Pause(day(1), day(2)),)
    with pytest.raises(Conflict):
        pair.reinstate(day(3))


def test_regularity_asks_for_no_meeting_in_a_pause() -> None:
    pair = active_pair()
    held = [day(21)]
    pair.record_contact(day(21), day(21))
    before = pair_view(pair, day(22), held).regularity
    pair.quarantine(day(22))
    during = pair_view(pair, day(99), held).regularity
    pair.reinstate(day(100))
    after = pair_view(pair, day(101), held).regularity
    assert before == during == after
    late = pair_view(pair, day(21 + 78 + 28), held).regularity
    assert late is not None
    assert (late.due, late.kept) == (2, 1)


def test_a_meeting_after_a_pause_is_kept_in_rhythm() -> None:
    pair = active_pair()
    pair.quarantine(day(10))
    pair.reinstate(day(52))
    pair.record_contact(day(63), day(63))
    regularity = pair_view(pair, day(64), [day(63)]).regularity
    assert regularity is not None
    assert (regularity.due, regularity.kept) == (1, 1)


def test_a_pair_that_ended_in_a_pause_owes_nothing_for_it() -> None:
    pair = active_pair()
    pair.quarantine(day(20))
    pair.dissolve(day(200), Ending.HANDED_OVER)
    regularity = pair_view(pair, day(300), []).regularity
    assert regularity is not None
    assert regularity.due == 0
    assert pair.ending is Ending.HANDED_OVER


def test_two_pauses_add_up_and_only_what_lies_between_counts() -> None:
    pauses = (Pause(day(1), day(3)), Pause(day(5)))
    assert standstill(pauses, since=day(2), until=day(7)) == 3 * DAY
    assert standstill(pauses, since=day(7), until=day(2)) == timedelta()
    assert running_time(day(4), pauses, since=day(0)) == day(2)
    assert [pauses[1].covers(day(moment)) for moment in (4, 5, 50)] == [False, True, True]
    assert pauses[0].covers(day(3))
    assert not pauses[0].covers(day(3.1))


def test_a_pause_that_ends_before_it_began_has_taken_no_time() -> None:
    pair = active_pair()
    silent_from, ends_at = pair.silent_from, pair.ends_at
    pair.quarantine(day(5))
    pair.reinstate(day(4))
    assert (pair.silent_from, pair.ends_at, pair.pauses) == (silent_from, ends_at, (Pause(day(5), day(5)),))
