"""Enrollment has admitted or matched somebody: engagement keeps that the person takes part."""

from __future__ import annotations

from contracts.enrollment import ParticipationFacts, ParticipationState
from contracts.envelope import Envelope

from engagement.application.ports import EngagementUnitOfWork, KnownParticipation


def known_participation(event: Envelope[ParticipationFacts]) -> KnownParticipation:
    """What engagement keeps of the participation the event is about."""
    participation = event.data
    return KnownParticipation(
        participation_id=participation.participation_id,
        business_unit_id=participation.business_unit_id,
        named_unit_ids=participation.named_unit_ids,
        withdrawn=participation.state is ParticipationState.WITHDRAWN,
        sequence=event.sequence,
    )


async def on_participation_changed(event: Envelope[ParticipationFacts], uow: EngagementUnitOfWork) -> None:
    """Keep the newest version."""
    uow.known_participations.put(known_participation(event))
