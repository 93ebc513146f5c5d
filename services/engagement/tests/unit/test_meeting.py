"""The life of a meeting."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.ports import Conflict, InvalidInput
from engagement.domain.meeting import Meeting
from engagement.domain.vocabulary import Channel, MeetingState, Side

from ..examples import START, active_pair, formed_pair

GRACE = timedelta(days=2)


def scheduled() -> Meeting:
    return Meeting.schedule(
        uuid4(), active_pair(), scheduled_for=START + timedelta(days=3), channel=Channel.VIDEO, now=START
    )


def test_a_scheduled_meeting_is_held_once() -> None:
    meeting = scheduled()
    assert (meeting.state, meeting.version) == (MeetingState.SCHEDULED, 1)
    meeting.log(held_at=START + timedelta(days=3), minutes=50, channel=Channel.PHONE)
    assert (meeting.state, meeting.version, meeting.channel) == (MeetingState.HELD, 2, Channel.PHONE)
    with pytest.raises(Conflict):
        meeting.log(held_at=START, minutes=50, channel=Channel.PHONE)
    with pytest.raises(Conflict):
        meeting.cancel(Side.MENTOR)


def test_only_an_active_pair_schedules_and_only_for_a_date_to_come() -> None:
    with pytest.raises(Conflict):
        Meeting.schedule(uuid4(), formed_pair(), scheduled_for=START + timedelta(days=1), channel=None, now=START)
    for wrong in (timedelta(), timedelta(days=-1), timedelta(days=401)):
        with pytest.raises(InvalidInput):
            Meeting.schedule(uuid4(), active_pair(), scheduled_for=START + wrong, channel=None, now=START)


def test_a_cancellation_names_the_side() -> None:
    meeting = scheduled()
    meeting.cancel(Side.MENTEE)
    assert (meeting.state, meeting.cancelled_by, meeting.version) == (MeetingState.CANCELLED, Side.MENTEE, 2)
    with pytest.raises(Conflict):
        meeting.log(held_at=START, minutes=30, channel=Channel.VIDEO)
    with pytest.raises(Conflict):
        meeting.cancel(Side.MENTEE)


def test_a_meeting_is_missed_only_when_its_time_has_long_passed() -> None:
    meeting = scheduled()
    assert meeting.scheduled_for is not None
    with pytest.raises(Conflict):
        meeting.miss(grace=GRACE, now=meeting.scheduled_for + GRACE - timedelta(seconds=1))
    meeting.miss(grace=GRACE, now=meeting.scheduled_for + GRACE)
    assert (meeting.state, meeting.version) == (MeetingState.MISSED, 2)
    with pytest.raises(Conflict):
        meeting.miss(grace=GRACE, now=meeting.scheduled_for + GRACE)


def test_a_meeting_presumed_missed_can_still_be_logged() -> None:
    meeting = scheduled()
    assert meeting.scheduled_for is not None
    meeting.miss(grace=GRACE, now=meeting.scheduled_for + GRACE)
    meeting.log(held_at=meeting.scheduled_for, minutes=45, channel=Channel.VIDEO)
    assert (meeting.state, meeting.version) == (MeetingState.HELD, 3)


@pytest.mark.parametrize("minutes", [0, -5, 601])
def test_a_length_out_of_bounds(minutes: int) -> None:
    with pytest.raises(InvalidInput):
        Meeting.log_unscheduled(uuid4(), active_pair(), held_at=START, minutes=minutes, channel=Channel.VIDEO)
    with pytest.raises(InvalidInput):
        scheduled().log(held_at=START, minutes=minutes, channel=Channel.VIDEO)
