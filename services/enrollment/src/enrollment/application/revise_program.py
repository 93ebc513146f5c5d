"""A program manager changes settings of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.ports import check_version
from contracts.enrollment import ProgramRevised

from enrollment.application.access import own_program
from enrollment.application.facts import publish_program
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.program_settings import differences
from enrollment.domain.programs import Program


@dataclass(frozen=True, slots=True)
class ReviseProgram:
    """`changes` are the settings to replace, by name; `expected_version` the version the caller has seen."""

    program_id: UUID
    changes: Mapping[str, Any]
    expected_version: int


async def revise_program(command: ReviseProgram, uow: EnrollmentUnitOfWork) -> Program:
    """Replace the settings and record who changed what. Nothing happens when nothing differs.

    PreconditionFailed when the program has changed meanwhile, InvalidInput when a setting is out of range.
    """
    program = await own_program(command.program_id, uow)
    check_version(program.version, command.expected_version)
    earlier = program.settings
    if program.revise(command.changes):
        before, after = differences(earlier, program.settings)
        uow.programs.save(program)
        publish_program(ProgramRevised, program, uow)
        uow.audit(
            "change-settings",
            subject_id=program.program_id,
            business_unit_id=program.business_unit_id,
            before=before,
            after=after,
        )
    return program
