"""Proposals end by themselves: when one of the two takes part no more."""

from __future__ import annotations

from contracts.matching import PairDeclined

from matching.application.facts import publish_pair
from matching.application.ports import MatchingUnitOfWork

PROPOSALS_AT_ONCE = 200


async def close_abandoned_proposals(uow: MatchingUnitOfWork) -> bool:
    """End the released proposals of people who have withdrawn or left; True when there may be more."""
    abandoned = await uow.pairs.abandoned(PROPOSALS_AT_ONCE)
    for pair in abandoned:
        pair.close()
        uow.pairs.save(pair)
        publish_pair(PairDeclined, pair, uow)
    return len(abandoned) == PROPOSALS_AT_ONCE
