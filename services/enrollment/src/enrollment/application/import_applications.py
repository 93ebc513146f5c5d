"""A program manager brings in applications that people of their unit have made elsewhere, all in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.ports import Conflict, NotVisible
from contracts.identifiers import uuid7

from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.application.views import Employee
from enrollment.domain.application_file import ReadApplication, ReadApplications
from enrollment.domain.findings import RowFinding
from enrollment.domain.participations import Application, Participation, ParticipationState

PUBLISHED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Applicant:
    """A row whose person is found."""

    row: int
    person_id: UUID
    application: Application


@dataclass(frozen=True, slots=True)
class ImportApplications:
    """Applications of people of `home_unit_id`, which the cohort names. With `check_only` nothing is applied, only reported."""

    cohort_id: UUID
    home_unit_id: UUID
    read: ReadApplications
    employees: Sequence[Employee]
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows there were, how many were applied (or would be), and what is to be said of rows and columns, in their order."""

    cohort_id: UUID
    rows_read: int
    applied: int
    check_only: bool
    findings: tuple[RowFinding, ...]


async def import_applications(command: ImportApplications, uow: EnrollmentUnitOfWork) -> ImportReport:
    """Apply every row that is without error, or none of them when the transaction fails.

    NotVisible when the cohort does not name the people's unit, Conflict when enrollment is closed. Rows of people who are not found, are
    named twice, or have applied already are refused one by one.
    """
    cohort = await uow.cohorts.get(command.cohort_id, share=True)
    if cohort is None or command.home_unit_id not in cohort.named_unit_ids:
        raise NotVisible("no such cohort")
    cohort.require_enrolling()
    read = replace(command.read, findings=list(command.read.findings))
    applicants = _found(read, command.employees)
    people = [applicant.person_id for applicant in applicants]
    earlier = {each.person_id: each for each in await uow.participations.found(cohort.cohort_id, people)}
    added: list[Participation] = []
    changed: list[Participation] = []
    for applicant in applicants:
        participation = earlier.get(applicant.person_id) or Participation(
            participation_id=uuid7(),
            cohort_id=cohort.cohort_id,
            program_id=cohort.program_id,
            person_id=applicant.person_id,
            business_unit_id=cohort.business_unit_id,
            home_unit_id=command.home_unit_id,
            role=applicant.application.role,
            state=ParticipationState.IDENTIFIED,
        )
        try:
            participation.apply(applicant.application)
        except Conflict as problem:
            read.refuse(applicant.row, None, "applied-already", problem.detail, problem.remedy or "leave the row out")
            continue
        (changed if applicant.person_id in earlier else added).append(participation)
    if not command.check_only and (added or changed):
        await uow.participations.add_all(added)
        for participation in changed:
            uow.participations.save(participation)
        for place, participation in enumerate((*added, *changed)):
            if place % PUBLISHED_AT_ONCE == 0:
                await asyncio.sleep(0)  # other requests of this process go on between two batches
            publish_participation(participation, uow)
        uow.audit(
            "import-applications",
            subject_id=cohort.cohort_id,
            business_unit_id=cohort.business_unit_id,
            after={"applied": len(added) + len(changed), "rows": read.rows_read},
        )
    return ImportReport(
        cohort.cohort_id,
        read.rows_read,
        len(added) + len(changed),
        command.check_only,
        tuple(sorted(read.findings, key=lambda finding: finding.row)),
    )


def _found(read: ReadApplications, employees: Sequence[Employee]) -> list[Applicant]:
    """The applications whose person is found, once each; the others are refused."""
    by_number = {employee.employee_number.casefold(): employee.person_id for employee in employees}
    by_address: dict[str, list[UUID]] = {}
    for employee in employees:
        if employee.email:
            by_address.setdefault(employee.email.casefold(), []).append(employee.person_id)
    applicants: dict[UUID, Applicant] = {}
    for each in read.applications:
        column = "employee_number" if each.number is not None else "email address"
        people = _people(each, by_number, by_address)
        if len(people) != 1:
            code = "ambiguous-address" if people else "unknown-person"
            message = "several people have this address" if people else "nobody of your unit works here under this name"
            read.refuse(each.row, column, code, message, "import the people first, or correct the cell")
        elif people[0] in applicants:
            message = f"row {applicants[people[0]].row} is already an application of this person"
            read.refuse(each.row, column, "named-twice", message, "give each person one row")
        else:
            applicants[people[0]] = Applicant(each.row, people[0], each.application)
    return list(applicants.values())


def _people(each: ReadApplication, by_number: dict[str, UUID], by_address: dict[str, list[UUID]]) -> list[UUID]:
    if each.number is not None:
        return [by_number[each.number]] if each.number in by_number else []
    return by_address.get(each.address or "", [])
