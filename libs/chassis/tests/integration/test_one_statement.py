"""Everything that a unit of work has staged travels in one statement and counts once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest
from chassis.database import CommitInDoubt, StagedChangeLost, Unavailable, is_transient
from chassis.ports import Conflict, InvalidInput
from contracts.identifiers import uuid7
from sqlalchemy import select, text

from .notebook import (
    boards,
    headers_of,
    known,
    listen,
    manager,
    meeting,
    note,
    notes,
    request,
    response,
)

pytestmark = pytest.mark.integration


async def create(service, unit: UUID, row, *, key=None, answer="made"):
    async with service.database.write(business_unit_id=unit) as session:
        uow = service.open_unit_of_work(session, manager(unit))
        session.insert(notes, row)
        uow.publish(meeting(row["note_id"], unit=unit), sequence=1)
        uow.audit("create-note", subject_id=row["note_id"], business_unit_id=unit, after={"version": 1})
        return await session.commit(key, response(answer) if key else None)


@pytest.mark.requirement("I1")
async def test_a_plain_creation_with_key_event_and_audit_is_one_statement(api, unit, admin):
    statements = listen(api.database)
    row = note(unit)
    # asyncpg looks up the types of a statement once per connection.
    await create(api, unit, note(unit), key=request(unit))
    statements.clear()
    assert await create(api, unit, row, key=request(unit)) is None
    assert len(statements.sent) == 1, statements.sent
    assert await admin.fetchval("SELECT count(*) FROM notes WHERE note_id = $1", row["note_id"]) == 1
    assert await admin.fetchval("SELECT count(*) FROM audit_log WHERE subject_id = $1", row["note_id"]) == 1
    event = await admin.fetchrow("SELECT * FROM outbox WHERE key = $1", str(row["note_id"]).encode())
    assert headers_of(event)["ce_sequence"] == "1"
    assert event["business_unit_id"] == unit


async def test_read_then_change_takes_four_round_trips(api, unit):
    statements = listen(api.database)
    row = note(unit)
    await create(api, unit, row)
    for _ in range(2):
        statements.clear()
        async with api.database.write(business_unit_id=unit) as session:
            found = await session.fetch_one(select(notes).where(notes.c.note_id == row["note_id"]).with_for_update())
            session.update(notes, {"note_id": row["note_id"]}, {"version": found["version"] + 1})
            await session.commit(request(unit), response())
    # The driver reports a statement when it is done, SQLAlchemy before: the order is not the order on the wire.
    assert sorted(statements.verbs) == ["BEGIN", "COMMIT", "SELECT", "WITH"], statements.sent


@pytest.mark.requirement("S2", "I7")
async def test_the_policy_sees_the_tenant_that_the_same_statement_sets(api, unit, admin):
    own, foreign = note(unit), note(uuid7())
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, own)
        await session.commit()
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, foreign)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.commit()
    kept = await admin.fetch("SELECT note_id FROM notes WHERE note_id = ANY ($1)", [own["note_id"], foreign["note_id"]])
    assert [row["note_id"] for row in kept] == [own["note_id"]]


@pytest.mark.requirement("S3")
async def test_the_tenant_is_gone_from_the_connection_after_the_statement(composed, notebook_database, unit):
    api = composed(notebook_database, "api", api_pool_size=1)
    await create(api, unit, note(unit))
    async with api.database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert not await driver.fetchval("SELECT current_setting('app.business_unit', true)")
        assert await driver.fetchval("SELECT count(*) FROM notes") == 0


@pytest.mark.requirement("I9")
async def test_the_same_key_gets_the_first_answer_and_has_no_second_effect(api, unit, admin):
    key, first, second = request(unit), note(unit), note(unit)
    assert await create(api, unit, first, key=key, answer="first") is None
    earlier = await create(api, unit, second, key=key, answer="second")
    assert earlier is not None
    assert (earlier.status, earlier.body) == (201, b"first")
    assert await admin.fetchval("SELECT count(*) FROM notes WHERE note_id = $1", second["note_id"]) == 0
    assert await admin.fetchval("SELECT count(*) FROM outbox WHERE key = $1", str(second["note_id"]).encode()) == 0


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("reads_first", [False, True])
async def test_twins_at_once_have_one_effect_and_one_answer(composed, notebook_database, unit, admin, reads_first):
    api = composed(notebook_database, "api", api_pool_size=8)
    for round_ in range(15):
        key, code = request(unit), f"twin-{round_}"

        async def twin(number: int, key=key, code=code) -> bytes:
            answer = str(number)
            async with api.database.write(business_unit_id=unit) as session:
                if reads_first:
                    await session.fetch_one(select(notes.c.note_id).limit(1))
                row = note(unit, code=code)
                session.insert(notes, row)
                api.open_unit_of_work(session, manager(unit)).publish(meeting(row["note_id"], unit=unit), sequence=1)
                earlier = await session.commit(key, response(answer))
            return earlier.body if earlier is not None else answer.encode()

        answers = await asyncio.gather(*(twin(number) for number in range(6)))
        assert len(set(answers)) == 1, answers
        assert (
            await admin.fetchval("SELECT count(*) FROM notes WHERE code = $1 AND business_unit_id = $2", code, unit)
            == 1
        )
    assert await admin.fetchval("SELECT count(*) FROM outbox WHERE business_unit_id = $1", unit) == 15


async def test_a_change_of_a_row_that_is_not_there_undoes_everything_staged_with_it(api, unit, admin):
    row = note(unit)
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, row)
        session.update(notes, {"note_id": uuid7()}, {"version": 2})
        with pytest.raises(StagedChangeLost):
            await session.commit(request(unit), response())
    assert await admin.fetchval("SELECT count(*) FROM notes WHERE business_unit_id = $1", unit) == 0
    assert await admin.fetchval("SELECT count(*) FROM idempotency_keys WHERE business_unit_id = $1", unit) == 0


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("kind", ["update", "delete"])
async def test_another_units_row_is_a_row_that_is_not_there(api, unit, admin, kind):
    row = note(uuid7())
    await create(api, row["business_unit_id"], row)
    async with api.database.write(business_unit_id=unit) as session:
        if kind == "update":
            session.update(notes, {"note_id": row["note_id"]}, {"version": 9})
        else:
            session.delete(notes, {"note_id": row["note_id"]})
        with pytest.raises(StagedChangeLost):
            await session.commit()
    assert await admin.fetchval("SELECT version FROM notes WHERE note_id = $1", row["note_id"]) == 1


@pytest.mark.requirement("F10")
async def test_an_older_value_never_overwrites_a_newer_one(worker, unit, admin):
    meeting_id = uuid7()
    outcomes = []
    for sequence, minutes in [(2, 20), (1, 10), (2, 25), (3, 30)]:
        async with worker.database.write() as session:
            row = {"meeting_id": meeting_id, "business_unit_id": unit, "minutes": minutes, "sequence": sequence}
            session.upsert(known, row, key=("meeting_id",), newer="sequence")
            await session.commit()
            outcomes.append((session.guarded, session.overtaken))
    assert outcomes == [(1, 0), (1, 1), (1, 1), (1, 0)]
    kept = await admin.fetchrow("SELECT minutes, sequence FROM known_meetings WHERE meeting_id = $1", meeting_id)
    assert tuple(kept) == (30, 3)


@pytest.mark.requirement("I4")
async def test_events_of_one_unit_of_work_keep_their_order(api, unit, admin):
    meeting_id = uuid7()
    async with api.database.write(business_unit_id=unit) as session:
        uow = api.open_unit_of_work(session, manager(unit))
        for sequence in range(1, 41):
            uow.publish(meeting(meeting_id, unit=unit), sequence=sequence)
        await session.commit()
    rows = await admin.fetch("SELECT headers FROM outbox WHERE key = $1 ORDER BY seq", str(meeting_id).encode())
    assert [int(headers_of(row)["ce_sequence"]) for row in rows] == list(range(1, 41))


@pytest.mark.requirement("I2")
async def test_what_is_not_committed_leaves_no_row_and_no_event(api, unit, admin):
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, note(unit))
        api.open_unit_of_work(session, manager(unit)).publish(meeting(uuid7(), unit=unit), sequence=1)
        await session.flush()
    for table in ("notes", "outbox"):
        assert await admin.fetchval(f"SELECT count(*) FROM {table} WHERE business_unit_id = $1", unit) == 0


@pytest.mark.requirement("I7")
async def test_a_shared_row_is_seen_by_the_units_named_on_it_and_by_nobody_else(api, unit):
    other, stranger = uuid7(), uuid7()
    board = {"board_id": uuid7(), "business_unit_id": unit, "named_unit_ids": [unit, other]}
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(boards, board)
        await session.commit()
    seen = {}
    for viewer in (unit, other, stranger, None):
        async with api.database.read(business_unit_id=viewer) as session:
            seen[viewer] = len(await session.fetch_all(select(boards).where(boards.c.board_id == board["board_id"])))
    assert seen == {unit: 1, other: 1, stranger: 0, None: 0}


async def test_a_violated_constraint_is_told_in_the_words_of_the_table(api, unit):
    await create(api, unit, note(unit, code="once"))
    with pytest.raises(Conflict) as conflict:
        await create(api, unit, note(unit, code="once"))
    assert (conflict.value.detail, conflict.value.field) == ("A note with this code exists.", "code")
    with pytest.raises(InvalidInput):
        await create(api, unit, {**note(unit), "version": 0})


async def test_a_value_of_the_wrong_type_is_our_bug_and_never_transient(api, unit):
    async with api.database.write(business_unit_id=unit) as session:
        session.insert(notes, note(unit, code=17))
        with pytest.raises(asyncpg.DataError) as error:
            await session.commit()
    assert not is_transient(error.value)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionRefusedError(), True),
        (OSError("Multiple exceptions: connection refused"), True),
        (TimeoutError(), True),
        (FileNotFoundError(), False),
        (PermissionError(), False),
        (ValueError(), False),
    ],
)
@pytest.mark.requirement("F9")
def test_only_the_networks_errors_are_waited_out(error, transient):
    assert is_transient(error) is transient


async def _state_of(api, unit, sql: str, *, setup: str = "") -> BaseException:
    async with api.database.write(business_unit_id=unit) as session:
        try:
            if setup:
                await session.execute(text(setup))
            await session.execute(text(sql))
        except Exception as error:
            return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("sql", "setup", "transient"),
    [
        ("SELECT pg_sleep(2)", "SET LOCAL statement_timeout = '30ms'", True),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "", True),
        ("DO $$ BEGIN RAISE serialization_failure; END $$", "", True),
        ("DO $$ BEGIN RAISE deadlock_detected; END $$", "", True),
        ("DO $$ BEGIN RAISE lock_not_available; END $$", "", True),
        ("SELECT 1 / 0", "", False),
        ("SELECT nothing FROM nowhere", "", False),
    ],
)
async def test_transient_is_what_says_nothing_about_the_work(api, unit, sql, setup, transient):
    error = await _state_of(api, unit, sql, setup=setup)
    assert isinstance(error, Unavailable) is transient, repr(error)
    assert is_transient(error) is transient


@pytest.mark.requirement("F11")
async def test_a_refusal_by_the_server_is_not_a_commit_in_doubt(api, unit, admin):
    async with admin.transaction():
        await admin.execute("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
        async with api.database.write(business_unit_id=unit) as session:
            await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            session.insert(notes, note(unit))
            with pytest.raises(Unavailable) as refused:
                await session.commit(request(unit), response())
    assert not isinstance(refused.value, CommitInDoubt)
