"""A program manager proposes a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.ports import NotAllowed
from contracts.enrollment import ProgramProposed
from contracts.identifiers import uuid7

from enrollment.application.facts import publish_program
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.program_settings import ProgramSettings, plain_settings
from enrollment.domain.programs import Program


@dataclass(frozen=True, slots=True)
class ProposeProgram:
    """`settings` are those that differ from the defaults, by name."""

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sponsor_id: UUID | None = None


async def propose_program(command: ProposeProgram, uow: EnrollmentUnitOfWork) -> Program:
    """Make the program, with every choice among contradictory advice recorded (RX-01). InvalidInput when a setting is out of range."""
    unit_id = uow.principal.business_unit_id
    if unit_id is None:
        raise NotAllowed("a program belongs to a business unit")
    program = Program.propose(
        uuid7(),
        unit_id,
        title=command.title,
        settings=ProgramSettings().changed(command.settings),
        sponsor_id=command.sponsor_id,
    )
    uow.programs.add(program)
    publish_program(ProgramProposed, program, uow)
    uow.audit(
        "propose-program",
        subject_id=program.program_id,
        business_unit_id=unit_id,
        after=plain_settings(program.settings),
    )
    return program
