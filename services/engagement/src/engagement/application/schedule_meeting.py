"""Two people arrange to meet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.engagement import MeetingScheduled
from contracts.identifiers import uuid7

from engagement.application.access import pair_to_act_on
from engagement.application.facts import publish_meeting
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class ScheduleMeeting:
    """A date for a pair; `channel` where it is known already, else the one the two have agreed on."""

    pair_id: UUID
    scheduled_for: datetime
    channel: Channel | None = None


async def schedule_meeting(command: ScheduleMeeting, uow: EngagementUnitOfWork) -> Meeting:
    """Arrange it.

    :raises NotVisible: no pair the principal may act on.
    :raises Conflict: the pair is neither active nor on trial at that time, or has a meeting at that very time.
    :raises InvalidInput: the date is past or too far ahead.
    """
    pair, _ = await pair_to_act_on(command.pair_id, uow)
    meeting = Meeting.schedule(
        uuid7(), pair, scheduled_for=command.scheduled_for, channel=command.channel or pair.channel, now=uow.now
    )
    uow.meetings.add(meeting)
    publish_meeting(MeetingScheduled, meeting, uow)
    return meeting
