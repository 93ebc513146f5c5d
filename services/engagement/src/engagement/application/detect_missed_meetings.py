"""The schedule finds meetings whose time has long passed and that nobody accounted for."""

from __future__ import annotations

from datetime import timedelta

from contracts.engagement import MeetingMissed

from engagement.application.facts import publish_meeting
from engagement.application.ports import EngagementUnitOfWork

GRACE = timedelta(days=2)
"""How long after its time a meeting may still be logged before it counts as missed."""

BATCH = 200


async def detect_missed_meetings(uow: EngagementUnitOfWork) -> bool:
    """Mark one batch as missed. True when there may be more."""
    meetings = await uow.meetings.unaccounted(uow.now - GRACE, BATCH)
    for meeting in meetings:
        meeting.miss(grace=GRACE, now=uow.now)
        uow.meetings.save(meeting)
        publish_meeting(MeetingMissed, meeting, uow)
    return len(meetings) == BATCH
