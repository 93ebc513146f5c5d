"""A platform administrator registers a business unit."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.facts import publish_unit
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.business_units import BusinessUnit, register
from enrollment.domain.grades import GradeLadder


@dataclass(frozen=True, slots=True)
class RegisterUnit:
    """`unit_id` is new; `grades` are (label, rank) pairs."""

    unit_id: UUID
    code: str
    display_name: str | None
    grades: tuple[tuple[str, int], ...]
    default_time_zone: str


async def register_unit(command: RegisterUnit, uow: EnrollmentUnitOfWork) -> BusinessUnit:
    """Make the unit, which can then own people and programs. InvalidInput for a bad code, ladder or zone; Conflict for a code in use."""
    unit = register(
        command.unit_id,
        code=command.code,
        display_name=command.display_name,
        ladder=GradeLadder.of(command.grades),
        default_time_zone=command.default_time_zone,
    )
    uow.business_units.add(unit)
    publish_unit(unit, uow)
    uow.audit(
        "register-business-unit",
        subject_id=unit.business_unit_id,
        business_unit_id=unit.business_unit_id,
        after={"code": unit.code, "default_time_zone": unit.default_time_zone, "grades": len(unit.ladder.rungs)},
    )
    return unit
