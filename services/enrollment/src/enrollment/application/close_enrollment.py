"""A program manager closes a cohort's enrollment, after which matching may begin."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import check_version
from contracts.enrollment import CohortEnrollmentClosed

from enrollment.application.access import own_cohort
from enrollment.application.facts import publish_cohort
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.cohorts import Cohort


@dataclass(frozen=True, slots=True)
class CloseEnrollment:
    """Which cohort, and the version the caller has seen, if they say so."""

    cohort_id: UUID
    expected_version: int | None = None


async def close_enrollment(command: CloseEnrollment, uow: EnrollmentUnitOfWork) -> Cohort:
    """Close it. Conflict when enrollment is not open."""
    cohort = await own_cohort(command.cohort_id, uow)
    check_version(cohort.version, command.expected_version)
    cohort.close_enrollment(uow.now.date())
    uow.cohorts.save(cohort)
    publish_cohort(CohortEnrollmentClosed, cohort, uow)
    return cohort
