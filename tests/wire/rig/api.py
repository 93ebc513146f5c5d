"""The rig's HTTP API: what a client may do to the meetings that `engagement` counts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from chassis.database import UnitOfWork
from chassis.http import Read, ResponseBody, Write, allow, create_app, problems
from chassis.ports import NotVisible, Principal
from chassis.service import Service
from fastapi import APIRouter, FastAPI
from sqlalchemy import select, text
from starlette.responses import Response

from rig.services import count_up, create
from rig.tables import counted

router = APIRouter(prefix="/v1", tags=["meetings"])


class CountBody(ResponseBody):
    """A meeting's version."""

    meeting_id: UUID
    version: int


@router.post("/meetings", status_code=201, response_model=CountBody, responses=problems(400))
async def create_meeting(write: Write, principal: Annotated[Principal, allow("program_manager")]) -> Response:
    """A plain creation: one statement."""

    async def use_case(uow: UnitOfWork) -> CountBody:
        return CountBody(meeting_id=await create(uow), version=1)

    return await write(use_case, present=lambda body: body)


@router.post("/meetings/{meeting_id}/count", response_model=CountBody, responses=problems(400))
async def count_meeting(
    meeting_id: UUID, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """One more version, under the row's lock."""

    async def use_case(uow: UnitOfWork) -> CountBody:
        return CountBody(meeting_id=meeting_id, version=await count_up(meeting_id, uow))

    return await write(use_case, present=lambda body: body)


@router.get("/meetings/{meeting_id}", response_model=CountBody, responses=problems(404))
async def get_meeting(
    meeting_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> CountBody:
    """The version a meeting has."""
    async with read() as session:
        row = await session.fetch_one(select(counted).where(counted.c.meeting_id == meeting_id))
    if row is None:
        raise NotVisible("No such meeting.")
    return CountBody(meeting_id=meeting_id, version=row["version"])


class ClockBody(ResponseBody):
    """The database's time, in seconds."""

    seconds: float


@router.get("/clock", response_model=ClockBody, responses=problems())
async def get_clock(read: Read, principal: Annotated[Principal, allow("program_manager")]) -> ClockBody:
    """A route that needs the database and none of its tables."""
    async with read() as session:
        return ClockBody(seconds=await session.scalar(text("SELECT extract(epoch FROM clock_timestamp())::float8")))


def app(service: Service) -> FastAPI:
    """The API of the rig's engagement."""
    return create_app(service, title="Rig", routers=[router])
