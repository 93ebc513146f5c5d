"""Matching has resolved a conflict of interest by other pairs: this one ends, and neither person is at fault."""

from __future__ import annotations

from chassis.ports import Missing
from contracts.envelope import Envelope
from contracts.matching import PairFormed, PairHandedOver

from engagement.application.ending import dissolve
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.vocabulary import Ending


async def on_pair_handed_over(event: Envelope[PairHandedOver], uow: EngagementUnitOfWork) -> None:
    """Dissolve the pair, handed over; one that is over already stays as it is.

    :raises Missing: the pair has not been opened here yet.
    """
    pair = await uow.pairs.get(event.data.pair_id)
    if pair is None:
        raise Missing(PairFormed.__name__, event.data.pair_id)
    if pair.is_open:
        await dissolve(pair, uow, Ending.HANDED_OVER)
