"""What belongs to every end before time: the pair is dissolved, its dates are called off, others hear of both."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.engagement import MeetingCancelled, PairDissolved

from engagement.application.facts import publish_meeting, publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Ending


async def dissolve(pair: Pair, uow: EngagementUnitOfWork, ending: Ending | None = None) -> None:
    """Dissolve a stored pair and call off the meetings it had arranged, in nobody's name.

    :raises Conflict: the pair is over already.
    """
    pair.dissolve(uow.now, ending)
    uow.pairs.save(pair)
    publish_pair(PairDissolved, pair, uow)
    call_off(await uow.meetings.scheduled_of(pair.pair_id), uow)


def call_off(meetings: Sequence[Meeting], uow: EngagementUnitOfWork) -> None:
    """Cancel meetings that are still scheduled, by neither side."""
    for meeting in meetings:
        meeting.call_off()
        uow.meetings.save(meeting)
        publish_meeting(MeetingCancelled, meeting, uow)
