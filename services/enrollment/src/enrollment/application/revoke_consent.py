"""A person takes back the consent to have their life experience compared: it is erased here and wherever it was published (R0-38)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.access import personal_participation
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.life_experience import Purpose
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class RevokeConsent:
    """Whose: the caller's participation."""

    participation_id: UUID


async def revoke_consent(command: RevokeConsent, uow: EnrollmentUnitOfWork) -> Participation:
    """Erase what was declared and publish the participation without it; nothing happens when nothing is held.

    NotVisible unless it is the caller's own: nobody else may take a consent back, or learn whether there was one.
    """
    participation = await personal_participation(command.participation_id, uow)
    if participation.revoke_consent():
        uow.participations.save(participation)
        uow.participations.forget_experience(participation)
        publish_participation(participation, uow)
        uow.audit(
            "revoke-consent",
            subject_id=participation.participation_id,
            business_unit_id=participation.business_unit_id,
            before={"purpose": Purpose.MATCHING.value},
        )
    return participation
