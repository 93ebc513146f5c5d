"""Matching examines a conflict of interest: the pair stands still. What the conflict is never enters this service."""

from __future__ import annotations

from chassis.ports import Missing
from contracts.envelope import Envelope
from contracts.matching import PairFormed, PairQuarantined

from engagement.application.ports import EngagementUnitOfWork


async def on_pair_quarantined(event: Envelope[PairQuarantined], uow: EngagementUnitOfWork) -> None:
    """Pause the pair from when the conflict was found; one that is over stays as it is.

    Its arranged meetings stay arranged: a check is usually over before their time.

    :raises Missing: the pair has not been opened here yet.
    """
    pair = await uow.pairs.get(event.data.pair_id)
    if pair is None:
        raise Missing(PairFormed.__name__, event.data.pair_id)
    if pair.is_open and not pair.is_paused:
        pair.quarantine(event.time)
        uow.pairs.save(pair)
