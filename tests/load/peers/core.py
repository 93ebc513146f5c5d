"""The usual way: FastAPI routes that insert one row with SQLAlchemy Core on its asynchronous engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import create_async_engine

from load.peers.bodies import MeetingIn, MeetingOut, ProgramIn, ProgramOut, meeting_row, program_row

_metadata = MetaData()
programs = Table(
    "programs",
    _metadata,
    Column("program_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid),
    Column("title", Text),
    Column("state", Text),
    Column("settings", JSONB),
    Column("settings_version", Integer),
    Column("charter", JSONB(none_as_null=True)),
    Column("sponsor_id", Uuid),
    Column("facilitator_ids", ARRAY(Uuid)),
    Column("version", Integer),
)
meetings = Table(
    "meetings",
    _metadata,
    Column("meeting_id", Uuid, primary_key=True),
    Column("pair_id", Uuid),
    Column("business_unit_id", Uuid),
    Column("named_unit_ids", ARRAY(Uuid)),
    Column("program_id", Uuid),
    Column("cohort_id", Uuid),
    Column("state", Text),
    Column("scheduled_for", DateTime(timezone=True)),
    Column("held_at", DateTime(timezone=True)),
    Column("minutes", Integer),
    Column("channel", Text),
    Column("cancelled_by", Text),
    Column("version", Integer),
)


def application(dsn: str, pool_size: int) -> FastAPI:
    """The application upon the database `dsn`."""
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=pool_size, max_overflow=0
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/programs", status_code=201)
    async def propose(body: ProgramIn) -> ProgramOut:
        row = program_row(body, uuid4())
        async with engine.begin() as connection:
            await connection.execute(insert(programs).values(row))
        return ProgramOut(**row)

    @app.post("/v1/pairs/{pair_id}/meetings/log", status_code=201)
    async def log(pair_id: UUID, body: MeetingIn) -> MeetingOut:
        row = meeting_row(body, pair_id, uuid4())
        async with engine.begin() as connection:
            await connection.execute(insert(meetings).values(row))
        return MeetingOut(**row)

    return app
