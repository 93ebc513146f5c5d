"""A pair has met without having arranged it here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.engagement import MeetingLogged, PairActivated
from contracts.identifiers import uuid7

from engagement.application.access import pair_to_act_on
from engagement.application.facts import publish_meeting, publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class LogMeeting:
    """A meeting that took place: when it began, how long it lasted, by what medium."""

    pair_id: UUID
    held_at: datetime
    minutes: int
    channel: Channel


async def log_meeting(command: LogMeeting, uow: EngagementUnitOfWork) -> Meeting:
    """Log it. A stalled pair that has met goes on.

    :raises NotVisible: no pair the principal may act on.
    :raises Conflict: the pair is neither active nor on trial at that time, or this meeting has been logged.
    :raises InvalidInput: the time or the length is impossible.
    """
    pair, _ = await pair_to_act_on(command.pair_id, uow)
    resumed = pair.record_contact(command.held_at, uow.now)
    meeting = Meeting.log_unscheduled(
        uuid7(), pair, held_at=command.held_at, minutes=command.minutes, channel=command.channel
    )
    uow.meetings.add(meeting)
    uow.pairs.save(pair)
    publish_meeting(MeetingLogged, meeting, uow)
    if resumed:
        publish_pair(PairActivated, pair, uow)
    return meeting
