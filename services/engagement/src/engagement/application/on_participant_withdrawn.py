"""Somebody has withdrawn from a cohort: no pair of theirs stays open."""

from __future__ import annotations

from contracts.enrollment import ParticipantWithdrawn
from contracts.envelope import Envelope

from engagement.application.ending import dissolve
from engagement.application.on_participation_changed import known_participation
from engagement.application.ports import EngagementUnitOfWork


async def on_participant_withdrawn(event: Envelope[ParticipantWithdrawn], uow: EngagementUnitOfWork) -> None:
    """Dissolve their open pairs. One that arrives later finds the withdrawal kept here.

    The participation is locked before its pairs are read, as `on_pair_formed` does before it opens one: of the two, the
    later transaction sees what the earlier has done.
    """
    await uow.known_participations.get(event.data.participation_id)
    uow.known_participations.put(known_participation(event))
    for pair in await uow.pairs.open_of(event.data.participation_id):
        await dissolve(pair, uow)
