"""A small service on a real database: notes of one unit, boards shared by several, and what it hears of meetings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from chassis.database import Database, IdempotentRequest, StoredResponse, UnitOfWork
from chassis.dead_letters import RawRecord
from chassis.inbox import Received
from chassis.ports import Principal
from chassis.schema import metadata_for
from chassis.service import Service, compose
from chassis.settings import ServiceSettings
from contracts.engagement import MeetingLogged, MeetingState
from contracts.envelope import Envelope, decode, encode
from contracts.identifiers import uuid7
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
)
from updraft.servers_for_tests import ServiceDatabase

MIGRATIONS = Path(__file__).parent / "migrations"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

metadata = metadata_for("engagement")
notes = Table(
    "notes",
    metadata,
    Column("note_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("code", Text),
    Column("version", Integer, nullable=False),
    UniqueConstraint("business_unit_id", "code", name="uq_notes_code"),
    CheckConstraint("version > 0", name="version"),
    info={"conflicts": {"uq_notes_code": ("code", "A note with this code exists.")}},
)
boards = Table(
    "boards",
    metadata,
    Column("board_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("named_unit_ids", ARRAY(Uuid), nullable=False),
)
known = Table(
    "known_meetings",
    metadata,
    Column("meeting_id", Uuid, primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("minutes", Integer),
    Column("sequence", BigInteger, nullable=False),
)
effects = Table(
    "effects",
    metadata,
    Column("effect_id", BigInteger, Identity(), primary_key=True),
    Column("business_unit_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
)


def settings_for(database: ServiceDatabase, **more: Any) -> ServiceSettings:
    return ServiceSettings(database=database.address, secrets=database.secrets_dir, **more)


def service_for(database: ServiceDatabase, role: Any, **more: Any) -> Service:
    return compose(
        "engagement",
        settings_for(database, **more),
        role,
        unit_of_work=UnitOfWork,
        views=lambda session: session,
        metadata=metadata,
        migrations=MIGRATIONS,
    )


@dataclass
class Statements:
    """What was really sent to the server, statement by statement, in order."""

    sent: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.sent.clear()

    @property
    def verbs(self) -> list[str]:
        return [text.split(None, 1)[0].rstrip(";") for text in self.sent]


def listen(database: Database) -> Statements:
    """Note every statement of the connections that `database` opens from now on.

    The driver does not log what SQLAlchemy has prepared, so that is noted where SQLAlchemy hands it over.
    """
    statements = Statements()

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _prepared(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.sent.append(statement)

    @event.listens_for(database.engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.driver_connection.add_query_logger(lambda query: statements.sent.append(query.query))

    return statements


def manager(unit: UUID) -> Principal:
    return Principal(subject="someone", business_unit_id=unit, roles=frozenset({"program_manager"}))


def meeting(meeting_id: UUID, minutes: int = 30, *, unit: UUID, pair_id: UUID | None = None) -> MeetingLogged:
    return MeetingLogged(
        business_unit_id=unit,
        named_unit_ids=(unit,),
        meeting_id=meeting_id,
        pair_id=pair_id or meeting_id,
        cohort_id=meeting_id,
        program_id=meeting_id,
        state=MeetingState.HELD,
        minutes=minutes,
    )


def received(
    meeting_id: UUID, sequence: int, minutes: int = 30, *, unit: UUID, pair_id: UUID | None = None, extra: Any = ()
) -> Received:
    """An event as the consumer hands it to the inbox."""
    record = encode(Envelope.of(meeting(meeting_id, minutes, unit=unit, pair_id=pair_id), sequence=sequence, time=NOON))
    raw = RawRecord(record.topic, 0, sequence, record.key, record.value, (*record.headers, *extra))
    return Received(decode(raw.topic, raw.key, raw.value, raw.headers), raw)


def request(unit: UUID, key: str | None = None) -> IdempotentRequest:
    return IdempotentRequest(unit, "someone", key or str(uuid4()), b"hash of the request")


def response(text: str = "made") -> StoredResponse:
    return StoredResponse(201, {"content-type": "application/json"}, text.encode(), b"hash of the request")


def note(unit: UUID, **more: Any) -> dict[str, Any]:
    return {"note_id": uuid7(), "business_unit_id": unit, "version": 1, **more}


def headers_of(row: Any) -> dict[str, str]:
    return dict(msgspec.json.decode(row["headers"]))
