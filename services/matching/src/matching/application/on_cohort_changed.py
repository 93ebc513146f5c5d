"""Enrollment has moved a cohort on: matching keeps its state, its owner, who is named on it and when it starts."""

from __future__ import annotations

from contracts.enrollment import CohortFacts
from contracts.envelope import Envelope

from matching.application.ports import KnownCohort, MatchingUnitOfWork


async def on_cohort_changed(event: Envelope[CohortFacts], uow: MatchingUnitOfWork) -> None:
    """Keep the newest version."""
    cohort = event.data
    uow.known_cohorts.put(
        KnownCohort(
            cohort_id=cohort.cohort_id,
            program_id=cohort.program_id,
            business_unit_id=cohort.business_unit_id,
            named_unit_ids=cohort.named_unit_ids,
            state=cohort.state.value,
            starts_on=cohort.starts_on,
            sequence=event.sequence,
        )
    )
