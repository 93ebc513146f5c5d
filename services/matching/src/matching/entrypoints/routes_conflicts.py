"""The register of conflicts of interest: who must not be paired with whom. For the unit's program managers alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.guard_views import ConflictReason, ConflictView, conflict_view
from matching.application.register_conflict import RegisterConflict, register_conflict
from matching.application.remove_conflict import RemoveConflict, remove_conflict

router = APIRouter(prefix="/v1", tags=["conflicts"])

_TWO_PEOPLE: dict[str, Any] = {
    "person_id": "01990c3e-0000-7000-8000-000000000006",
    "other_id": "01990c3e-0000-7000-8000-000000000007",
    "reason": "family",
}


class RegisterConflictBody(RequestBody):
    """Two people who must not be paired; one of them at least belongs to your unit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TWO_PEOPLE]})

    person_id: UUID
    other_id: UUID
    reason: ConflictReason = Field(description="A code; details are kept nowhere here.")


class ConflictBody(ResponseBody):
    """An entry of the register. The order of the two people means nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conflict_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    **_TWO_PEOPLE,
                    "registered_at": "2027-01-04T09:00:00Z",
                }
            ]
        }
    )

    conflict_id: UUID
    person_id: UUID
    other_id: UUID
    reason: ConflictReason
    registered_at: datetime


def conflict_body(view: ConflictView) -> ConflictBody:
    """An entry for the unit's program managers."""
    return ConflictBody.model_validate(view)


@router.post("/conflicts", status_code=201, response_model=ConflictBody, responses=problems(404, 409, 422))
async def register_conflict_route(
    body: RegisterConflictBody, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Register that two people must not be paired. What stands between them already is examined at once."""
    command = RegisterConflict(body.person_id, body.other_id, body.reason)
    return await write(
        lambda uow: register_conflict(command, uow),
        present=lambda entry: conflict_body(conflict_view(entry)),
        location=lambda entry: f"/v1/conflicts/{entry.conflict_id}",
    )


@router.get("/conflicts", response_model=Page[ConflictBody])
async def list_conflicts_route(
    read: Read, principal: Annotated[Principal, allow("program_manager")], cursor: Cursor, limit: Limit
) -> Page[ConflictBody]:
    """The register of your unit."""
    async with read() as views:
        found = await views.conflicts(principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda entry: entry.conflict_id, present=conflict_body)


@router.get("/conflicts/{conflict_id}", response_model=ConflictBody, responses=problems(404))
async def get_conflict_route(
    conflict_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> ConflictBody:
    """An entry of your unit's register."""
    async with read() as views:
        return conflict_body(await views.conflict(conflict_id, principal))


@router.delete("/conflicts/{conflict_id}", response_model=ConflictBody, responses=problems(404))
async def remove_conflict_route(
    conflict_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Remove an entry; a pair that was paused for nothing else goes on."""
    return await write(
        lambda uow: remove_conflict(RemoveConflict(conflict_id), uow),
        present=lambda entry: conflict_body(conflict_view(entry)),
    )
