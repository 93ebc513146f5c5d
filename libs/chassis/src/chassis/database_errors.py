"""What can go wrong with the database, and what it means: nothing about the work, a conflict, or a value that is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis.ports import Conflict, InvalidInput
from chassis.shares import ShareTaken

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


def is_transient(error: BaseException) -> bool:
    """Whether an error says nothing about the work itself: connection, pool, time-out, serialization, shutdown."""
    if isinstance(error, _OF_FILES):
        return False
    if isinstance(
        error, (Unavailable, ShareTaken, PoolTimeout, InterfaceError, ConnectionError, TimeoutError, OSError)
    ):
        return True
    # InternalClientError: the server has ended the session, and the driver has read the message but not yet the end.
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(cause, "sqlstate", None)
    return state is not None and (state in _TRANSIENT_STATES or state.startswith("08"))


def refused(error: BaseException) -> bool:
    """Whether the server itself said that it has not done the statement, over a connection that lives on."""
    state = getattr(error, "sqlstate", None)
    return state is not None and not state.startswith(("08", "57P", "25P"))


def without_values(error: BaseException) -> None:
    """Take every value out of the texts of an error and of those it came from; types, states and constraints stay.

    The server quotes rows in details, and in the message itself a value that does not fit its type; the driver quotes
    an argument that it cannot send; SQLAlchemy copies the text of both.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        without_values(error.orig)
        error.args = (f"({type(error.orig).__name__}) {error.orig}",)
    elif isinstance(error, EmulatedDBAPIException) and error.orig is not None:
        without_values(error.orig)
        error.args = (f"{type(error.orig).__name__}: {error.orig}",)
    elif isinstance(error, asyncpg.PostgresError):
        error.detail = None
        if isinstance(error, asyncpg.DataError):
            error.args = ("a value does not fit its type",)
            error.__cause__ = None


def translated(error: Exception, conflicts: Mapping[str, tuple[str | None, str]]) -> Exception:
    """The error as a caller understands it; `conflicts` says what the violation of a constraint means (`conflicts_of`).

    Neither what is returned nor what it came from quotes a value afterwards.
    """
    without_values(error)
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


def conflicts_of(metadata: Any) -> dict[str, tuple[str | None, str]]:
    """What the violation of a constraint means, out of the tables' `info["conflicts"]`: name → (field, message)."""
    result: dict[str, tuple[str | None, str]] = {}
    for table in metadata.tables.values():
        result.update(table.info.get("conflicts", {}))
    return result
