"""Erasing a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import Principal
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.request_erasure import RequestErasure, request_erasure
from enrollment.domain.erasures import Erasure, ErasureReason
from enrollment.entrypoints.acting import ActingFor, acting_unit

router = APIRouter(prefix="/v1", tags=["people"])


class ErasureRequestBody(RequestBody):
    """Why a person is to be erased."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "own_request"}]})

    reason: ErasureReason = Field(description="A code; details are kept nowhere.")


class ErasureBody(ResponseBody):
    """An erasure, and whether it is done."""

    person_id: UUID
    business_unit_id: UUID
    reason: ErasureReason
    requested_at: datetime
    erased_at: datetime | None = Field(
        description="Null until it is done: within seconds, or when imports under way have ended."
    )


def _erasure_body(erasure: Erasure) -> ErasureBody:
    return ErasureBody.model_validate(erasure)


@router.post("/people/{person_id}/erasure", status_code=202, response_model=ErasureBody, responses=problems(404, 422))
async def request_erasure_route(
    person_id: UUID,
    body: ErasureRequestBody,
    write: Write,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    business_unit_id: ActingFor = None,
) -> Response:
    """Erase name, address, employee number, place in the organisation, declarations, consents and notes; nothing brings them back.

    The person leaves every cohort. What statistics need stays under the opaque id. Asked again, the first request is answered.
    """
    unit_id = acting_unit(principal, business_unit_id)
    command = RequestErasure(person_id, unit_id, body.reason)
    return await write(lambda uow: request_erasure(command, uow), present=_erasure_body, acting_for=unit_id)


@router.get("/people/{person_id}/erasure", response_model=ErasureBody, responses=problems(404))
async def get_erasure(
    person_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    business_unit_id: ActingFor = None,
) -> ErasureBody:
    """Whether the erasure of a person is done."""
    async with read(acting_for=acting_unit(principal, business_unit_id)) as views:
        return _erasure_body(await views.erasure(person_id))
