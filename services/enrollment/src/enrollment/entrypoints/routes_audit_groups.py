"""Groups a person declares so that runs can be audited: theirs alone to give, to read and to take back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import Principal
from chassis.service import Service
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.declare_groups import DeclareGroups, declare_groups
from enrollment.application.revoke_audit_consent import RevokeAuditConsent, revoke_audit_consent
from enrollment.application.views import GroupsView
from enrollment.bootstrap import audit_key_of
from enrollment.domain.audit_groups import DIMENSIONS, AuditGroups
from enrollment.entrypoints.acting import personal_participation
from enrollment.entrypoints.routes_participations import ParticipationBody, changed_body

router = APIRouter(prefix="/v1", tags=["declarations"])


class GroupBody(ResponseBody):
    """A group that can be declared."""

    code: str = Field(examples=["woman"])
    title: str


class DimensionBody(ResponseBody):
    """Something that groups differ in. Leaving it out is always possible: nothing is concluded from it."""

    code: str = Field(examples=["gender"])
    title: str
    groups: tuple[GroupBody, ...]


class DimensionsBody(ResponseBody):
    """Everything that audit groups are chosen from; a program may have switched dimensions off."""

    dimensions: tuple[DimensionBody, ...]


class GroupsBody(RequestBody):
    """Which groups you belong to, for audits alone: no rule and no score ever sees them. A dimension left out is not declared."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"groups": {"gender": "woman"}, "purpose": "audit", "consent": True}]}
    )

    groups: dict[Annotated[str, Field(max_length=16)], Annotated[str, Field(max_length=32)]] = Field(
        min_length=1, max_length=len(DIMENSIONS), examples=[{"gender": "woman"}]
    )
    purpose: Literal["audit"] = Field(description="What they may be used for.")
    consent: bool = Field(description="Without consent nothing is taken.", examples=[True])


class OwnGroupsBody(ResponseBody):
    """What one has declared for audits; empty without a consent."""

    groups: dict[str, str]
    consented_at: datetime | None


def _key(request: Request) -> bytes:
    service: Service = request.app.state.service
    return audit_key_of(service.settings)


@router.get("/audit-dimensions", response_model=DimensionsBody)
async def list_audit_dimensions(principal: Annotated[Principal, allow()]) -> DimensionsBody:
    """What can be declared for audits."""
    return DimensionsBody(
        dimensions=tuple(
            DimensionBody(
                code=code,
                title=dimension.title,
                groups=tuple(GroupBody(code=group.code, title=group.title) for group in dimension.groups),
            )
            for code, dimension in DIMENSIONS.items()
        )
    )


@router.put(
    "/participations/{participation_id}/audit-groups",
    response_model=ParticipationBody,
    responses=problems(404, 409, 422),
)
async def declare_groups_route(
    participation_id: UUID,
    body: GroupsBody,
    read: Read,
    write: Write,
    key: Annotated[bytes, Depends(_key)],
    principal: Annotated[Principal, allow("participant")],
) -> Response:
    """Declare your groups, in place of what you declared before. The answer does not repeat them."""
    groups = AuditGroups.consented(body.groups, consent=body.consent)
    participation = await personal_participation(read, principal, participation_id)
    command = DeclareGroups(participation_id, groups, key)
    return await write(
        lambda uow: declare_groups(command, uow), present=changed_body, acting_for=participation.business_unit_id
    )


@router.get("/participations/{participation_id}/audit-groups", response_model=OwnGroupsBody, responses=problems(404))
async def get_audit_groups(
    participation_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")]
) -> OwnGroupsBody:
    """Your own groups, which nobody else is shown."""
    participation = await personal_participation(read, principal, participation_id)
    async with read(acting_for=participation.business_unit_id) as views:
        held: GroupsView | None = await views.audit_groups(participation_id)
    if held is None:
        return OwnGroupsBody(groups={}, consented_at=None)
    return OwnGroupsBody(groups=dict(held.groups), consented_at=held.consented_at)


@router.delete(
    "/participations/{participation_id}/audit-groups", response_model=ParticipationBody, responses=problems(404)
)
async def revoke_audit_consent_route(
    participation_id: UUID, read: Read, write: Write, principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Take the consent back, without having to say why: what was declared is erased, and no later audit counts you."""
    participation = await personal_participation(read, principal, participation_id)
    command = RevokeAuditConsent(participation_id)
    return await write(
        lambda uow: revoke_audit_consent(command, uow), present=changed_body, acting_for=participation.business_unit_id
    )
