"""Engagement has said something about a pair: its state, its agreed cadence, whether it fell silent and met again."""

from __future__ import annotations

from contracts.engagement import PairFacts, PairHealth, PairState
from contracts.envelope import Envelope

from evaluation.application.on_pair_formed import pair_ids
from evaluation.application.ports import EvaluationUnitOfWork, PairLifeFact
from evaluation.domain.facts import PairEnd

_ENDS = {PairState.COMPLETED: PairEnd.COMPLETED, PairState.DISSOLVED: PairEnd.DISSOLVED}


async def on_pair_changed(event: Envelope[PairFacts], uow: EvaluationUnitOfWork) -> None:
    """Keep the newest state. A pair on track has recovered from every stall it had."""
    pair = event.data
    await uow.known_pairs.put_life(
        PairLifeFact(
            ids=pair_ids(pair),
            state=pair.state.value,
            health=pair.health.value,
            cadence_days=pair.cadence_days,
            activated_at=pair.activated_at,
            ends_on=pair.ends_on,
            ended_at=pair.ended_at,
            ended=_ENDS.get(pair.state),
            stalls=pair.stalls,
            recovered_stalls=pair.stalls if pair.health is PairHealth.ON_TRACK else 0,
            sequence=event.sequence,
        )
    )
