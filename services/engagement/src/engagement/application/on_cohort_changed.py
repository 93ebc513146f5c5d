"""Enrollment has moved a cohort on: engagement keeps who owns it and who is named on it."""

from __future__ import annotations

from contracts.enrollment import CohortFacts
from contracts.envelope import Envelope

from engagement.application.ports import EngagementUnitOfWork, KnownCohort


async def on_cohort_changed(event: Envelope[CohortFacts], uow: EngagementUnitOfWork) -> None:
    """Keep the newest version."""
    cohort = event.data
    uow.known_cohorts.put(
        KnownCohort(
            cohort_id=cohort.cohort_id,
            business_unit_id=cohort.business_unit_id,
            named_unit_ids=cohort.named_unit_ids,
            program_id=cohort.program_id,
            state=cohort.state.value,
            sequence=event.sequence,
        )
    )
