"""A person leaves a cohort, and need not say why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from enrollment.application.access import own_participation
from enrollment.application.audit_consent import forget_groups
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Which participation."""

    participation_id: UUID


async def withdraw(command: Withdraw, uow: EnrollmentUnitOfWork) -> Participation:
    """Record it. NotVisible unless it is the caller's own or they manage the host unit's programs; Conflict when out already."""
    participation = await own_participation(command.participation_id, uow)
    is_self = uow.principal.person_id is not None and uow.principal.person_id == participation.person_id
    if not is_self and not uow.principal.has("program_manager"):
        raise NotVisible("no such participation")
    forgets = bool(participation.background_codes)
    participation.withdraw()
    if forgets:
        uow.participations.forget_experience(participation)
    forget_groups(participation, uow)
    uow.participations.save(participation)
    publish_participation(participation, uow)
    return participation
