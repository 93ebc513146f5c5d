"""A program manager grants, or takes away, a facilitator's access to one program."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import InvalidInput
from contracts.enrollment import ProgramRevised

from enrollment.application.access import own_program
from enrollment.application.facts import publish_program
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.programs import Program


@dataclass(frozen=True, slots=True)
class AppointFacilitator:
    """`appointed` False takes the access away."""

    program_id: UUID
    person_id: UUID
    appointed: bool = True


async def appoint_facilitator(command: AppointFacilitator, uow: EnrollmentUnitOfWork) -> Program:
    """Change who facilitates; counts at once and is audited. InvalidInput when an appointee is not of the unit's people."""
    program = await own_program(command.program_id, uow)
    before = [str(person_id) for person_id in program.facilitator_ids]
    if command.appointed:
        if await uow.people.employed_unit(command.person_id) is None:
            raise InvalidInput(
                "nobody of this unit has this id", field="person_id", remedy="name one of GET /v1/people"
            )
        changed = program.appoint_facilitator(command.person_id)
    else:
        changed = program.dismiss_facilitator(command.person_id)
    if changed:
        uow.programs.save(program)
        publish_program(ProgramRevised, program, uow)
        uow.audit(
            "change-facilitators",
            subject_id=program.program_id,
            business_unit_id=program.business_unit_id,
            before={"facilitator_ids": before},
            after={"facilitator_ids": [str(person_id) for person_id in program.facilitator_ids]},
        )
    return program
