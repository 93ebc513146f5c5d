"""The schedule finds active pairs that have fallen silent."""

from __future__ import annotations

from contracts.engagement import PairStalled

from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork

BATCH = 200


async def detect_silent_pairs(uow: EngagementUnitOfWork) -> bool:
    """Mark one batch as stalled. True when there may be more."""
    pairs = await uow.pairs.silent(uow.now, BATCH)
    for pair in pairs:
        pair.stall(uow.now)
        uow.pairs.save(pair)
        publish_pair(PairStalled, pair, uow)
    return len(pairs) == BATCH
