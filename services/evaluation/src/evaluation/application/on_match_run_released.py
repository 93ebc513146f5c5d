"""Matching has released a run: how many combinations it looked at, and which conflicts its hard rules avoided."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.matching import MatchRunReleased

from evaluation.application.ports import EvaluationUnitOfWork, KnownRun


async def on_match_run_released(event: Envelope[MatchRunReleased], uow: EvaluationUnitOfWork) -> None:
    """Keep its counts."""
    run = event.data
    uow.known_runs.put(
        KnownRun(
            run_id=run.run_id,
            business_unit_id=run.business_unit_id,
            named_unit_ids=tuple(sorted(run.named_unit_ids)),
            cohort_id=run.cohort_id,
            possible_pairs=run.possible_pairs,
            allowed_pairs=run.allowed_pairs,
            proposals=run.proposals,
            excluded={count.rule.value: count.pairs for count in run.excluded},
            sequence=event.sequence,
        )
    )
