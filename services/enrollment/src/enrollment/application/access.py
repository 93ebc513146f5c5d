"""Who may touch what inside a business unit. Whatever somebody may not see looks as if it did not exist."""

from __future__ import annotations

from uuid import UUID

from chassis.ports import NotVisible, Principal

from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.cohorts import Cohort
from enrollment.domain.participations import Participation
from enrollment.domain.programs import Program


async def own_program(program_id: UUID, uow: EnrollmentUnitOfWork) -> Program:
    """The program, locked. Raises NotVisible when the caller's unit does not own one by this id."""
    program = await uow.programs.get(program_id)
    if program is None or program.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such program")
    return program


async def own_cohort(cohort_id: UUID, uow: EnrollmentUnitOfWork) -> Cohort:
    """The cohort, locked. Raises NotVisible when the caller's unit does not host one by this id."""
    cohort = await uow.cohorts.get(cohort_id)
    if cohort is None or cohort.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such cohort")
    return cohort


async def own_participation(participation_id: UUID, uow: EnrollmentUnitOfWork) -> Participation:
    """The participation, locked. Raises NotVisible when the caller's unit does not host its cohort."""
    participation = await uow.participations.get(participation_id)
    if participation is None or participation.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such participation")
    return participation


async def personal_participation(participation_id: UUID, uow: EnrollmentUnitOfWork) -> Participation:
    """The caller's own participation, locked. Raises NotVisible for anybody else's, whatever else the caller may do."""
    participation = await own_participation(participation_id, uow)
    if uow.principal.person_id is None or uow.principal.person_id != participation.person_id:
        raise NotVisible("no such participation")
    return participation


def sees_as_facilitator(principal: Principal, facilitator_ids: tuple[UUID, ...]) -> bool:
    """Whether the principal's role lets them see a program and what hangs on it: facilitators only where they are named (R3-20)."""
    if principal.has("program_manager", "platform_admin"):
        return True
    return principal.has("facilitator") and principal.person_id is not None and principal.person_id in facilitator_ids
