"""Matching examines a conflict of interest of a pair, or has done so: the pair stood still, and owed no meeting."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.matching import PairHandedOver, PairQuarantined, PairReinstated

from evaluation.application.ports import EvaluationUnitOfWork, KnownPause


async def on_pair_checked(
    event: Envelope[PairQuarantined] | Envelope[PairReinstated] | Envelope[PairHandedOver], uow: EvaluationUnitOfWork
) -> None:
    """Keep when a pause began or ended, and nothing of why."""
    pair = event.data
    uow.known_pauses.put(
        KnownPause(
            pair_id=pair.pair_id,
            business_unit_id=pair.business_unit_id,
            named_unit_ids=tuple(sorted(pair.named_unit_ids)),
            cohort_id=pair.cohort_id,
            paused=isinstance(pair, PairQuarantined),
            changed_at=event.time,
            sequence=event.sequence,
        )
    )
