"""The database of a service: sessions that read, sessions that write, and the one place where anything is committed.

Every connection runs in the driver's autocommit mode and transactions are opened here, explicitly, so that BEGIN and the
tenant travel together in one round trip and a plain creation is a single statement (docs/architecture.md, "The one flow").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Executable, NullPool, Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis import metrics
from chassis.audit import audit_log
from chassis.connections import Connections
from chassis.crash_points import AFTER_COMMIT, BEFORE_COMMIT, crash_point
from chassis.database_errors import (
    CommitInDoubt,
    StagedChangeLost,
    Unavailable,
    conflicts_of,
    is_transient,
    refused,
    translated,
)
from chassis.outbox import OutboxRow, outbox_row
from chassis.ports import Principal
from chassis.sessions import ReadSession, Session
from chassis.shares import Claims, Shares, ShareTaken
from chassis.statements import Kind, PutOff, Staged, bound, combined, noted
from chassis.telemetry import current_traceparent

__all__ = [
    "MOST_WAITING",
    "NO_UNIT",
    "CommitInDoubt",
    "Database",
    "IdempotentRequest",
    "ReadSession",
    "StagedChangeLost",
    "StoredResponse",
    "Unavailable",
    "UnitOfWork",
    "WriteSession",
    "conflicts_of",
    "is_transient",
]

NO_UNIT = UUID(int=0)
"""Stands for "no business unit" in keys of people who act across units."""

MOST_WAITING = 128
"""Requests of one business unit at one route that wait for a connection; more are told to try again at once."""


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A client's key for one request; `business_unit_id` is the principal's own unit, `request_hash` covers method, path and body."""

    business_unit_id: UUID | None
    subject: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What was answered the first time."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_hash: bytes


class WriteSession(Session):
    """A transaction that changes something. Changes are staged and sent together when the chassis commits.

    A query does not see what is staged; `flush` first where it must.
    """

    def __init__(self, database: Database, business_unit_id: UUID | None, route: str | None = None) -> None:
        super().__init__(database, business_unit_id, route)
        self._staged: list[Staged] = []
        self._events: list[OutboxRow] = []
        self._put_off: list[PutOff] = []
        self.guarded = 0
        self.overtaken = 0
        self.superseded: list[Any] = []
        """Tags of what was put off and has been sent, where every row had been overtaken by something newer."""

    def _stage(
        self, kind: Kind, table: Table, values: Mapping[str, Any], key: Sequence[str] = (), newer: str | None = None
    ) -> None:
        columns = tuple(values)
        row = bound(table, columns, values)
        last = self._staged[-1] if self._staged else None
        change = Staged(kind, table, columns, [row], tuple(key), newer)
        if kind == "insert" and last is not None and last.shape == change.shape and len(last.rows) < 100:
            last.rows.append(row)
        else:
            self._staged.append(change)

    def insert(self, table: Table, values: Mapping[str, Any]) -> None:
        """Stage a new row."""
        self._stage("insert", table, values)

    def update(self, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Stage a change of the one row found by `key`. StagedChangeLost at commit when there is none."""
        self._stage("update", table, {**values, **key}, tuple(key))

    def upsert(self, table: Table, values: Mapping[str, Any], *, key: Sequence[str], newer: str | None = None) -> None:
        """Stage a row that replaces the one with the same `key`, unless that one's `newer` column is as high or higher."""
        self._stage("upsert", table, values, key, newer)

    def delete(self, table: Table, key: Mapping[str, Any]) -> None:
        """Stage the removal of the one row found by `key`. StagedChangeLost at commit when there is none."""
        self._stage("delete", table, key, tuple(key))

    def append(self, row: OutboxRow) -> None:
        """Stage an event; events keep the order in which they were appended.

        The row belongs to the unit that acts, which for something shared need not be the unit that owns it.
        """
        if self._database.tenant_scoped and self._business_unit_id is not None:
            row = OutboxRow(self._business_unit_id, row.topic, row.key, row.headers, row.value)
        self._events.append(row)

    async def execute(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Run a statement at once in this transaction, for bulk work; returns the number of rows touched (-1: unknown)."""
        try:
            connection = await self._start()
            result = await connection.execute(statement, rows)
            return int(getattr(result, "rowcount", -1))
        except Exception as error:
            raise self._database.translated(error) from error

    async def _send(self, *, tenant: str | None, key: tuple[Any, ...] | None) -> bool:
        """Send what is staged as one statement. False when the idempotency key was there already."""
        if not self._staged and not self._events and key is None:
            return True
        sql, arguments = combined(self._staged, self._events, tenant=tenant, key=key)
        counts = (await self._driver.fetchrow(sql, *arguments))["counts"]
        if not counts[0]:
            return False
        guarded, overtaken = noted(self._staged, counts)
        self.guarded += guarded
        self.overtaken += overtaken
        self._staged.clear()
        self._events.clear()
        return True

    def put_off(self, tag: Any, *, guarded: int, overtaken: int) -> None:
        """Set what is staged aside as a statement of its own, to be sent with others in one go before the next query or flush.

        `guarded` and `overtaken` say how many rows were sent under the same tag already.
        """
        sql, arguments = combined(self._staged, self._events) if self._staged or self._events else ("", [])
        self._put_off.append(PutOff(tag, sql, arguments, self._staged, guarded, overtaken))
        self._staged, self._events = [], []

    async def _start(self) -> AsyncConnection:
        connection = await super()._start()
        if self._put_off:
            waiting, self._put_off = self._put_off, []
            for sql, alike in groupby(waiting, key=attrgetter("sql")):
                parts = list(alike)
                rows = (
                    await self._driver.fetchmany(sql, [part.arguments for part in parts])
                    if sql
                    else [None] * len(parts)
                )
                for part, row in zip(parts, rows, strict=True):
                    guarded, overtaken = noted(part.staged, row["counts"]) if row else (0, 0)
                    if 0 < part.guarded + guarded == part.overtaken + overtaken:
                        self.superseded.append(part.tag)
        return connection

    def forget_staged(self) -> None:
        """Drop what is staged and not sent; what was sent stays in the open transaction."""
        self._staged.clear()
        self._events.clear()

    async def flush(self) -> None:
        """Send what is staged, within the open transaction."""
        try:
            await self._start()
            await self._send(tenant=None, key=None)
        except Exception as error:
            raise self._database.translated(error) from error

    async def commit(
        self, request: IdempotentRequest | None = None, response: StoredResponse | None = None
    ) -> StoredResponse | None:
        """Apply everything staged, together with the idempotency row, in one statement, and commit.

        Returns None when applied; the response stored earlier when `request`'s key exists, and then nothing has been
        applied. Raises CommitInDoubt when the connection is lost meanwhile.
        """
        key = None
        if request is not None and response is not None:
            headers = msgspec.json.encode(dict(response.headers)).decode()
            unit = request.business_unit_id or NO_UNIT
            key = (unit, request.subject, request.key, request.request_hash, response.status, headers, response.body)
        try:
            await self._acquire()
        except Exception as error:
            raise self._database.translated(error) from error
        try:
            fresh = await self._commit(key)
        except Exception as error:
            if is_transient(error) and key is not None and not refused(error):
                raise CommitInDoubt(type(error).__name__) from error
            raise self._database.translated(error) from error
        if fresh or request is None:
            return None
        await self.release()
        return await self._database.stored_response(request)

    async def _commit(self, key: tuple[Any, ...] | None) -> bool:
        only_inserts = all(change.kind == "insert" for change in self._staged)
        if self._open or not only_inserts:
            await self._start()
            if not await self._send(tenant=None, key=key):
                return False
            crash_point(BEFORE_COMMIT)
            await self._driver.execute("COMMIT")
            self._open = self._begun = False
        else:
            tenant = str(self._business_unit_id or "") if self._database.tenant_scoped else None
            crash_point(BEFORE_COMMIT)
            self._begun = True
            fresh = await self._send(tenant=tenant, key=key)
            self._begun = False
            if not fresh:
                return False
        crash_point(AFTER_COMMIT)
        return True


class UnitOfWork:
    """What every service's unit of work offers besides its repositories; see chassis.ports.UnitOfWork."""

    def __init__(self, session: WriteSession, now: datetime, principal: Principal) -> None:
        self.session = session
        self.principal = principal
        self._now = now

    @property
    def now(self) -> datetime:
        """The rules' clock, read once."""
        return self._now

    def publish(self, event: Any, *, sequence: int) -> None:
        """Append a contract event to the outbox, with the trace in progress; see chassis.ports.UnitOfWork."""
        self.session.append(outbox_row(event, sequence=sequence, time=self._now, traceparent=current_traceparent()))

    def audit(
        self,
        action: str,
        *,
        subject_id: UUID,
        business_unit_id: UUID,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Stage an audit row; see chassis.ports.UnitOfWork."""
        self.session.insert(
            audit_log,
            {
                "business_unit_id": business_unit_id,
                "actor": self.principal.subject,
                "actor_person_id": self.principal.person_id,
                "action": action,
                "subject_id": subject_id,
                "before": msgspec.to_builtins(before),
                "after": msgspec.to_builtins(after),
                "at": self._now,
            },
        )


class Database:
    """The engine of one role of one service and the sessions it opens.

    `tenant_scoped` is true for the api role: each of its transactions names the business unit whose rows it may see, and
    no business unit and no route can hold all of its connections (chassis.shares).
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        tenant_scoped: bool,
        pool_size: int = 10,
        pool_timeout: float = 3.0,
        conflicts: Mapping[str, tuple[str | None, str]] | None = None,
        application_name: str = "",
    ) -> None:
        self.service = service
        self.tenant_scoped = tenant_scoped
        self._conflicts = dict(conflicts or {})
        self._shares = Shares(pool_size, patience=pool_timeout, longest_queue=MOST_WAITING) if tenant_scoped else None
        self.engine: AsyncEngine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": 5, "server_settings": {"application_name": application_name or service}},
        )
        self.connections = Connections(self.engine, pool_size, pool_timeout)

    def translated(self, error: Exception) -> Exception:
        """The error as a caller understands it: Unavailable, Conflict, InvalidInput, or itself."""
        return translated(error, self._conflicts)

    async def share(self, claims: Claims) -> None:
        """Wait until a connection may be held under `claims`. Raises ShareTaken."""
        if self._shares is not None:
            try:
                await self._shares.take(claims)
            except ShareTaken:
                metrics.SHARES_REFUSED.inc()
                raise

    def unshare(self, claims: Claims) -> None:
        """Let others have what `share` gave."""
        if self._shares is not None:
            self._shares.give_back(claims)

    def write(self, *, business_unit_id: UUID | None = None, route: str | None = None) -> WriteSession:
        """A session that changes something, on behalf of a route's template; undone unless `commit` was called."""
        return WriteSession(self, business_unit_id, route)

    def read(self, *, business_unit_id: UUID | None = None, route: str | None = None) -> ReadSession:
        """A session that only reads, on behalf of a route's template."""
        return ReadSession(self, business_unit_id, route)

    async def stored_response(self, request: IdempotentRequest) -> StoredResponse | None:
        """What was answered to this key the first time, or None."""
        unit = request.business_unit_id or NO_UNIT
        session = ReadSession(self, request.business_unit_id)
        try:
            driver = await session.driver()
            row = await driver.fetchrow(
                "SELECT status, headers::text AS headers, body, request_hash FROM idempotency_keys"
                " WHERE business_unit_id = $1 AND subject = $2 AND key = $3",
                unit,
                request.subject,
                request.key,
            )
        except Exception as error:
            raise self.translated(error) from error
        finally:
            await session.release()
        if row is None:
            return None
        return StoredResponse(row["status"], msgspec.json.decode(row["headers"]), row["body"], row["request_hash"])

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""
        session = ReadSession(self, None, "ping")
        try:
            await session.driver()
        except Exception as error:
            raise self.translated(error) from error
        finally:
            await session.release()

    async def close(self) -> None:
        """Close every connection."""
        await self.connections.close()
