"""The plainest way: FastAPI routes that insert one row with asyncpg. No token, no tenant, no key, no event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI

from load.peers.bodies import MeetingIn, MeetingOut, ProgramIn, ProgramOut, meeting_row, program_row

_PROGRAM = (
    "INSERT INTO programs (program_id, business_unit_id, title, state, settings, settings_version, charter, sponsor_id,"
    " facilitator_ids, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
_MEETING = (
    "INSERT INTO meetings (meeting_id, pair_id, business_unit_id, named_unit_ids, program_id, cohort_id, state,"
    " scheduled_for, held_at, minutes, channel, cancelled_by, version)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
)


def application(dsn: str, pool_size: int) -> FastAPI:
    """The application upon the database `dsn`."""
    held: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=pool_size, max_size=pool_size) as pool:
            held["pool"] = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/programs", status_code=201)
    async def propose(body: ProgramIn) -> ProgramOut:
        row = program_row(body, uuid4())
        async with held["pool"].acquire() as connection:
            await connection.execute(_PROGRAM, *(row | {"settings": json.dumps(row["settings"])}).values())
        return ProgramOut(**row)

    @app.post("/v1/pairs/{pair_id}/meetings/log", status_code=201)
    async def log(pair_id: UUID, body: MeetingIn) -> MeetingOut:
        row = meeting_row(body, pair_id, uuid4())
        async with held["pool"].acquire() as connection:
            await connection.execute(_MEETING, *row.values())
        return MeetingOut(**row)

    return app
