"""What became of a cohort: its meetings and its report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from evaluation.application.views import CohortReport, MeetingView, ReportView

router = APIRouter(prefix="/v1", tags=["cohorts"])

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class MeetingBody(ResponseBody):
    """A meeting as engagement has published it."""

    meeting_id: UUID
    pair_id: UUID
    state: str = Field(examples=["held"])
    scheduled_for: datetime | None
    held_at: datetime | None
    minutes: int | None = Field(examples=[50])
    channel: str | None = Field(examples=["video"])


class MeetingsPage(Page[MeetingBody]):
    """A page of meetings, in the order of ids."""

    as_of: datetime | None = Field(
        description="When the newest meeting fact known here happened; null before the first.",
        examples=["2026-03-03T09:30:00Z"],
    )


def _meeting(meeting: MeetingView) -> MeetingBody:
    return MeetingBody.model_validate(meeting)


@router.get("/cohorts/{cohort_id}/meetings", response_model=MeetingsPage, responses=problems(404))
async def list_cohort_meetings(
    cohort_id: UUID,
    read: Read,
    cursor: Cursor,
    limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "facilitator", "data_reader", "participant")],
) -> MeetingsPage:
    """Meetings of a cohort. Participants see those of their own pairs; facilitators those of programs that name them."""
    async with read() as views:
        found = await views.meetings(cohort_id, principal, after=cursor, limit=limit + 1)
    shown = page(found.meetings, limit=limit, key=lambda meeting: meeting.meeting_id, present=_meeting)
    return MeetingsPage(items=shown.items, next=shown.next, as_of=found.as_of)


@router.get("/cohorts/{cohort_id}/report", response_model=CohortReport, responses=problems(404))
async def get_cohort_report(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator", "data_reader")],
) -> Response:
    """The cohort's report. Once the closing wave is closed it is final, and stays the same to the byte.

    Every figure says its source, its n, its interval or why there is none, and whether a comparison group existed.
    Results about too few people are marked `suppressed` and hold nothing.
    """
    async with read() as views:
        found: ReportView = await views.report(cohort_id, principal)
    return Response(found.text, media_type="application/json", headers={"etag": f'"{found.digest}"'})


@router.get("/cohorts/{cohort_id}/report.html", response_class=HTMLResponse, responses=problems(404))
async def get_cohort_report_page(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator", "data_reader")],
    synthetic: Annotated[
        bool, Query(description="Say on the page that applications, meetings and answers are simulated.")
    ] = False,
) -> Response:
    """The cohort's report as one self-contained page: no scripts, nothing loaded from elsewhere, ready to print."""
    async with read() as views:
        found: ReportView = await views.report(cohort_id, principal)
    rendered = await views.report_page(found, synthetic=synthetic)
    return HTMLResponse(rendered, headers={"content-security-policy": _PAGE_POLICY})
