"""Engagement has moved a pair on: matching keeps whether it has ended, which frees its places."""

from __future__ import annotations

from contracts.engagement import PairFacts, PairState
from contracts.envelope import Envelope

from matching.application.ports import KnownPair, MatchingUnitOfWork


async def on_pair_changed(event: Envelope[PairFacts], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version."""
    pair = event.data
    uow.known_pairs.put(
        KnownPair(
            pair_id=pair.pair_id,
            business_unit_id=pair.business_unit_id,
            named_unit_ids=pair.named_unit_ids,
            ended=pair.state in (PairState.DISSOLVED, PairState.COMPLETED),
            sequence=event.sequence,
        )
    )
