"""Engagement ended a pair: both people have a place free again, or have completed."""

from __future__ import annotations

from chassis.ports import Missing, NotVisible
from contracts.engagement import PairCompleted, PairDissolved
from contracts.envelope import Envelope

from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork


async def on_pair_dissolved(event: Envelope[PairDissolved], uow: EnrollmentUnitOfWork) -> None:
    """Without another pair the person is admitted again. Parked until the pair's forming is known here."""
    await _end(event, uow, completed=False)


async def on_pair_completed(event: Envelope[PairCompleted], uow: EnrollmentUnitOfWork) -> None:
    """Without another pair the person has completed. Parked until the pair's forming is known here."""
    await _end(event, uow, completed=True)


async def _end(
    event: Envelope[PairDissolved] | Envelope[PairCompleted], uow: EnrollmentUnitOfWork, *, completed: bool
) -> None:
    pair = event.data
    for participation_id in sorted({pair.mentor_participation_id, pair.mentee_participation_id}):
        participation = await uow.participations.get(participation_id)
        if participation is None:
            raise NotVisible("the pair's participation does not exist")
        if not participation.knows_pair(pair.pair_id):
            # matching and engagement write about one pair on two topics, which have no order between them
            raise Missing("PairFormed", pair.pair_id)
        if participation.leave_pair(pair.pair_id, completed=completed):
            uow.participations.save(participation)
            publish_participation(participation, uow)
