"""Meetings: scheduled, logged, cancelled. Nothing of what is said in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from contracts.fields import Instant
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from engagement.application.cancel_meeting import CancelMeeting, cancel_meeting
from engagement.application.log_meeting import LogMeeting, log_meeting
from engagement.application.log_scheduled_meeting import LogScheduledMeeting, log_scheduled_meeting
from engagement.application.schedule_meeting import ScheduleMeeting, schedule_meeting
from engagement.application.views import Channel, Meeting, MeetingState, Side

router = APIRouter(prefix="/v1", tags=["meetings"])


class ScheduleMeetingBody(RequestBody):
    """A date for a pair."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scheduled_for": "2027-02-01T14:00:00Z", "channel": "video"}]}
    )

    scheduled_for: Instant
    channel: Channel | None = Field(default=None, description="The agreed medium where it is left out.")


class LogMeetingBody(RequestBody):
    """A meeting that took place."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"held_at": "2027-01-26T14:00:00Z", "minutes": 55, "channel": "video"}]}
    )

    held_at: Instant = Field(description="When it began.")
    minutes: int = Field(ge=1, le=600)
    channel: Channel


class CancellationBody(RequestBody):
    """A cancellation. A participant cancels in the name of their own side; a program manager names whose it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"side": "mentee"}]})

    side: Side | None = None


class MeetingBody(ResponseBody):
    """A meeting."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "meeting_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "version": 2,
                    "pair_id": "01990c3e-0000-7000-8000-000000000001",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "program_id": "01990c3e-0000-7000-8000-000000000002",
                    "state": "held",
                    "scheduled_for": "2027-01-26T14:00:00Z",
                    "held_at": "2027-01-26T14:05:00Z",
                    "minutes": 55,
                    "channel": "video",
                    "cancelled_by": None,
                }
            ]
        }
    )

    meeting_id: UUID
    version: int
    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    state: MeetingState
    scheduled_for: datetime | None = Field(description="Null for a meeting that was logged without being scheduled.")
    held_at: datetime | None
    minutes: int | None
    channel: Channel | None
    cancelled_by: Side | None = Field(
        description="Null also where the pair had ended, or stood still for a check at that time."
    )


def meeting_body(meeting: Meeting) -> MeetingBody:
    """A meeting for the wire."""
    return MeetingBody(
        meeting_id=meeting.meeting_id,
        version=meeting.version,
        pair_id=meeting.pair_id,
        cohort_id=meeting.cohort_id,
        program_id=meeting.program_id,
        state=meeting.state,
        scheduled_for=meeting.scheduled_for,
        held_at=meeting.held_at,
        minutes=meeting.minutes,
        channel=meeting.channel,
        cancelled_by=meeting.cancelled_by,
    )


@router.get("/pairs/{pair_id}/meetings", response_model=Page[MeetingBody], responses=problems(404))
async def list_meetings(
    pair_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("participant", "program_manager", "facilitator")],
    cursor: Cursor,
    limit: Limit,
) -> Page[MeetingBody]:
    """A pair's meetings, in the order in which they were entered."""
    async with read() as views:
        found = await views.meetings(pair_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda meeting: meeting.meeting_id, present=meeting_body)


@router.post("/pairs/{pair_id}/meetings", status_code=201, response_model=MeetingBody, responses=problems(404, 409))
async def schedule_meeting_route(
    pair_id: UUID,
    body: ScheduleMeetingBody,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """Arrange a meeting for a date to come: of an active pair, or of one on trial before the trial ends."""
    command = ScheduleMeeting(pair_id=pair_id, scheduled_for=body.scheduled_for, channel=body.channel)
    return await write(lambda uow: schedule_meeting(command, uow), present=meeting_body)


@router.post("/pairs/{pair_id}/meetings/log", status_code=201, response_model=MeetingBody, responses=problems(404, 409))
async def log_meeting_route(
    pair_id: UUID,
    body: LogMeetingBody,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """Log a meeting that was held without having been scheduled here, by an active pair or within its trial."""
    command = LogMeeting(pair_id=pair_id, held_at=body.held_at, minutes=body.minutes, channel=body.channel)
    return await write(lambda uow: log_meeting(command, uow), present=meeting_body)


@router.get("/meetings/{meeting_id}", response_model=MeetingBody, responses=problems(404))
async def get_meeting(
    meeting_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("participant", "program_manager", "facilitator")],
) -> MeetingBody:
    """One meeting."""
    async with read() as views:
        return meeting_body(await views.meeting(meeting_id, principal))


@router.post("/meetings/{meeting_id}/log", status_code=201, response_model=MeetingBody, responses=problems(404, 409))
async def log_scheduled_meeting_route(
    meeting_id: UUID,
    body: LogMeetingBody,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """Log that an arranged meeting was held; also one that was presumed missed."""
    command = LogScheduledMeeting(
        meeting_id=meeting_id, held_at=body.held_at, minutes=body.minutes, channel=body.channel
    )
    return await write(lambda uow: log_scheduled_meeting(command, uow), present=meeting_body)


@router.post(
    "/meetings/{meeting_id}/cancellation", status_code=201, response_model=MeetingBody, responses=problems(404, 409)
)
async def cancel_meeting_route(
    meeting_id: UUID,
    body: CancellationBody,
    write: Write,
    principal: Annotated[Principal, allow("participant", "program_manager")],
) -> Response:
    """Call an arranged meeting off."""
    command = CancelMeeting(meeting_id=meeting_id, side=body.side)
    return await write(lambda uow: cancel_meeting(command, uow), present=meeting_body)
