"""Cohorts whose duration has passed are evaluated."""

from __future__ import annotations

from contracts.enrollment import CohortEvaluationStarted

from enrollment.application.facts import publish_cohort
from enrollment.application.ports import EnrollmentUnitOfWork

AT_ONCE = 20


async def start_evaluations(uow: EnrollmentUnitOfWork) -> bool:
    """Start the evaluation of up to 20 cohorts that are due; whether there may be more."""
    today = uow.now.date()
    due = await uow.cohorts.due(today, AT_ONCE)
    for cohort in due:
        if cohort.start_evaluation(today):
            uow.cohorts.save(cohort)
            publish_cohort(CohortEvaluationStarted, cohort, uow)
    return len(due) == AT_ONCE
