"""Waivers: one program manager asks that named rules do not count for two people, another approves and answers for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.approve_waiver import ApproveWaiver, approve_waiver
from matching.application.guard_views import LONGEST_REASON, WaiverState, WaiverView, waiver_view
from matching.application.request_waiver import RequestWaiver, request_waiver
from matching.application.withdraw_waiver import WithdrawWaiver, withdraw_waiver

router = APIRouter(prefix="/v1", tags=["waivers"])

_REASON = "The mentee's new department has one team only; they never work together."
_EXAMPLE: dict[str, Any] = {
    "waiver_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
    "mentor_id": "01990c3e-0000-7000-8000-000000000006",
    "mentee_id": "01990c3e-0000-7000-8000-000000000007",
    "rules": ["same_team"],
    "reason": _REASON,
    "state": "approved",
    "requested_by": "01990c3e-0000-7000-8000-000000000010",
    "requested_at": "2027-01-04T09:00:00Z",
    "approved_by": "01990c3e-0000-7000-8000-000000000011",
    "approved_at": "2027-01-04T11:00:00Z",
    "withdrawn_at": None,
    "version": 2,
}


class RequestWaiverBody(RequestBody):
    """Which rules shall not count for which mentor and mentee, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mentor_participation_id": "01990c3e-0000-7000-8000-000000000008",
                    "mentee_participation_id": "01990c3e-0000-7000-8000-000000000009",
                    "rules": ["same_team"],
                    "reason": _REASON,
                }
            ]
        }
    )

    mentor_participation_id: UUID
    mentee_participation_id: UUID
    rules: tuple[str, ...] = Field(
        min_length=1,
        max_length=16,
        description="Some of grade_gap, reporting_chain, dotted_line, same_team, same_project, reviewer, working_hours, "
        "unit_policy, already_paired.",
    )
    reason: str = Field(
        min_length=10, max_length=LONGEST_REASON, description="For those who audit it; it goes nowhere else."
    )


class WaiverBody(ResponseBody):
    """A waiver; it counts while it is approved. `requested_by` and `approved_by` are persons, never the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    waiver_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    reason: str
    state: WaiverState
    requested_by: UUID | None
    requested_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    withdrawn_at: datetime | None
    version: int


def waiver_body(view: WaiverView) -> WaiverBody:
    """A waiver for the unit's program managers."""
    return WaiverBody.model_validate(view)


@router.post(
    "/cohorts/{cohort_id}/waivers", status_code=201, response_model=WaiverBody, responses=problems(404, 409, 422)
)
async def request_waiver_route(
    cohort_id: UUID, body: RequestWaiverBody, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Ask for a waiver; nothing is waived before somebody else approves it."""
    command = RequestWaiver(
        cohort_id, body.mentor_participation_id, body.mentee_participation_id, body.rules, body.reason
    )
    return await write(
        lambda uow: request_waiver(command, uow),
        present=lambda waiver: waiver_body(waiver_view(waiver)),
        location=lambda waiver: f"/v1/waivers/{waiver.waiver_id}",
    )


@router.get("/cohorts/{cohort_id}/waivers", response_model=Page[WaiverBody], responses=problems(404))
async def list_waivers_route(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
) -> Page[WaiverBody]:
    """The waivers of a cohort in any state."""
    async with read() as views:
        found = await views.waivers_of_cohort(cohort_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda waiver: waiver.waiver_id, present=waiver_body)


@router.get("/waivers/{waiver_id}", response_model=WaiverBody, responses=problems(404))
async def get_waiver_route(
    waiver_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> WaiverBody:
    """A waiver of one of your unit's cohorts."""
    async with read() as views:
        return waiver_body(await views.waiver(waiver_id, principal))


@router.post("/waivers/{waiver_id}/approval", response_model=WaiverBody, responses=problems(404, 409))
async def approve_waiver_route(
    waiver_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Approve a waiver that somebody else asked for: you answer for it by name. A pair that was paused for nothing else goes on."""
    return await write(
        lambda uow: approve_waiver(ApproveWaiver(waiver_id), uow),
        present=lambda waiver: waiver_body(waiver_view(waiver)),
    )


@router.post("/waivers/{waiver_id}/withdrawal", response_model=WaiverBody, responses=problems(404))
async def withdraw_waiver_route(
    waiver_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Withdraw a waiver, or the request for one: its rules count again."""
    return await write(
        lambda uow: withdraw_waiver(WithdrawWaiver(waiver_id), uow),
        present=lambda waiver: waiver_body(waiver_view(waiver)),
    )
