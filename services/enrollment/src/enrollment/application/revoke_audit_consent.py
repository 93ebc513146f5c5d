"""A person takes back the consent to be counted in audits: what they declared is erased here and wherever it was published (N7)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.access import personal_participation
from enrollment.application.audit_consent import forget_groups
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class RevokeAuditConsent:
    """Whose: the caller's participation."""

    participation_id: UUID


async def revoke_audit_consent(command: RevokeAuditConsent, uow: EnrollmentUnitOfWork) -> Participation:
    """Erase what was declared and publish that; nothing happens when nothing is held.

    NotVisible unless it is the caller's own: nobody else may take a consent back, or learn whether there was one.
    """
    participation = await personal_participation(command.participation_id, uow)
    if forget_groups(participation, uow):
        uow.participations.save(participation)
        uow.audit(
            "revoke-consent",
            subject_id=participation.participation_id,
            business_unit_id=participation.business_unit_id,
            before={"purpose": "audit"},
        )
    return participation
