"""Engagement has said something about meetings: the projection behind the one flow, a batch of events at a time."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.engagement import MeetingFacts
from contracts.envelope import Envelope

from evaluation.application.ports import EvaluationUnitOfWork, KnownMeeting


async def on_meetings_changed(events: Sequence[Envelope[MeetingFacts]], uow: EvaluationUnitOfWork) -> None:
    """Keep the newest state of each meeting."""
    newest: dict[object, Envelope[MeetingFacts]] = {}
    for event in events:
        seen = newest.get(event.data.meeting_id)
        if seen is None or seen.sequence < event.sequence:
            newest[event.data.meeting_id] = event
    await uow.known_meetings.put([_known(event) for event in newest.values()])


def _known(event: Envelope[MeetingFacts]) -> KnownMeeting:
    meeting = event.data
    return KnownMeeting(
        meeting_id=meeting.meeting_id,
        business_unit_id=meeting.business_unit_id,
        named_unit_ids=tuple(sorted(meeting.named_unit_ids)),
        pair_id=meeting.pair_id,
        cohort_id=meeting.cohort_id,
        state=meeting.state.value,
        scheduled_for=meeting.scheduled_for,
        held_at=meeting.held_at,
        minutes=meeting.minutes,
        channel=meeting.channel.value if meeting.channel else None,
        changed_at=event.time,
        sequence=event.sequence,
    )
