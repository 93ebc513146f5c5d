"""A side calls an arranged meeting off."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import InvalidInput
from contracts.engagement import MeetingCancelled

from engagement.application.access import meeting_to_act_on
from engagement.application.facts import publish_meeting
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.vocabulary import Side


@dataclass(frozen=True, slots=True)
class CancelMeeting:
    """Call a meeting off. `side` is for a program manager, who records whose cancellation it was."""

    meeting_id: UUID
    side: Side | None = None


async def cancel_meeting(command: CancelMeeting, uow: EngagementUnitOfWork) -> Meeting:
    """Cancel it, in the name of the principal's own side where there is one.

    :raises NotVisible: no meeting the principal may act on.
    :raises Conflict: the meeting is not scheduled any more.
    :raises InvalidInput: a participant names the other side, or a program manager none.
    """
    meeting, _, own_side = await meeting_to_act_on(command.meeting_id, uow)
    side = own_side or command.side
    if side is None:
        raise InvalidInput("whose cancellation is it?", field="side", remedy="name the side that cancelled")
    if command.side not in (None, side):
        raise InvalidInput("you cannot cancel in the name of the other side", field="side", remedy="leave the side out")
    meeting.cancel(side)
    uow.meetings.save(meeting)
    publish_meeting(MeetingCancelled, meeting, uow)
    return meeting
