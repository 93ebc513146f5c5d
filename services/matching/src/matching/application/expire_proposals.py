"""Proposals end by themselves: when their time has passed."""

from __future__ import annotations

from contracts.matching import PairExpired

from matching.application.facts import publish_pair
from matching.application.ports import MatchingUnitOfWork

PROPOSALS_AT_ONCE = 200


async def expire_proposals(uow: MatchingUnitOfWork) -> bool:
    """End the proposals that were not accepted by both in time; True when there may be more."""
    late = await uow.pairs.late(uow.now, PROPOSALS_AT_ONCE)
    for pair in late:
        if pair.expire(uow.now):
            uow.pairs.save(pair)
            publish_pair(PairExpired, pair, uow)
    return len(late) == PROPOSALS_AT_ONCE
