"""What the database refuses is told without the values that were sent."""

from __future__ import annotations

import traceback

import pytest
from contracts.identifiers import uuid7
from sqlalchemy import insert, text

from .notebook import note, notes

pytestmark = pytest.mark.integration

CANARY = "ada@canary.example"


async def _text_of(api, unit, work) -> str:
    async with api.database.write(business_unit_id=unit) as session:
        try:
            await work(session)
        except Exception as error:
            return "".join(traceback.format_exception(error))
    raise AssertionError("nothing was raised")


async def _twice(session, unit) -> None:
    for _ in range(2):
        await session.execute(insert(notes), [note(unit) | {"code": CANARY}])


async def _a_row_in_error(session, unit) -> None:
    await session.execute(insert(notes), [note(unit) | {"code": CANARY, "version": 0}])


async def _of_another_type(session, unit) -> None:
    await session.execute(insert(notes), [note(unit) | {"version": CANARY}])


async def _read_as_another_type(session, _unit) -> None:
    await session.execute(text("SELECT CAST(:value AS text)::integer").bindparams(value=CANARY))


async def _not_there(session, _unit) -> None:
    await session.execute(text("SELECT :value FROM nowhere").bindparams(value=CANARY))


async def _staged(session, unit) -> None:
    session.insert(notes, note(unit) | {"code": CANARY, "version": 0})
    await session.commit()


async def _staged_of_another_type(session, unit) -> None:
    session.insert(notes, note(unit) | {"note_id": uuid7(), "version": CANARY})
    await session.flush()


@pytest.mark.requirement("S14")
@pytest.mark.parametrize(
    "work",
    [_twice, _a_row_in_error, _of_another_type, _read_as_another_type, _not_there, _staged, _staged_of_another_type],
)
async def test_no_error_says_what_was_sent(api, unit, work):
    told = await _text_of(api, unit, lambda session: work(session, unit))
    assert "Error" in told
    assert CANARY not in told, told
