"""The database of a service: sessions that read, sessions that write, and the one place where anything is committed.

Every connection runs in the driver's autocommit mode and transactions are opened here, explicitly, so that BEGIN and the
tenant travel together in one round trip and a plain creation is a single statement (docs/architecture.md, "The one flow").
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Executable, RowMapping, Table
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis.audit import audit_log
from chassis.crash_points import AFTER_COMMIT, BEFORE_COMMIT, crash_point
from chassis.outbox import OutboxRow, outbox_row
from chassis.ports import Conflict, InvalidInput, Principal
from chassis.statements import Kind, Staged, bound, combined
from chassis.telemetry import current_traceparent

NO_UNIT = UUID(int=0)
"""Stands for "no business unit" in keys of people who act across units."""

_ROLLBACK_PATIENCE = 2.0
_OF_FILES = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_TRANSIENT_STATES = frozenset(
    {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "25P03", "25P04"}
)


class Unavailable(Exception):
    """The database cannot serve this now; trying again may succeed. `retry_after` is in seconds."""

    def __init__(self, reason: str, *, retry_after: float = 1.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class CommitInDoubt(Unavailable):
    """The connection was lost while committing: whether it happened is known only by its idempotency key."""


class StagedChangeLost(Exception):
    """A staged update or delete found no row: it was never loaded, or is not visible to this role."""


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


def is_transient(error: BaseException) -> bool:
    """Whether an error says nothing about the work itself: connection, pool, time-out, serialization, shutdown."""
    if isinstance(error, _OF_FILES):
        return False
    if isinstance(error, (Unavailable, PoolTimeout, InterfaceError, ConnectionError, TimeoutError, OSError)):
        return True
    # InternalClientError: the server has ended the session, and the driver has read the message but not yet the end.
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(cause, "sqlstate", None)
    return state is not None and (state in _TRANSIENT_STATES or state.startswith("08"))


def _refused(error: BaseException) -> bool:
    """Whether the server itself said that it has not done the statement, over a connection that lives on."""
    state = getattr(error, "sqlstate", None)
    return state is not None and not state.startswith(("08", "57P", "25P"))


def _translated(error: Exception, conflicts: Mapping[str, tuple[str | None, str]]) -> Exception:
    if is_transient(error):
        return error if isinstance(error, Unavailable) else Unavailable(type(error).__name__)
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    cause = getattr(cause, "__cause__", None) if isinstance(error, DBAPIError) else cause
    state = getattr(cause, "sqlstate", None)
    constraint = getattr(cause, "constraint_name", None)
    if state in ("23505", "23P01"):
        field, message = conflicts.get(constraint or "", (None, "Something with these values exists already."))
        return Conflict(message, field=field)
    if state == "23503":
        return Conflict("Something this refers to does not exist, or something refers to it.")
    if state == "23514":
        field, message = conflicts.get(constraint or "", (None, "A value is outside of what is allowed."))
        return InvalidInput(message, field=field)
    return error


async def _discard(connection: AsyncConnection) -> None:
    try:
        await connection.invalidate()
    finally:
        await connection.close()


class _Session:
    """A transaction on one connection, opened with the first statement."""

    _begin = "BEGIN"

    def __init__(self, database: Database, business_unit_id: UUID | None) -> None:
        self._database = database
        self._business_unit_id = business_unit_id
        self._connection: AsyncConnection | None = None
        self._driver: Any = None
        self._open = False
        self._begun = False

    async def _acquire(self) -> Any:
        while self._driver is None:
            self._connection = await self._database.engine.connect()
            driver = (await self._connection.get_raw_connection()).driver_connection
            if driver is not None and driver.is_closed():
                # SQLAlchemy learns of a lost connection only from statements that it has sent itself.
                connection, self._connection = self._connection, None
                await _discard(connection)
            else:
                self._driver = driver
        return self._driver

    async def _start(self) -> AsyncConnection:
        driver = await self._acquire()
        if not self._open:
            opening = self._begin
            if self._database.tenant_scoped:
                opening += f"; SET LOCAL app.business_unit = '{self._business_unit_id or ''}'"
            # Cancelled while waiting for the answer, the transaction may be open all the same: `release` rolls it back.
            self._begun = True
            await driver.execute(opening)
            self._open = True
        return cast("AsyncConnection", self._connection)

    async def fetch_all(self, statement: Executable, parameters: Any = None) -> Sequence[RowMapping]:
        """All rows of a query."""
        try:
            connection = await self._start()
            return (await connection.execute(statement, parameters)).mappings().all()
        except Exception as error:
            raise self._database.translated(error) from error

    async def fetch_one(self, statement: Executable, parameters: Any = None) -> RowMapping | None:
        """The first row of a query, or None."""
        try:
            connection = await self._start()
            return (await connection.execute(statement, parameters)).mappings().first()
        except Exception as error:
            raise self._database.translated(error) from error

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        """The first column of the first row, or None."""
        try:
            connection = await self._start()
            return (await connection.execute(statement, parameters)).scalar()
        except Exception as error:
            raise self._database.translated(error) from error

    async def driver(self) -> Any:
        """The driver's own connection inside this transaction, for the mechanism's hand-written statements."""
        await self._start()
        return self._driver

    async def _finish(self) -> None:
        connection, driver, self._connection, self._driver = self._connection, self._driver, None, None
        if connection is None:
            return
        try:
            if driver is not None and driver.is_closed():
                await connection.invalidate()
            elif self._begun and driver is not None:
                self._open = self._begun = False
                async with asyncio.timeout(_ROLLBACK_PATIENCE):
                    await driver.execute("ROLLBACK")
        except (Exception, asyncio.CancelledError):
            await connection.invalidate()
            raise
        finally:
            await connection.close()

    async def release(self) -> None:
        """Undo what is not committed and give the connection back, even while being cancelled."""
        task = asyncio.ensure_future(self._finish())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await task
            raise
        except Exception as error:
            if not is_transient(error):
                raise


class ReadSession(_Session):
    """A read-only transaction that sees what its business unit may see."""

    _begin = "BEGIN READ ONLY"


class WriteSession(_Session):
    """A transaction that changes something. Changes are staged and sent together when the chassis commits.

    A query does not see what is staged; `flush` first where it must.
    """

    def __init__(self, database: Database, business_unit_id: UUID | None) -> None:
        super().__init__(database, business_unit_id)
        self._staged: list[Staged] = []
        self._events: list[OutboxRow] = []
        self.guarded = 0
        self.overtaken = 0

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
            row = replace(row, business_unit_id=self._business_unit_id)
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
        for change, touched in zip(self._staged, counts[1:], strict=True):
            if change.newer is not None:
                self.guarded += len(change.rows)
                self.overtaken += len(change.rows) - touched
            elif touched != len(change.rows) and change.kind in ("update", "delete"):
                raise StagedChangeLost(f"{change.kind} of {change.table.name} touched {touched} rows")
        self._staged.clear()
        self._events.clear()
        return True

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
            fresh = await self._commit(key)
        except Exception as error:
            if is_transient(error) and key is not None and not _refused(error):
                raise CommitInDoubt(type(error).__name__) from error
            raise self._database.translated(error) from error
        if fresh or request is None:
            return None
        await self.release()
        return await self._database.stored_response(request)

    async def _commit(self, key: tuple[Any, ...] | None) -> bool:
        await self._acquire()
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

    `tenant_scoped` is true for the api role: each of its transactions names the business unit whose rows it may see.
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
        self.engine: AsyncEngine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_pre_ping=False,
            connect_args={"timeout": 5, "server_settings": {"application_name": application_name or service}},
        )

    def translated(self, error: Exception) -> Exception:
        """The error as a caller understands it: Unavailable, Conflict, InvalidInput, or itself."""
        return _translated(error, self._conflicts)

    @contextlib.asynccontextmanager
    async def write(self, *, business_unit_id: UUID | None = None) -> AsyncIterator[WriteSession]:
        """A session that changes something; undone unless `commit` was called."""
        session = WriteSession(self, business_unit_id)
        try:
            yield session
        finally:
            await session.release()

    @contextlib.asynccontextmanager
    async def read(self, *, business_unit_id: UUID | None = None) -> AsyncIterator[ReadSession]:
        """A session that only reads."""
        session = ReadSession(self, business_unit_id)
        try:
            yield session
        finally:
            await session.release()

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
        session = ReadSession(self, None)
        try:
            await session.driver()
        except Exception as error:
            raise self.translated(error) from error
        finally:
            await session.release()

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def conflicts_of(metadata: Any) -> dict[str, tuple[str | None, str]]:
    """What the violation of a constraint means, out of the tables' `info["conflicts"]`: name → (field, message)."""
    result: dict[str, tuple[str | None, str]] = {}
    for table in metadata.tables.values():
        result.update(table.info.get("conflicts", {}))
    return result
