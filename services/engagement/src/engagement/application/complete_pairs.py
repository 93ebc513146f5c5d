"""The schedule ends pairs whose agreed duration is over."""

from __future__ import annotations

from contracts.engagement import PairCompleted

from engagement.application.ending import dissolve
from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.vocabulary import PairState

BATCH = 200


async def complete_pairs(uow: EngagementUnitOfWork) -> bool:
    """Complete one batch;

    a pair that never began has nothing to complete and is dissolved. True when there may be more.
    """
    pairs = await uow.pairs.past_end(uow.now, BATCH)
    for pair in pairs:
        if pair.state is PairState.ACTIVE:
            pair.complete(uow.now)
            uow.pairs.save(pair)
            publish_pair(PairCompleted, pair, uow)
        else:
            await dissolve(pair, uow)
    return len(pairs) == BATCH
