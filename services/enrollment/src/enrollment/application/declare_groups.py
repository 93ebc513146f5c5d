"""A participant declares audit groups, with their consent to that purpose alone (R3-17, N7)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, NotVisible

from enrollment.application.access import personal_participation
from enrollment.application.audit_consent import publish_groups
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.audit_groups import AuditGroups
from enrollment.domain.cohorts import CohortState
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class DeclareGroups:
    """Whose: the caller's participation. `key` makes the codes that are published; it stays with those who hold it."""

    participation_id: UUID
    groups: AuditGroups
    key: bytes


async def declare_groups(command: DeclareGroups, uow: EnrollmentUnitOfWork) -> Participation:
    """Keep them, in place of what was declared before, and publish their codes.

    NotVisible unless it is the caller's own. InvalidInput when the program has switched off a dimension, Conflict when they take part
    no more or the cohort is closed. The audit says that a consent was given, not what was declared.
    """
    participation = await personal_participation(command.participation_id, uow)
    cohort = await uow.cohorts.get(participation.cohort_id, share=True)
    program = await uow.programs.get(participation.program_id)
    if cohort is None or program is None:
        raise NotVisible("no such participation")
    if cohort.state is CohortState.CLOSED:
        raise Conflict("the cohort is closed", remedy="nothing is audited any more")
    command.groups.require_allowed(program.settings.audit_dimensions)
    participation.keep_groups()
    uow.participations.save(participation)
    uow.declared_groups.keep(participation, command.groups, uow.now)
    publish_groups(participation, command.groups, command.key, uow)
    uow.audit(
        "consent-to-audit",
        subject_id=participation.participation_id,
        business_unit_id=participation.business_unit_id,
        after={"purpose": "audit"},
    )
    return participation
