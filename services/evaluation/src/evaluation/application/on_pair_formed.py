"""Matching has formed a pair: its score belongs to the quality of matches."""

from __future__ import annotations

from contracts.engagement import PairFacts
from contracts.envelope import Envelope
from contracts.matching import PairFormed

from evaluation.application.ports import EvaluationUnitOfWork, PairIds


async def on_pair_formed(event: Envelope[PairFormed], uow: EvaluationUnitOfWork) -> None:
    """Keep who it is and how well it was matched."""
    pair = event.data
    await uow.known_pairs.put_formed(
        pair_ids(pair), score=pair.score, formed_at=pair.formed_at, sequence=event.sequence
    )


def pair_ids(pair: PairFormed | PairFacts) -> PairIds:
    """What both services say of a pair."""
    return PairIds(
        pair_id=pair.pair_id,
        business_unit_id=pair.business_unit_id,
        named_unit_ids=tuple(sorted(pair.named_unit_ids)),
        cohort_id=pair.cohort_id,
        mentor_id=pair.mentor_id,
        mentee_id=pair.mentee_id,
        mentor_participation_id=pair.mentor_participation_id,
        mentee_participation_id=pair.mentee_participation_id,
    )
