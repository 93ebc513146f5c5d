"""What enrollment does with others' facts."""

from __future__ import annotations

from chassis.handlers import Acts, Handler
from contracts.engagement import PairCompleted, PairDissolved
from contracts.evaluation import CohortEvaluated
from contracts.matching import PairFormed

from enrollment.application.on_cohort_evaluated import on_cohort_evaluated
from enrollment.application.on_pair_ended import on_pair_completed, on_pair_dissolved
from enrollment.application.on_pair_formed import on_pair_formed

HANDLERS: tuple[Handler, ...] = (
    Acts(PairFormed, on_pair_formed),
    Acts(PairDissolved, on_pair_dissolved),
    Acts(PairCompleted, on_pair_completed),
    Acts(CohortEvaluated, on_cohort_evaluated),
)
