"""A program manager charters a program, after which it may launch cohorts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import check_version
from contracts.enrollment import ProgramChartered

from enrollment.application.access import own_program
from enrollment.application.facts import publish_program
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.programs import EvaluationDesign, Metric, Objective, Program


@dataclass(frozen=True, slots=True)
class CharterProgram:
    """What is to be settled before launch; see `Program.grant_charter`."""

    program_id: UUID
    objectives: tuple[Objective, ...]
    metrics: tuple[Metric, ...]
    evaluation_design: EvaluationDesign | None
    accountable_owner_id: UUID | None
    expected_version: int | None = None


async def charter_program(command: CharterProgram, uow: EnrollmentUnitOfWork) -> Program:
    """Charter it. InvalidInput naming what is missing, Conflict when it is no proposal."""
    program = await own_program(command.program_id, uow)
    check_version(program.version, command.expected_version)
    program.grant_charter(
        objectives=command.objectives,
        metrics=command.metrics,
        evaluation_design=command.evaluation_design,
        accountable_owner_id=command.accountable_owner_id,
        proposer_id=uow.principal.person_id,
    )
    uow.programs.save(program)
    publish_program(ProgramChartered, program, uow)
    charter = program.charter
    if charter is not None:
        uow.audit(
            "charter-program",
            subject_id=program.program_id,
            business_unit_id=program.business_unit_id,
            after={
                "objectives": [objective.value for objective in charter.objectives],
                "metrics": [metric.value for metric in charter.metrics],
                "evaluation_design": charter.evaluation_design.value,
                "accountable_owner_id": str(charter.accountable_owner_id),
                "automatic": charter.automatic,
            },
        )
    return program
