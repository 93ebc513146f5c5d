"""Meetings, the schedule's detectors and the end of a pair: who may, and what each publishes."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible
from contracts.engagement import PairHealth
from contracts.engagement import PairState as PublishedState
from engagement.application.cancel_meeting import CancelMeeting, cancel_meeting
from engagement.application.complete_pairs import complete_pairs
from engagement.application.detect_missed_meetings import GRACE, detect_missed_meetings
from engagement.application.detect_silent_pairs import BATCH, detect_silent_pairs
from engagement.application.dissolve_pair import DissolvePair, dissolve_pair
from engagement.application.log_meeting import LogMeeting, log_meeting
from engagement.application.log_scheduled_meeting import LogScheduledMeeting, log_scheduled_meeting
from engagement.application.schedule_meeting import ScheduleMeeting, schedule_meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Channel, MeetingState, PairState, Side

from ..examples import START, active_pair, formed_pair
from .fakes import FakeUnitOfWork

DAY = timedelta(days=1)


def with_pair(pair: Pair | None = None) -> tuple[Pair, FakeUnitOfWork]:
    uow, pair = FakeUnitOfWork(), pair or active_pair()
    uow.pairs.add(pair)
    return pair, uow


def log(pair: Pair, uow: FakeUnitOfWork) -> LogMeeting:
    return LogMeeting(pair.pair_id, held_at=uow.now, minutes=50, channel=Channel.VIDEO)


async def test_a_logged_meeting_is_one_fact_about_the_meeting_and_none_about_the_pair() -> None:
    pair, uow = with_pair()
    uow.now = START + 20 * DAY
    meeting = await log_meeting(log(pair, uow), uow.acting_as(pair.mentee.person_id))
    ((event, sequence),) = uow.published
    assert (type(event).__name__, sequence, event.meeting_id) == ("MeetingLogged", 1, meeting.meeting_id)
    assert event.scheduled_for is None
    stored = uow.pairs.rows[pair.pair_id]
    assert (stored.last_held_at, stored.meetings_held, stored.version) == (uow.now, 1, pair.version)


async def test_a_scheduled_meeting_is_held_or_cancelled() -> None:
    pair, uow = with_pair()
    mentor = uow.acting_as(pair.mentor.person_id)
    first = await schedule_meeting(ScheduleMeeting(pair.pair_id, START + DAY), mentor)
    second = await schedule_meeting(ScheduleMeeting(pair.pair_id, START + 2 * DAY, Channel.PHONE), mentor)
    assert (first.channel, second.channel) == (Channel.VIDEO, Channel.PHONE)
    with pytest.raises(InvalidInput):
        await cancel_meeting(CancelMeeting(second.meeting_id, Side.MENTEE), mentor)
    await cancel_meeting(CancelMeeting(second.meeting_id), mentor)
    uow.now = START + DAY
    held = LogScheduledMeeting(first.meeting_id, START + DAY, 30, Channel.VIDEO)
    await log_scheduled_meeting(held, uow.acting_as(pair.mentee.person_id))
    with pytest.raises(Conflict):
        await log_scheduled_meeting(held, uow)
    assert uow.names() == ["MeetingScheduled", "MeetingScheduled", "MeetingCancelled", "MeetingLogged"]
    assert [sequence for _, sequence in uow.published] == [1, 1, 2, 2]
    assert uow.published[2][0].cancelled_by == Side.MENTOR


async def test_a_manager_names_whose_cancellation_it_was() -> None:
    pair, uow = with_pair()
    manager = uow.acting_as(None, "program_manager")
    meeting = await schedule_meeting(ScheduleMeeting(pair.pair_id, START + DAY), manager)
    with pytest.raises(InvalidInput) as refused:
        await cancel_meeting(CancelMeeting(meeting.meeting_id), manager)
    assert refused.value.field == "side"
    cancelled = await cancel_meeting(CancelMeeting(meeting.meeting_id, Side.MENTEE), manager)
    assert cancelled.cancelled_by is Side.MENTEE


async def test_strangers_find_neither_pair_nor_meeting() -> None:
    pair, uow = with_pair()
    meeting = await schedule_meeting(ScheduleMeeting(pair.pair_id, START + DAY), uow.acting_as(pair.mentor.person_id))
    for stranger in (uow.acting_as(uuid4()), uow.acting_as(uuid4(), "facilitator")):
        for attempt in (
            lambda who: log_meeting(log(pair, who), who),
            lambda who: schedule_meeting(ScheduleMeeting(pair.pair_id, START + DAY), who),
            lambda who: cancel_meeting(CancelMeeting(meeting.meeting_id), who),
            lambda who: dissolve_pair(DissolvePair(pair.pair_id), who),
            lambda who: log_scheduled_meeting(LogScheduledMeeting(uuid4(), START, 30, Channel.VIDEO), who),
        ):
            with pytest.raises(NotVisible):
                await attempt(stranger)


async def test_a_meeting_nobody_accounted_for_is_missed_once() -> None:
    pair, uow = with_pair()
    meeting = await schedule_meeting(ScheduleMeeting(pair.pair_id, START + DAY), uow.acting_as(pair.mentor.person_id))
    uow.now = START + DAY + GRACE - timedelta(minutes=1)
    assert not await detect_missed_meetings(uow)
    assert uow.meetings.rows[meeting.meeting_id].state is MeetingState.SCHEDULED
    uow.now += timedelta(minutes=1)
    await detect_missed_meetings(uow)
    await detect_missed_meetings(uow)
    assert uow.names() == ["MeetingScheduled", "MeetingMissed"]
    assert uow.published[-1][1] == 2


async def test_silence_stalls_a_pair_once_and_a_meeting_rescues_it() -> None:
    pair, uow = with_pair()
    uow.now = START + 42 * DAY
    await detect_silent_pairs(uow)
    await detect_silent_pairs(uow)
    assert uow.names() == ["PairStalled"]
    event, sequence = uow.published[0]
    assert (event.state, event.health, event.stalls) == (PublishedState.ACTIVE, PairHealth.STALLED, 1)
    assert sequence == pair.version + 1
    uow.now += DAY
    await log_meeting(log(pair, uow), uow.acting_as(pair.mentor.person_id))
    assert uow.names() == ["PairStalled", "MeetingLogged", "PairActivated"]
    event, sequence = uow.published[-1]
    assert (event.health, event.meetings_held, sequence) == (PairHealth.ON_TRACK, 1, pair.version + 2)


async def test_the_detectors_work_in_batches() -> None:
    uow = FakeUnitOfWork(START + 50 * DAY)
    for _ in range(BATCH + 1):
        uow.pairs.add(active_pair())
    assert await detect_silent_pairs(uow)
    assert not await detect_silent_pairs(uow)
    assert len(uow.published) == BATCH + 1


async def test_at_the_end_of_the_duration_a_pair_is_completed_and_one_that_never_began_dissolved() -> None:
    pair, uow = with_pair()
    never_began = formed_pair()
    uow.pairs.add(never_began)
    uow.now = pair.ends_at - timedelta(seconds=1)
    await complete_pairs(uow)
    assert uow.published == []
    uow.now = pair.ends_at
    await complete_pairs(uow)
    await complete_pairs(uow)
    assert sorted(uow.names()) == ["PairCompleted", "PairDissolved"]
    assert uow.pairs.rows[pair.pair_id].state is PairState.COMPLETED
    assert uow.pairs.rows[never_began.pair_id].state is PairState.DISSOLVED


async def test_either_side_may_leave_and_nothing_tells_who_did() -> None:
    published = []
    for side in (Side.MENTOR, Side.MENTEE, None):
        pair, uow = with_pair()
        actor = uow.acting_as(None, "program_manager") if side is None else uow.acting_as(pair.member(side).person_id)
        await dissolve_pair(DissolvePair(pair.pair_id), actor)
        ((event, _),) = uow.published
        same = {"pair_id", "business_unit_id", "named_unit_ids", "program_id", "cohort_id"} | {
            f"{who}{what}" for who in ("mentor", "mentee") for what in ("_id", "_participation_id")
        }
        published.append((type(event).__name__, event.model_dump(exclude=same)))
        assert uow.actions == []
        with pytest.raises(Conflict):
            await dissolve_pair(DissolvePair(pair.pair_id), actor)
    assert published[0] == published[1] == published[2]
