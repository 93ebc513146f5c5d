"""What engagement makes of matching's checks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from chassis.ports import Conflict, Missing
from contracts.engagement import Ending, MeetingCancelled, PairDissolved
from contracts.fields import Role
from engagement.application.complete_pairs import complete_pairs
from engagement.application.detect_missed_meetings import detect_missed_meetings
from engagement.application.detect_silent_pairs import detect_silent_pairs
from engagement.application.end_trials import end_trials
from engagement.application.log_scheduled_meeting import LogScheduledMeeting, log_scheduled_meeting
from engagement.application.on_pair_handed_over import on_pair_handed_over
from engagement.application.on_pair_quarantined import on_pair_quarantined
from engagement.application.on_pair_reinstated import on_pair_reinstated
from engagement.application.on_participant_withdrawn import on_participant_withdrawn
from engagement.application.record_training import RecordTraining, record_training
from engagement.application.schedule_meeting import ScheduleMeeting, schedule_meeting
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Channel, MeetingState, PairState, Side, TrainingModule

from ..events import World, pair_handed_over, pair_quarantined, pair_reinstated, withdrawal
from ..examples import COMPLETE_TERMS, START, active_pair, formed_pair, pair_on_trial
from .fakes import FakeUnitOfWork

DAY = timedelta(days=1)


def day(number: float) -> datetime:
    return START + number * DAY


def with_pair(pair: Pair) -> tuple[World, FakeUnitOfWork]:
    """The pair, and the world in which matching speaks of it; its mentor acts."""
    uow = FakeUnitOfWork()
    uow.pairs.add(pair)
    return World(pair=pair.pair_id, mentee_participation=pair.mentee.participation_id), uow.acting_as(
        pair.mentor.person_id
    )


async def arranged(pair: Pair, uow: FakeUnitOfWork, *days: float) -> list[Meeting]:
    """Meetings on these days."""
    return [await schedule_meeting(ScheduleMeeting(pair.pair_id, day(number)), uow) for number in days]


def states(uow: FakeUnitOfWork, meetings: list[Meeting]) -> list[MeetingState]:
    return [uow.meetings.rows[meeting.meeting_id].state for meeting in meetings]


@pytest.mark.requirement("N2")
async def test_a_check_pauses_the_pair_and_publishes_nothing() -> None:
    pair = active_pair()
    world, uow = with_pair(pair)
    uow.now = day(6)
    await on_pair_quarantined(pair_quarantined(world, day(5)), uow)
    stored = uow.pairs.rows[pair.pair_id]
    assert (stored.state, stored.version, stored.pauses[0].began_at) == (PairState.QUARANTINED, pair.version, day(5))
    assert uow.published == []


@pytest.mark.requirement("N2")
async def test_while_it_lasts_no_clock_of_the_schedule_touches_the_pair() -> None:
    for pair in (active_pair(), pair_on_trial(days=10), formed_pair()):
        world, uow = with_pair(pair)
        if pair.state is not PairState.FORMED:
            await arranged(pair, uow, 8)
        uow.published.clear()
        await on_pair_quarantined(pair_quarantined(world, day(5)), uow)
        uow.now = day(1000)
        for job in (detect_missed_meetings, detect_silent_pairs, end_trials, complete_pairs):
            assert await job(uow) is False
        assert uow.published == []
        assert uow.pairs.rows[pair.pair_id].state is PairState.QUARANTINED


@pytest.mark.requirement("N2")
async def test_meetings_stay_arranged_and_those_inside_the_pause_are_called_off_by_nobody() -> None:
    pair = active_pair()
    world, uow = with_pair(pair)
    meetings = await arranged(pair, uow, 4, 8, 20)
    uow.published.clear()
    await on_pair_quarantined(pair_quarantined(world, day(5)), uow)
    assert states(uow, meetings) == [MeetingState.SCHEDULED] * 3
    with pytest.raises(Conflict):
        await log_scheduled_meeting(LogScheduledMeeting(meetings[0].meeting_id, day(4), 50, Channel.VIDEO), uow)
    with pytest.raises(Conflict):
        await arranged(pair, uow, 30)
    uow.now = day(10)
    await on_pair_reinstated(pair_reinstated(world, day(10)), uow)
    assert states(uow, meetings) == [MeetingState.SCHEDULED, MeetingState.CANCELLED, MeetingState.SCHEDULED]
    ((cancelled, sequence),) = uow.published
    assert isinstance(cancelled, MeetingCancelled)
    assert (cancelled.meeting_id, cancelled.cancelled_by, sequence) == (meetings[1].meeting_id, None, 2)
    held = await log_scheduled_meeting(LogScheduledMeeting(meetings[0].meeting_id, day(4), 50, Channel.VIDEO), uow)
    assert held.state is MeetingState.HELD


async def test_training_done_meanwhile_opens_the_gate_when_the_check_is_over() -> None:
    pair = formed_pair()
    for side in Side:
        pair.sign(side, agreement_version=1, terms=COMPLETE_TERMS, now=START)
    pair.complete_training(Side.MENTEE, TrainingModule.MENTEE_ONBOARDING)
    world, uow = with_pair(pair)
    await on_pair_quarantined(pair_quarantined(world, day(1)), uow)
    await record_training(RecordTraining(pair.pair_id, TrainingModule.MENTOR_ONBOARDING), uow)
    assert uow.published == []
    await on_pair_reinstated(pair_reinstated(world, day(2)), uow)
    assert uow.names() == ["PairActivated"]


@pytest.mark.requirement("N2")
@pytest.mark.parametrize("quarantined", [True, False])
async def test_a_hand_over_dissolves_without_fault(quarantined: bool) -> None:
    pair = pair_on_trial()
    world, uow = with_pair(pair)
    meetings = await arranged(pair, uow, 8)
    uow.published.clear()
    if quarantined:
        await on_pair_quarantined(pair_quarantined(world, day(1)), uow)
    await on_pair_handed_over(pair_handed_over(world, day(2)), uow)
    assert uow.names() == ["PairDissolved", "MeetingCancelled"]
    dissolved = uow.published[0][0]
    assert isinstance(dissolved, PairDissolved)
    assert dissolved.ending is Ending.HANDED_OVER
    assert states(uow, meetings) == [MeetingState.CANCELLED]


@pytest.mark.requirement("N2")
async def test_facts_about_a_pair_that_is_over_or_paused_already_change_nothing() -> None:
    pair = active_pair()
    world, uow = with_pair(pair)
    await on_pair_reinstated(pair_reinstated(world, day(1)), uow)
    assert uow.pairs.rows[pair.pair_id] == pair
    await on_pair_quarantined(pair_quarantined(world, day(1)), uow)
    await on_pair_quarantined(pair_quarantined(world, day(3), sequence=4), uow)
    assert [pause.began_at for pause in uow.pairs.rows[pair.pair_id].pauses] == [day(1)]
    await on_participant_withdrawn(withdrawal(world, Role.MENTEE), uow)
    over = uow.pairs.rows[pair.pair_id]
    assert (over.state, over.ending, uow.names()) == (PairState.DISSOLVED, None, ["PairDissolved"])
    await on_pair_quarantined(pair_quarantined(world, day(5)), uow)
    await on_pair_reinstated(pair_reinstated(world, day(5)), uow)
    await on_pair_handed_over(pair_handed_over(world, day(5)), uow)
    assert uow.pairs.rows[pair.pair_id] == over
    assert uow.names() == ["PairDissolved"]


async def test_a_check_of_a_pair_that_is_not_opened_yet_waits_for_it() -> None:
    world, uow = World(), FakeUnitOfWork()
    for attempt in (
        on_pair_quarantined(pair_quarantined(world, day(1)), uow),
        on_pair_reinstated(pair_reinstated(world, day(1)), uow),
        on_pair_handed_over(pair_handed_over(world, day(1)), uow),
    ):
        with pytest.raises(Missing) as missing:
            await attempt
        assert missing.value.subject == world.pair
