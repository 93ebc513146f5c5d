"""Records that nobody can read and handlers that fail: set aside with their reason, everything else goes on, and replay works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from chassis.dead_letters import DeadLetter, list_dead_letters, replay
from contracts.envelope import Envelope, Record, encode
from figures import record as record_figure
from kafka_side import DEAD_LETTERS, REDRIVE, TOPIC, dump, producer, send
from rig.ledger import commit_load, commits_without_pause
from rig.services import UNIT, logged, uuid7
from stage import until

pytestmark = pytest.mark.wire

TRACE = "0123456789abcdef0123456789abcdef"


def event(meeting_id: UUID, sequence: int, minutes: int = 30) -> tuple[UUID, Record]:
    """An event's id and record."""
    event_id = uuid7()
    envelope = Envelope.of(
        logged(meeting_id, minutes, unit=UNIT),
        sequence=sequence,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        event_id=event_id,
        traceparent=f"00-{TRACE}-0123456789abcdef-01",
    )
    return event_id, encode(envelope)


def _header(record: Record, name: str, value: bytes | None) -> list[tuple[str, bytes | None]]:
    return [(header, value if header == name else kept) for header, kept in record.headers]


POISON: dict[str, tuple[str, Callable[[Record], dict[str, Any]]]] = {
    "bad JSON": ("undecodable", lambda r: {"value": b'{"meeting_id": '}),
    "not JSON at all": ("undecodable", lambda r: {"value": b"\xff\xfe\x00"}),
    "unknown type": ("unknown-type", lambda r: {"headers": _header(r, "ce_type", b"updraft.engagement.Nothing.v1")}),
    "wrong schema version": (
        "unknown-type",
        lambda r: {"headers": _header(r, "ce_type", b"updraft.engagement.MeetingLogged.v99")},
    ),
    "payload over the limit": ("undecodable", lambda r: {"value": r.value + b" " * (300 * 1024)}),
    "null key": ("undecodable", lambda r: {"key": None}),
    "null value": ("undecodable", lambda r: {"value": None}),
    "null header": ("undecodable", lambda r: {"headers": _header(r, "ce_id", None)}),
    "header that is not UTF-8": ("undecodable", lambda r: {"headers": _header(r, "ce_source", b"\xc3\x28")}),
    "no headers": ("undecodable", lambda r: {"headers": []}),
}


@pytest.mark.requirement("F9", "I3", "I5")
@pytest.mark.parametrize("kind", ["projects", "acts"])
async def test_each_kind_of_poison_is_set_aside_and_nothing_else_waits(stage, kind, record_property):
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS=kind, crash="consumer-after-dead-letters:1")
    good: set[UUID] = set()
    async with producer(stage.kafka) as out:
        for number, (_reason, broken) in enumerate(POISON.values()):
            # Poison and good events of other keys alternate on one partition, so that one batch holds both.
            for bad in (False, True, False):
                event_id, record = event(uuid7(), 1)
                sent: dict[str, Any] = {"key": record.key, "value": record.value, "headers": list(record.headers)}
                if bad:
                    sent |= broken(record)
                else:
                    good.add(event_id)
                await out.send_and_wait(TOPIC, partition=number % 2, **sent)
    # Killed once the dead letters are written and before the offset is: they are written again, under the same keys.
    assert await consumer.ended(30) == -9
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS=kind)
    seconds = await stage.without_lag(30)
    record_property("lag 0 after (s)", seconds)
    assert consumer.alive
    letters = {letter.key: letter for letter in await list_dead_letters(stage.kafka)}
    assert sorted(letter.reason for letter in letters.values()) == sorted(reason for reason, _ in POISON.values())
    records = {f"{TOPIC}/{record.partition}/{record.offset}": record for record in await dump(stage.kafka)}
    for key, letter in letters.items():
        _is_complete(letter, records[key])
    written = await dump(stage.kafka, DEAD_LETTERS)
    record_property("dead letters written more than once", len(written) - len(letters))
    evidence = await stage.holds(by_hand=good, dead=())
    assert evidence.inbox.keys() == good

    # Handed back without a repair each is set aside again, and nothing stands still.
    assert len(await replay(stage.kafka)) == len(POISON)
    await stage.without_lag(30, topic=REDRIVE)
    again = {letter.key: letter for letter in await list_dead_letters(stage.kafka)}
    assert again.keys() == letters.keys()
    assert all(again[key].record == letters[key].record for key in letters)
    tried = (
        f"{len(POISON)} kinds of poison among good events, and a kill behind the dead letters, to a reader that {kind}"
    )
    record_figure("F9", tried, 0, seconds, 30)


def _is_complete(letter: DeadLetter, record: Any) -> None:
    assert (letter.topic, letter.partition, letter.offset) == (record.topic, record.partition, record.offset)
    assert letter.consumer == "evaluation"
    assert letter.detail
    assert (letter.record.key, letter.record.value) == (record.key, record.value)
    assert letter.record.headers == tuple(record.headers)
    assert letter.trace_id == (TRACE if record.headers else None)


@pytest.mark.requirement("F9", "I3")
async def test_a_handler_bug_kills_only_its_record_and_a_replay_applies_it_once(stage):
    consumer = stage.start("evaluation", "consumer", RIG_FAILS="1")
    overtaken, alone, others = uuid7(), uuid7(), [uuid7() for _ in range(20)]
    first, second = event(overtaken, 1, 400), event(overtaken, 2, 31)
    lonely = event(alone, 1, 400)
    rest = [event(other, 1) for other in others]
    await send(stage.kafka, [record for _, record in [first, second, lonely, *rest]])
    await stage.without_lag()
    letters = await list_dead_letters(stage.kafka)
    assert {UUID(letter.event_id or "") for letter in letters} == {first[0], lonely[0]}
    assert {letter.reason for letter in letters} == {"handler-error"}
    assert all(letter.detail.startswith("ZeroDivisionError at rig.services:") for letter in letters)
    by_hand = {event_id for event_id, _ in [first, second, lonely, *rest]}
    await stage.holds(by_hand=by_hand, dead={first[0], lonely[0]})

    # The bug is repaired and the letters are handed back, twice: one still matters, the other has been overtaken.
    assert await consumer.stop() == 0
    assert len(await replay(stage.kafka)) == 2
    # A dead letter is removed by who applies it: removed any earlier, it could erase the one written anew.
    assert len(await list_dead_letters(stage.kafka)) == 2
    stage.start("evaluation", "consumer")
    assert len(await replay(stage.kafka)) == 2
    await send(stage.kafka, [second[1]])
    await stage.without_lag(topic=REDRIVE)
    await stage.without_lag()
    evidence = await stage.holds(by_hand=by_hand)
    assert evidence.inbox[lonely[0]] == "applied"
    assert evidence.inbox[first[0]] == "superseded"
    assert evidence.projection[overtaken] == (31, 2)
    assert await list_dead_letters(stage.kafka) == []


@pytest.mark.requirement("F9", "F10", "I3")
async def test_behind_a_dead_event_its_successors_wait_and_run_in_order_after_the_replay(stage):
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_FAILS="1")
    held, free = uuid7(), uuid7()
    broken = event(held, 1, 400)
    behind = [event(held, sequence) for sequence in (2, 3, 4)]
    rest = [event(free, sequence) for sequence in (1, 2, 3)]
    await send(stage.kafka, [record for _, record in [broken, *behind, *rest]])
    await stage.without_lag()
    assert await stage.parked() == 3
    assert await stage.value("evaluation", "SELECT count(*) FROM effects") == 3
    assert await consumer.stop() == 0
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts")
    await replay(stage.kafka)
    await stage.without_lag(topic=REDRIVE)
    await stage.holds(by_hand={event_id for event_id, _ in [broken, *behind, *rest]})
    assert await list_dead_letters(stage.kafka) == []
    rows = await stage.fetch(
        "evaluation", "SELECT sequence FROM effects WHERE meeting_id = $1 ORDER BY effect_id", held
    )
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.requirement("F9")
async def test_a_bad_deployment_stops_the_consumer_and_drains_nothing(stage):
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    good = [event(uuid7(), 1, 400) for _ in range(60)]
    await send(stage.kafka, [record for _, record in good])
    consumer = stage.start("evaluation", "consumer", RIG_FAILS="1", RIG_DEAD_LETTERS=25)
    assert await consumer.ended(30) == 3
    assert await list_dead_letters(stage.kafka) == []
    assert "TooManyDeadLetters" in consumer.child.log.read_text()
    # The repaired one takes all of it, and what has come since.
    await commit_load(writer, stage.ledger, [uuid7()], writers=1, rounds=3)
    stage.start("evaluation", "consumer", RIG_DEAD_LETTERS=25)
    await until(lambda: _inbox_holds(stage, 63), 20, "all is applied")
    await stage.without_lag()
    await stage.holds(stage.ledger, by_hand={event_id for event_id, _ in good})


async def _inbox_holds(stage, number: int) -> bool:
    return bool(await stage.value("evaluation", "SELECT count(*) FROM inbox") == number)


@pytest.mark.requirement("F9", "F11")
async def test_a_database_that_is_away_is_no_reason_for_a_dead_letter(stage):
    """Connections are cut again and again while a batch is applied: it is tried anew, never skipped, never set aside."""
    writer = stage.service("engagement")
    stage.start("engagement", "relay")
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts", RIG_SLOW="0.005", RIG_BATCH=50)
    async with commits_without_pause(writer, stage.ledger, [uuid7() for _ in range(5)], writers=2):
        for _ in range(8):
            await asyncio.sleep(0.3)
            await stage.fetch(
                "evaluation",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'evaluation_worker' AND datname = current_database()",
            )
    await stage.caught_up(30)
    await stage.holds(stage.ledger)
    assert await list_dead_letters(stage.kafka) == []


@pytest.mark.requirement("F9")
async def test_garbage_among_the_records_to_be_replayed_does_not_stop_the_others(stage):
    """A broken document has no event topic of its own to be set aside beside; it must find a place all the same."""
    stage.start("evaluation", "consumer")
    async with producer(stage.kafka) as out:
        await out.send_and_wait(REDRIVE, key=b"k", value=b"garbage")
    event_id, record = event(uuid7(), 1)
    await stage.without_lag(topic=REDRIVE)
    await send(stage.kafka, [record])
    await until(lambda: _inbox_holds(stage, 1), 20, "the good one is applied")
    (letter,) = await list_dead_letters(stage.kafka)
    assert (letter.topic, letter.offset, letter.reason) == (REDRIVE, 0, "unreadable-dead-letter")
    assert letter.record.value == b"garbage"
    await stage.holds(by_hand={event_id})
