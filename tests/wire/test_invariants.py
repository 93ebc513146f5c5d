"""The invariants themselves: each is silent when all is well and speaks when its own fault has happened."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from invariants import Evidence, OutboxEvent, TopicEvent, projection_hash, replayed, violations
from rig.services import uuid7


def sound() -> Evidence:
    """Two meetings, three events, one of them twice on the topic."""
    first, second = uuid7(), uuid7()
    ids = [uuid7() for _ in range(3)]
    topic = [
        TopicEvent(0, 0, ids[0], first, 1, 10),
        TopicEvent(0, 1, ids[1], first, 2, 20),
        TopicEvent(0, 2, ids[0], first, 1, 10),
        TopicEvent(1, 0, ids[2], second, 1, 30),
    ]
    return Evidence(
        outbox=[OutboxEvent(1, ids[0], first, 1), OutboxEvent(2, ids[2], second, 1), OutboxEvent(3, ids[1], first, 2)],
        topic=topic,
        inbox=dict.fromkeys(ids, "applied"),
        effects=dict.fromkeys(ids, 1),
        projection={first: (20, 2), second: (30, 1)},
        counted={first: 2, second: 1},
        committed_offsets={0: 3, 1: 1},
    )


def answers(evidence: Evidence) -> dict[str, tuple[UUID, int]]:
    return {str(event.event_id): (event.subject, event.sequence) for event in evidence.outbox}


@pytest.mark.requirement("I1", "I2", "I3", "I4", "I5", "I9")
def test_nothing_is_said_when_all_is_well():
    evidence = sound()
    assert violations(evidence, answers(evidence)) == []
    assert evidence.duplicates == 1


def _without(mapping, key):
    return {other: value for other, value in mapping.items() if other != key}


def _swapped(evidence: Evidence) -> Evidence:
    one, two, *rest = evidence.topic
    return replace(evidence, topic=[replace(two, offset=0), replace(one, offset=1), *rest])


FAULTS = {
    "an event that was never sent": ("I1", lambda e: replace(e, topic=e.topic[:3])),
    "a phantom": ("I2", lambda e: replace(e, outbox=e.outbox[:2])),
    "an event without an inbox row": ("I3", lambda e: replace(e, inbox=_without(e.inbox, e.topic[3].event_id))),
    "an effect twice": ("I3", lambda e: replace(e, effects={**e.effects, e.topic[0].event_id: 2})),
    "an inbox row without its effect": ("I3", lambda e: replace(e, effects=_without(e.effects, e.topic[1].event_id))),
    "an effect of nothing": ("I3", lambda e: replace(e, effects={**e.effects, uuid7(): 1})),
    "an event that still waits": ("I3", lambda e: replace(e, parked=1)),
    "an overtaken event": ("I4", _swapped),
    "a gap": ("I4", lambda e: replace(e, topic=[e.topic[1], e.topic[3]])),
    "a projection that is behind": (
        "I5",
        lambda e: replace(e, projection={**e.projection, e.topic[0].subject: (10, 1)}),
    ),
    "a projection of too much": ("I5", lambda e: replace(e, projection={**e.projection, uuid7(): (1, 1)})),
    "an answer that is gone": ("I9", lambda e: replace(e, counted=_without(e.counted, e.topic[3].subject))),
    "an offset ahead of its effect": ("offsets", lambda e: replace(e, inbox=_without(e.inbox, e.topic[3].event_id))),
}


@pytest.mark.requirement("I1", "I2", "I3", "I4", "I5", "I9")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault):
    name, happen = FAULTS[fault]
    evidence = sound()
    assert any(sentence.startswith(name) for sentence in violations(happen(evidence), answers(evidence))), fault


@pytest.mark.requirement("I9")
def test_a_retry_that_counted_twice_is_found():
    evidence = sound()
    meeting = evidence.topic[0].subject
    assert violations(replace(evidence, counted={**evidence.counted, meeting: 3}), answers(evidence))
    assert violations(evidence, {**answers(evidence), "another": (meeting, 2)})


@pytest.mark.requirement("I5")
def test_the_hash_is_of_the_content_and_not_of_its_order():
    projection = replayed(sound().topic)
    assert projection_hash(projection) == projection_hash(dict(reversed(projection.items())))
    assert projection_hash(projection) != projection_hash({})
