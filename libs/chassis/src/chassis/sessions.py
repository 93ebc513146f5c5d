"""A session: one transaction on one connection, from its first statement to its release, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.connections import Connection
from chassis.database_errors import is_transient
from chassis.queries import Query
from chassis.shares import Claim, Claims

if TYPE_CHECKING:
    from chassis.database import Database

_UNITS_TAKE, _ROUTES_TAKE = 2, 1
"""How many times the free connections a business unit and a route may hold: 7 and 5 of ten when they want all."""

_ROLLBACK_PATIENCE = 2.0


class Session:
    """A transaction on one connection, opened with the first statement and released at the end of its block."""

    _begin = "BEGIN"

    def __init__(self, database: Database, business_unit_id: UUID | None, route: str | None = None) -> None:
        self._database = database
        self._business_unit_id = business_unit_id
        unit = () if business_unit_id is None else (Claim(business_unit_id.int, _UNITS_TAKE),)
        self._claims: Claims = unit if route is None else (*unit, Claim(route, _ROUTES_TAKE))
        self._shares = False
        self._connection: Connection | None = None
        self._driver: Any = None
        self._open = False
        self._begun = False

    async def _acquire(self) -> Connection:
        if self._driver is None and not self._shares:
            await self._database.share(self._claims)
            self._shares = True
        if self._connection is None:
            self._connection = await self._database.connections.take()
            self._driver = self._connection.driver
        return self._connection

    async def _start(self) -> AsyncConnection:
        connection = await self._acquire()
        if not self._open:
            opening = self._begin
            if self._database.tenant_scoped:
                opening += f"; SET LOCAL app.business_unit = '{self._business_unit_id or ''}'"
            # Cancelled while waiting for the answer, the transaction may be open all the same: `release` rolls it back.
            self._begun = True
            await connection.driver.execute(opening)
            self._open = True
        return connection.sqlalchemy

    async def look_up(self, query: Query, **values: Any) -> Mapping[str, Any] | None:
        """The first row of a query that is compiled once, or None."""
        try:
            await self._start()
            sql, arguments = query.prepared(values)
            return query.row(await self._driver.fetchrow(sql, *arguments))
        except Exception as error:
            raise self._database.translated(error) from error

    async def fetch_all(self, statement: Executable, parameters: Any = None) -> Sequence[RowMapping]:
        """All rows of a query."""
        try:
            connection = await self._start()
            return (await connection.execute(statement, parameters)).mappings().all()
        except Exception as error:
            raise self._database.translated(error) from error

    async def stretches(self, sql: str, *arguments: Any, at_once: int = 2000) -> AsyncIterator[Sequence[Any]]:
        """The rows of a query in the driver's own form, so many at a time, so that nobody holds all of them."""
        try:
            await self._start()
            cursor = await self._driver.cursor(sql, *arguments)
            while rows := await cursor.fetch(at_once):
                yield rows
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    async def release(self) -> None:
        """Undo what is not committed and give the connection back, even while being cancelled."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is None:
            self._unshare()
        elif connection.usable and not self._begun and not connection.sqlalchemy.in_transaction():
            self._database.connections.give(connection)
            self._unshare()
        else:
            await self._finish(connection)

    async def _finish(self, connection: Connection) -> None:
        task = asyncio.ensure_future(self._undo(connection))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await task
            raise
        except Exception as error:
            if not is_transient(error):
                raise
        finally:
            self._unshare()

    async def _undo(self, connection: Connection) -> None:
        connections = self._database.connections
        try:
            if not connection.usable:
                await connections.discard(connection)
                return
            async with asyncio.timeout(_ROLLBACK_PATIENCE):
                if self._begun:
                    self._open = self._begun = False
                    await connection.driver.execute("ROLLBACK")
                # SQLAlchemy counts a transaction of its own from the first statement that went through it.
                await connection.sqlalchemy.rollback()
        except (Exception, asyncio.CancelledError):
            await connections.discard(connection)
            raise
        connections.give(connection)

    def _unshare(self) -> None:
        if self._shares:
            self._shares = False
            self._database.unshare(self._claims)


class ReadSession(Session):
    """A read-only transaction that sees what its business unit may see."""

    _begin = "BEGIN READ ONLY"
