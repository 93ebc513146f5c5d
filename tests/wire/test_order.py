"""Events in any order: what acts waits and runs in order, what projects keeps the newest; the end is the same."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from contracts.envelope import Envelope, Record, encode
from figures import record
from kafka_side import send
from rig.services import UNIT, logged, uuid7
from stage import until
from test_poison import event

pytestmark = pytest.mark.wire


def shuffled(
    seed: int, meetings: int, versions: int
) -> tuple[list[tuple[UUID, Record]], dict[UUID, tuple[int | None, int]]]:
    """Events of several meetings in a wild order, and the projection that they must end in."""
    ids = [uuid7() for _ in range(meetings)]
    events = [event(meeting_id, version, 10 + version) for meeting_id in ids for version in range(1, versions + 1)]
    random.Random(seed).shuffle(events)
    return events, dict.fromkeys(ids, (10 + versions, versions))


@pytest.mark.requirement("F10", "I3", "I5")
@pytest.mark.parametrize("kind", ["acts", "projects", "batch"])
async def test_a_wild_order_ends_in_the_state_of_the_right_one(stage, kind):
    events, expected = shuffled(10, meetings=12, versions=12)
    stage.start("evaluation", "consumer", RIG_HANDLERS=kind, RIG_BATCH=17)
    await send(stage.kafka, [record for _, record in events])
    await stage.without_lag()
    evidence = await stage.evidence()
    assert evidence.projection == expected
    assert evidence.parked == 0
    assert set(evidence.effects) == {event_id for event_id, _ in events}
    assert set(evidence.effects.values()) == {1}
    if kind == "acts":
        rows = await stage.fetch("evaluation", "SELECT meeting_id, sequence FROM effects ORDER BY effect_id")
        for meeting_id in expected:
            assert [row["sequence"] for row in rows if row["meeting_id"] == meeting_id] == list(range(1, 13))
    record(
        "F10",
        f"{len(events)} events of {len(expected)} meetings in a wild order, to a handler of kind {kind}",
        0,
        None,
        None,
    )


@pytest.mark.requirement("F10")
async def test_an_event_ahead_of_a_fact_of_another_aggregate_waits_for_it(stage):
    """401 minutes: the handler builds upon the meeting that `pair_id` names, which comes later, from another partition."""
    stage.start("evaluation", "consumer", RIG_HANDLERS="acts")
    awaited = [uuid7() for _ in range(6)]
    waiting = []
    for other in awaited:
        data = logged(uuid7(), 401, unit=UNIT).model_copy(update={"pair_id": other})
        later = logged(data.meeting_id, 45, unit=UNIT)
        waiting += [_record(data, 1), _record(later, 2)]
    await send(stage.kafka, waiting)
    await until(lambda: _parked(stage, 12), 20, "all are parked")
    assert await stage.value("evaluation", "SELECT count(*) FROM effects") == 0
    await send(stage.kafka, [_record(logged(meeting_id, 30, unit=UNIT), 1) for meeting_id in awaited])
    await until(lambda: _parked(stage, 0), 20, "none is parked")
    await stage.without_lag()
    evidence = await stage.evidence()
    assert len(evidence.effects) == 18
    assert set(evidence.inbox.values()) == {"applied"}
    assert sorted(evidence.projection.values()) == sorted([(30, 1)] * 6 + [(45, 2)] * 6)


async def _parked(stage, number: int) -> bool:
    return bool(await stage.parked() == number)


def _record(data, sequence: int) -> Record:
    from datetime import UTC, datetime

    return encode(Envelope.of(data, sequence=sequence, time=datetime(2026, 1, 1, tzinfo=UTC)))
