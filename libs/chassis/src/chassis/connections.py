"""The open connections of a process to its database, handed from session to session.

SQLAlchemy's own pool costs three switches into a greenlet and back for each session, a fifth of the time of a plain creation. Here a
connection is opened through SQLAlchemy once and kept, and giving it from one session to the next is a step of a queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_GOODBYE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """An open connection, as SQLAlchemy and as the driver see it."""

    sqlalchemy: AsyncConnection
    driver: Any

    @property
    def usable(self) -> bool:
        """Whether it is still connected, as far as is known here."""
        return not self.driver.is_closed() and not self.sqlalchemy.invalidated


class Connections:
    """At most `size` connections of `engine`, which keeps none itself; who comes when all are in use waits `patience` seconds at most."""

    def __init__(self, engine: AsyncEngine, size: int, patience: float) -> None:
        self._engine = engine
        self._size = size
        self._patience = patience
        self._open = 0
        self._closed = False
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    async def take(self) -> Connection:
        """A usable connection; `give` or `discard` must follow. Raises SQLAlchemy's TimeoutError, or what connecting raises."""
        while True:
            while self._idle:
                connection = self._idle.pop()
                if connection.usable:
                    return connection
                await self.discard(connection)
            if self._open < self._size:
                return await self._connect()
            given = await self._turn()
            if given is not None:
                return given

    def give(self, connection: Connection) -> None:
        """Hand a connection on, without a transaction open on it."""
        if self._closed:
            connection.driver.terminate()
            return
        waiting = self._next()
        if waiting is not None:
            waiting.set_result(connection)
        else:
            self._idle.append(connection)

    async def discard(self, connection: Connection) -> None:
        """Close a connection that nobody may use any more."""
        self._one_less()
        with suppress(Exception):
            try:
                await connection.sqlalchemy.invalidate()
            finally:
                await connection.sqlalchemy.close()

    async def close(self) -> None:
        """Close those that are not in use, and the others when they are given back."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            self._one_less()
            with suppress(Exception):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await connection.sqlalchemy.close()
        await self._engine.dispose()

    async def _connect(self) -> Connection:
        self._open += 1
        try:
            opened = await self._engine.connect()
            driver: Any = (await opened.get_raw_connection()).driver_connection
            return Connection(opened, driver)
        except BaseException:
            self._one_less()
            raise

    async def _turn(self) -> Connection | None:
        """Wait for a connection that is given back; None when there is room for a new one instead."""
        waiting: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._patience):
                return await waiting
        except BaseException as error:
            # Served at the very moment of giving up: it is the next one's then.
            if waiting.done() and not waiting.cancelled():
                given = waiting.result()
                if given is not None:
                    self.give(given)
                else:
                    self._wake()
            if isinstance(error, TimeoutError):
                raise PoolTimeout(f"no connection became free in {self._patience} s") from error
            raise

    def _next(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    def _wake(self) -> None:
        waiting = self._next()
        if waiting is not None:
            waiting.set_result(None)

    def _one_less(self) -> None:
        self._open -= 1
        self._wake()
