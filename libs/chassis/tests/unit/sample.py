"""A small service for tests: notes that may be written, read and changed, on a database in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

import httpx
from chassis.auth import TokenVerifier
from chassis.clock import FixedClock
from chassis.database import CommitInDoubt, IdempotentRequest, StoredResponse, Unavailable
from chassis.http import (
    Cursor,
    Limit,
    Page,
    Read,
    RequestBody,
    ResponseBody,
    Write,
    allow,
    anonymous,
    create_app,
    page,
    problems,
)
from chassis.ports import Conflict, InvalidInput, NotVisible, PreconditionFailed, Principal
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.telemetry import current_traceparent
from fastapi import APIRouter, FastAPI, File, UploadFile
from pydantic import Field
from sqlalchemy import MetaData
from starlette.responses import Response

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Note:
    note_id: UUID
    unit: UUID | None
    text: str
    author: str
    version: int = 1


@dataclass
class MemoryDatabase:
    """Keeps the promises of chassis.database.Database: all or nothing, one effect a key, what another unit owns is not seen."""

    notes: dict[UUID, Note] = field(default_factory=dict)
    answers: dict[tuple[UUID | None, str, str], StoredResponse] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """Taken one a commit: `before` and `after` lose the connection around it, `busy` has no free connection."""
    attempts: int = 0
    closed: bool = False
    down: bool = False

    @asynccontextmanager
    async def write(self, *, business_unit_id: UUID | None, route: str | None) -> AsyncIterator[MemorySession]:
        self.attempts += 1
        if self.faults and self.faults[0] in ("busy", "cut"):
            if self.faults.pop(0) == "busy":
                raise Unavailable("TimeoutError", retry_after=3) from _pool_timeout()
            raise Unavailable("ConnectionDoesNotExistError")
        yield MemorySession(self, business_unit_id)

    @asynccontextmanager
    async def read(self, *, business_unit_id: UUID | None, route: str | None) -> AsyncIterator[MemorySession]:
        if self.down:
            raise Unavailable("ConnectionRefusedError")
        yield MemorySession(self, business_unit_id)

    async def stored_response(self, request: IdempotentRequest) -> StoredResponse | None:
        return self.answers.get((request.business_unit_id, request.subject, request.key))

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("ConnectionRefusedError")

    async def close(self) -> None:
        self.closed = True


def _pool_timeout() -> Exception:
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    return PoolTimeout("no connection")


class MemorySession:
    def __init__(self, database: MemoryDatabase, unit: UUID | None) -> None:
        self._database = database
        self.unit = unit
        self.staged: list[Note] = []

    def find(self, note_id: UUID) -> Note:
        note = self._database.notes.get(note_id)
        if note is None or note.unit != self.unit:
            raise NotVisible(f"no note {note_id}")
        return note

    def texts(self) -> set[str]:
        return {note.text for note in self._database.notes.values() if note.unit == self.unit}

    def all(self) -> list[Note]:
        mine = [note for note in self._database.notes.values() if note.unit == self.unit]
        return sorted(mine, key=lambda note: note.note_id.bytes)

    async def commit(
        self, request: IdempotentRequest | None = None, response: StoredResponse | None = None
    ) -> StoredResponse | None:
        database = self._database
        fault = database.faults.pop(0) if database.faults else None
        if fault == "before":
            raise CommitInDoubt("ConnectionDoesNotExistError")
        if request is not None and response is not None:
            key = (request.business_unit_id, request.subject, request.key)
            if key in database.answers:
                return database.answers[key]
            database.answers[key] = response
        database.notes.update({note.note_id: note for note in self.staged})
        if fault == "after":
            raise CommitInDoubt("ConnectionDoesNotExistError")
        return None


class NotesWork:
    def __init__(self, session: Any, now: datetime, principal: Principal) -> None:
        self.session: MemorySession = session
        self.now = now
        self.principal = principal


class NoteBody(ResponseBody):
    note_id: UUID
    text: str
    version: int


class WriteNote(RequestBody):
    text: str = Field(min_length=1, max_length=40, examples=["Ask about cloud costs."])
    importance: int = Field(default=1, ge=1, le=5)


def body_of(note: Note) -> NoteBody:
    return NoteBody(note_id=note.note_id, text=note.text, version=note.version)


async def write_note(text: str, work: NotesWork) -> Note:
    if text == "bug":
        raise RuntimeError("secret text of somebody@example.org")
    if text == "forbidden":
        raise InvalidInput("This word is not wanted.", field="text", remedy="Choose another.")
    if text in work.session.texts():
        raise Conflict("A note with this text exists.")
    note = Note(uuid4(), work.session.unit, text, work.principal.subject)
    work.session.staged.append(note)
    return note


Writer = Annotated[Principal, allow("participant", "program_manager")]


def notes_router(seen: list[str | None]) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["notes"])

    @router.post("/notes", status_code=201, response_model=NoteBody, responses=problems(409))
    async def write_note_route(body: WriteNote, write: Write, principal: Writer) -> Response:
        seen.append(current_traceparent())
        return await write(
            lambda work: write_note(body.text, work),
            present=body_of,
            location=lambda note: f"/v1/notes/{note.note_id}",
        )

    @router.post("/units/{unit_id}/notes", status_code=201, response_model=NoteBody)
    async def write_note_for(
        unit_id: UUID, body: WriteNote, write: Write, principal: Annotated[Principal, allow("platform_admin")]
    ) -> Response:
        return await write(lambda work: write_note(body.text, work), present=body_of, acting_for=unit_id)

    @router.patch("/notes/{note_id}", response_model=NoteBody, responses=problems(404, 412, 428))
    async def change_note(note_id: UUID, body: WriteNote, write: Write, principal: Writer) -> Response:
        expected = write.require_version()

        async def change(work: NotesWork) -> Note:
            note = work.session.find(note_id)
            if note.version != expected:
                raise PreconditionFailed("The note has changed.")
            changed = replace(note, text=body.text, version=note.version + 1)
            work.session.staged.append(changed)
            return changed

        return await write(change, present=body_of)

    @router.get("/notes/{note_id}", response_model=NoteBody, responses=problems(404))
    async def get_note(note_id: UUID, read: Read, principal: Writer) -> NoteBody:
        async with read() as views:
            return body_of(views.find(note_id))

    @router.get("/notes", response_model=Page[NoteBody])
    async def list_notes(cursor: Cursor, limit: Limit, read: Read, principal: Writer) -> Page[NoteBody]:
        async with read() as views:
            rows = [note for note in views.all() if cursor is None or note.note_id.bytes > cursor.bytes]
        return page(rows[: limit + 1], limit=limit, key=lambda note: note.note_id, present=body_of)

    @router.post("/answers", status_code=202, dependencies=[anonymous])
    async def answer_route(body: WriteNote, write: Write) -> Response:
        seen.append(current_traceparent())
        return await write(lambda work: write_note(body.text, work), present=None, anonymous=True)

    @router.post("/files", status_code=202, response_model=None, max_body_size=1024 * 1024)
    async def upload(write: Write, principal: Writer, file: Annotated[UploadFile, File()]) -> Response:
        text = f"{len(await file.read())} bytes"
        return await write(lambda work: write_note(text, work), present=body_of)

    return router


@dataclass
class Sample:
    app: FastAPI
    database: MemoryDatabase
    clock: FixedClock
    traces_seen: list[str | None]

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://sample", headers=headers)


def make_sample(jwks: Path, *, now: Callable[[], float] | None = None, **changes: Any) -> Sample:
    settings = ServiceSettings(jwks=str(jwks), **changes)
    database, clock, seen = MemoryDatabase(), FixedClock(NOON), cast("list[str | None]", [])
    service = Service(
        name="sample",
        settings=settings,
        clock=clock,
        metadata=MetaData(),
        migrations=jwks.parent,
        unit_of_work=cast("Any", NotesWork),
        views=lambda session: session,
        database=cast("Any", database),
    )
    verifier = TokenVerifier(settings, now) if now is not None else None
    app = create_app(service, title="Sample", routers=[notes_router(seen)], verifier=verifier)
    return Sample(app, database, clock, seen)
