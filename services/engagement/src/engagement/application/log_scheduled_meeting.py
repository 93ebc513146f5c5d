"""A pair has held a meeting it had arranged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.engagement import MeetingLogged, PairActivated

from engagement.application.access import meeting_to_act_on
from engagement.application.facts import publish_meeting, publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class LogScheduledMeeting:
    """The arranged meeting took place: when it began, how long it lasted, by what medium."""

    meeting_id: UUID
    held_at: datetime
    minutes: int
    channel: Channel


async def log_scheduled_meeting(command: LogScheduledMeeting, uow: EngagementUnitOfWork) -> Meeting:
    """Log it. A stalled pair that has met goes on.

    :raises NotVisible: no meeting the principal may act on.
    :raises Conflict: the pair is neither active nor on trial at that time, or the meeting was cancelled or has been logged.
    :raises InvalidInput: the time or the length is impossible.
    """
    meeting, pair, _ = await meeting_to_act_on(command.meeting_id, uow)
    meeting.log(held_at=command.held_at, minutes=command.minutes, channel=command.channel)
    resumed = pair.record_contact(command.held_at, uow.now)
    uow.meetings.save(meeting)
    uow.pairs.save(pair)
    publish_meeting(MeetingLogged, meeting, uow)
    if resumed:
        publish_pair(PairActivated, pair, uow)
    return meeting
