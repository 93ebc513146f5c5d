"""Somebody sends events of another shape than the readers know: each is set aside with its reason, none is half applied."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from chassis.dead_letters import list_dead_letters
from contracts.engagement import MeetingLogged
from contracts.envelope import Record
from figures import record
from invariants import (
    each_event_has_one_inbox_row_and_one_effect,
    every_published_event_was_committed,
    offsets_are_behind_effects,
    projection_equals_its_replay,
)
from kafka_side import TOPIC, producer
from rig.services import uuid7
from test_poison import event

pytestmark = pytest.mark.wire

Change = Callable[[dict[str, Any]], dict[str, Any]]


def _without(name: str) -> Change:
    return lambda payload: {key: value for key, value in payload.items() if key != name}


def _with(**changed: Any) -> Change:
    return lambda payload: payload | changed


V3 = b"updraft.engagement.MeetingLogged.v3"
INCOMPATIBLE: dict[str, tuple[bytes | None, Change, str, str]] = {
    "v3, a field removed": (V3, _without("pair_id"), "unknown-type", "MeetingLogged.v3"),
    "v3, a type changed": (V3, _with(minutes={"hours": 1}), "unknown-type", "MeetingLogged.v3"),
    "a field removed without a new version": (None, _without("pair_id"), "undecodable", "pair_id"),
    "a field renamed": (
        None,
        lambda p: _without("cohort_id")(p) | {"cohort": p["cohort_id"]},
        "undecodable",
        "cohort_id",
    ),
    "a number became text": (None, _with(minutes="half an hour"), "undecodable", "minutes"),
    "an id became a number": (None, _with(pair_id=17), "undecodable", "pair_id"),
    "a list became one value": (None, _with(named_unit_ids=str(UUID(int=1))), "undecodable", "named_unit_ids"),
    "the payload became a list": (None, lambda p: [p], "undecodable", "value"),  # type: ignore[dict-item, return-value]
}
COMPATIBLE: dict[str, Change] = {
    "an optional field more": _with(weather="fine"),
    "an enum value more": _with(state="HELD_ON_MARS"),
}


def _changed(good: Record, ce_type: bytes | None, change: Change) -> dict[str, Any]:
    headers = [(name, ce_type if ce_type and name == "ce_type" else value) for name, value in good.headers]
    return {"key": good.key, "value": json.dumps(change(json.loads(good.value))).encode(), "headers": headers}


@pytest.mark.requirement("F15", "I3", "I5")
@pytest.mark.parametrize("kind", ["projects", "acts", "batch"])
async def test_an_event_of_another_shape_is_set_aside_with_its_reason_and_never_half_applied(stage, kind):
    """Per case three versions of a meeting, the second of another shape, and a meeting of another key behind them."""
    assert MeetingLogged.__name__ in V3.decode()
    consumer = stage.start("evaluation", "consumer", RIG_HANDLERS=kind)
    dead: dict[UUID, tuple[str, str]] = {}
    applied, by_hand, waiting = set(), set(), set()
    others: list[UUID] = []
    async with producer(stage.kafka) as out:
        cases = {**INCOMPATIBLE, **{name: (None, change, "", "") for name, change in COMPATIBLE.items()}}
        for ce_type, change, reason, detail in cases.values():
            meeting, other = uuid7(), uuid7()
            first, second, third, behind = (
                event(meeting, 1), event(meeting, 2, 31), event(meeting, 3, 32), event(other, 1, 33),
            )  # fmt: skip
            for number, (event_id, good) in enumerate((first, second, third, behind)):
                sent = _changed(good, ce_type, change) if number == 1 else _changed(good, None, lambda p: p)
                await out.send_and_wait(TOPIC, partition=1, **sent)
                by_hand.add(event_id)
            if reason:
                dead[second[0]] = (reason, detail)
                # Who acts upon every event in order waits behind the one that is missing; who projects goes on.
                (waiting if kind == "acts" else applied).add(third[0])
            else:
                applied |= {second[0], third[0]}
            applied |= {first[0], behind[0]}
            others.append(other)
    began = time.monotonic()
    await stage.without_lag(30)
    seconds = time.monotonic() - began
    letters = {UUID(letter.event_id or ""): letter for letter in await list_dead_letters(stage.kafka)}
    assert letters.keys() == dead.keys()
    for event_id, (reason, detail) in dead.items():
        assert letters[event_id].reason == reason
        assert detail in letters[event_id].detail, letters[event_id].detail
    evidence = await stage.evidence()
    assert {event_id for event_id, outcome in evidence.inbox.items() if outcome == "applied"} == applied
    assert {event_id for event_id, outcome in evidence.inbox.items() if outcome == "parked"} == waiting
    assert evidence.effects == dict.fromkeys(applied, 1)
    assert set(others) <= evidence.projection.keys()
    assert not every_published_event_was_committed(evidence, by_hand)
    assert not offsets_are_behind_effects(evidence, dead)
    if not waiting:
        assert not each_event_has_one_inbox_row_and_one_effect(evidence, dead)
        assert not projection_equals_its_replay(evidence, dead)
    assert consumer.alive
    record(
        "F15",
        f"{len(INCOMPATIBLE)} shapes a reader does not know, to a handler of kind {kind}",
        lost=0,
        recovery_seconds=seconds,
        bound_seconds=30,
        note="set aside with the reason, none had an effect; events of other keys went on",
    )
