"""Evaluation wrote a cohort's report: the cohort is closed."""

from __future__ import annotations

from chassis.ports import NotVisible
from contracts.enrollment import CohortClosed
from contracts.envelope import Envelope
from contracts.evaluation import CohortEvaluated

from enrollment.application.audit_consent import forget_groups
from enrollment.application.facts import publish_cohort
from enrollment.application.ports import EnrollmentUnitOfWork


async def on_cohort_evaluated(event: Envelope[CohortEvaluated], uow: EnrollmentUnitOfWork) -> None:
    """Close the cohort, once. Nobody is matched in it any more: life experience and audit groups have lost their purpose and are erased."""
    cohort = await uow.cohorts.get(event.data.cohort_id)
    if cohort is None:
        raise NotVisible("the evaluated cohort does not exist")
    if cohort.close():
        uow.cohorts.save(cohort)
        await uow.cohorts.forget_experiences(cohort.cohort_id)
        for participation in await uow.declared_groups.declaring(cohort.cohort_id):
            forget_groups(participation, uow)
            uow.participations.save(participation)
        publish_cohort(CohortClosed, cohort, uow)
