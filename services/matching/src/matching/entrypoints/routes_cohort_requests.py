"""Self mode for the program manager: who waits for whom, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from matching.application.mode_views import CohortRequestView, RequestState, Role

router = APIRouter(prefix="/v1", tags=["requests"])

_WAITING: dict[str, Any] = {
    "request_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
    "asked_by": "mentee",
    "mentor_participation_id": "01990c3e-0000-7000-8000-000000000009",
    "mentee_participation_id": "01990c3e-0000-7000-8000-000000000008",
    "state": "open",
    "asked_at": "2027-01-04T09:00:00Z",
    "shown_at": "2027-01-04T09:00:01Z",
    "reminded_at": "2027-01-11T09:00:00Z",
    "expires_at": "2027-01-18T09:00:00Z",
    "answered_at": None,
    "last_active_week": None,
}


class CohortRequestBody(ResponseBody):
    """A request of one participant to another: its dates and no reason."""

    request_id: UUID
    asked_by: Role
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    state: RequestState
    asked_at: datetime
    shown_at: datetime | None = Field(description="Since when the other sees it; null while it is being checked.")
    reminded_at: datetime | None
    expires_at: datetime
    answered_at: datetime | None = Field(description="When it was answered or ended otherwise.")
    last_active_week: date | None = Field(
        description="Monday of the week in which the one who is asked last did something; null if they never have."
    )


class CohortRequestsBody(ResponseBody):
    """The requests of a cohort: all counted, and a page of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "counts": {
                        "open": 12,
                        "accepted": 30,
                        "declined": 4,
                        "withdrawn": 1,
                        "expired": 6,
                        "closed": 2,
                    },
                    "overdue": 3,
                    "requests": {"items": [_WAITING], "next": None},
                }
            ]
        }
    )

    cohort_id: UUID
    counts: Mapping[str, int] = Field(description="By state, every state named.")
    overdue: int = Field(description="Open ones whose reminder has gone out and is unanswered.")
    requests: Page[CohortRequestBody]


def _request_body(view: CohortRequestView) -> CohortRequestBody:
    return CohortRequestBody.model_validate(view)


@router.get("/cohorts/{cohort_id}/requests", response_model=CohortRequestsBody, responses=problems(404))
async def list_cohort_requests_route(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
    state: Annotated[RequestState | None, Query(description="Only requests in this state.")] = None,
    overdue: Annotated[bool, Query(description="Only open requests whose reminder is unanswered.")] = False,
) -> CohortRequestsBody:
    """Requests of the cohort's people to each other: who does not answer, and what stands still."""
    async with read() as views:
        found = await views.requests_of_cohort(
            cohort_id, principal, state=state, overdue=overdue, after=cursor, limit=limit + 1
        )
    return CohortRequestsBody(
        cohort_id=found.cohort_id,
        counts={each.value: found.counts.get(each, 0) for each in RequestState},
        overdue=found.overdue,
        requests=page(found.requests, limit=limit, key=lambda request: request.request_id, present=_request_body),
    )
