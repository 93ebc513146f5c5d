"""A program manager opens a cohort of a chartered program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from chassis.ports import InvalidInput
from contracts.enrollment import CohortOpened
from contracts.identifiers import uuid7

from enrollment.application.access import own_program
from enrollment.application.facts import publish_cohort
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.cohorts import Cohort

USUAL_ENROLLMENT_DAYS = 28


@dataclass(frozen=True, slots=True)
class OpenCohort:
    """Other units named in `named_unit_ids` see the cohort and may send people. Absent days: enrollment for four weeks, then the start."""

    program_id: UUID
    title: str
    named_unit_ids: tuple[UUID, ...] = ()
    enrollment_closes_on: date | None = None
    starts_on: date | None = None
    mentor_places: int | None = None
    mentee_places: int | None = None


async def open_cohort(command: OpenCohort, uow: EnrollmentUnitOfWork) -> Cohort:
    """Open it for enrollment. Conflict without a charter, InvalidInput when days, places or units do not fit.

    A program whose charter was filled in for a single pair has one place on each side.
    """
    program = await own_program(command.program_id, uow)
    program.require_chartered()
    if await uow.business_units.unknown(command.named_unit_ids):
        raise InvalidInput("no such business unit", field="named_unit_ids", remedy="name registered units")
    today = uow.now.date()
    closes_on = command.enrollment_closes_on or today + timedelta(days=USUAL_ENROLLMENT_DAYS)
    single = program.charter is not None and program.charter.automatic
    cohort = Cohort.open(
        uuid7(),
        program.program_id,
        program.business_unit_id,
        named_unit_ids=command.named_unit_ids,
        title=command.title,
        settings_version=program.settings_version,
        duration_months=program.settings.duration_months,
        today=today,
        enrollment_closes_on=closes_on,
        starts_on=command.starts_on or closes_on,
        mentor_places=1 if single else command.mentor_places,
        mentee_places=1 if single else command.mentee_places,
    )
    uow.cohorts.add(cohort)
    publish_cohort(CohortOpened, cohort, uow)
    return cohort
