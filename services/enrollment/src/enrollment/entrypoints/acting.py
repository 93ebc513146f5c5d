"""For which business unit a request acts, and on whose participation."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from chassis.http import Read
from chassis.ports import InvalidInput, NotVisible, Principal
from fastapi import Query

from enrollment.domain.participations import Participation

ActingFor = Annotated[
    UUID | None,
    Query(
        alias="business_unit_id",
        description="The unit to act for: needed by platform administrators, who belong to none.",
    ),
]


def acting_unit(principal: Principal, named: UUID | None) -> UUID:
    """The caller's own unit, or the one a platform administrator names.

    InvalidInput when an administrator names none, NotVisible when somebody else names a foreign one.
    """
    if named is None:
        if principal.business_unit_id is None:
            raise InvalidInput("say for which unit", field="business_unit_id", remedy="add ?business_unit_id=")
        return principal.business_unit_id
    if named != principal.business_unit_id and not principal.has("platform_admin"):
        raise NotVisible("no such unit")
    return named


async def personal_participation(read: Read, principal: Principal, participation_id: UUID) -> Participation:
    """The caller's own participation. NotVisible for anybody else's, whatever else the caller may do."""
    async with read() as views:
        participation: Participation = (await views.participation(participation_id, principal)).participation
    if principal.person_id is None or participation.person_id != principal.person_id:
        raise NotVisible("no such participation")
    return participation
