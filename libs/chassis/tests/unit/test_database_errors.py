"""The texts of the database's errors, as the driver and SQLAlchemy make them."""

from __future__ import annotations

import traceback
from typing import Any

import asyncpg
import pytest
from chassis.database import Database
from chassis.database_errors import translated
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError

CANARY = "ada@canary.example"


def _of_server(state: str, message: str, detail: str) -> asyncpg.PostgresError:
    made: asyncpg.PostgresError = asyncpg.PostgresError.new(
        {"C": state, "M": message, "D": detail, "n": "uq_people_email"}
    )
    return made


def _wrapped(error: Exception) -> DBAPIError:
    """As SQLAlchemy wraps it on an engine of ours."""
    engine = Database("postgresql+asyncpg://nobody@nowhere/none", service="sample", tenant_scoped=True).engine
    make: Any = AsyncAdapt_asyncpg_dbapi.IntegrityError
    dbapi = make(f"{type(error)}: {error}", error)
    dbapi.__cause__ = error
    wrapped = DBAPIError("INSERT INTO people (email) VALUES ($1)", (CANARY,), dbapi, engine.sync_engine.hide_parameters)
    wrapped.__cause__ = dbapi
    return wrapped


@pytest.mark.requirement("S14")
@pytest.mark.parametrize(
    "error",
    [
        _of_server("23505", "duplicate key value", f"Key (email)=({CANARY}) already exists."),
        _of_server("22P02", f'invalid input syntax for type uuid: "{CANARY}"', ""),
        asyncpg.DataError(f"invalid input for query argument $1: '{CANARY}'"),
    ],
)
def test_an_errors_text_holds_no_parameter(error: Exception) -> None:
    for one in (error, _wrapped(error)):
        for told in (translated(one, {}), one):
            assert CANARY not in "".join(traceback.format_exception(told))


def test_an_error_still_says_what_was_wrong_with_the_statement() -> None:
    error = _of_server("42P01", 'relation "nowhere" does not exist', "")
    assert 'relation "nowhere" does not exist' in str(translated(_wrapped(error), {}))
