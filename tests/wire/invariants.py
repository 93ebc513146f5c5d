"""The invariants, executable: what must hold between outbox, topic, inbox, effects and projection, whatever has died.

Each check takes the evidence and returns sentences about what is broken; none means that it holds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """A committed row of the outbox."""

    seq: int
    event_id: UUID
    subject: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class TopicEvent:
    """A decodable record of the topic; `minutes` is what the projection keeps."""

    partition: int
    offset: int
    event_id: UUID
    subject: UUID
    sequence: int
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything at one moment. `counted` is the writer's own state: meeting → version."""

    outbox: Sequence[OutboxEvent] = ()
    topic: Sequence[TopicEvent] = ()
    inbox: Mapping[UUID, str] = field(default_factory=dict)
    effects: Mapping[UUID, int] = field(default_factory=dict)
    projection: Mapping[UUID, tuple[int | None, int]] = field(default_factory=dict)
    """Meeting → minutes and sequence."""
    parked: int = 0
    counted: Mapping[UUID, int] = field(default_factory=dict)
    committed_offsets: Mapping[int, int] = field(default_factory=dict)

    @property
    def duplicates(self) -> int:
        """Records of the topic beyond the first of each event."""
        return len(self.topic) - len({event.event_id for event in self.topic})


def _some(things: Iterable[object]) -> str:
    listed = [str(thing) for thing in things]
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def every_committed_event_is_published(evidence: Evidence) -> list[str]:
    """I1."""
    published = {event.event_id for event in evidence.topic}
    lost = [event for event in evidence.outbox if event.event_id not in published]
    return (
        [f"I1: {len(lost)} of {len(evidence.outbox)} committed events are not on the topic: {_some(lost)}"]
        if lost
        else []
    )


def every_published_event_was_committed(evidence: Evidence, by_hand: Collection[UUID] = ()) -> list[str]:
    """I2; `by_hand` are events that the test itself put on the topic."""
    committed = {event.event_id for event in evidence.outbox}
    phantoms = {event.event_id for event in evidence.topic} - committed - set(by_hand)
    return [f"I2: {len(phantoms)} events on the topic were never committed: {_some(phantoms)}"] if phantoms else []


def each_event_has_one_inbox_row_and_one_effect(evidence: Evidence, dead: Collection[UUID] = ()) -> list[str]:
    """I3; `dead` are events that lie among the dead letters and must have neither."""
    found = []
    distinct = {event.event_id for event in evidence.topic} - set(dead)
    missing, surplus = distinct - evidence.inbox.keys(), evidence.inbox.keys() - distinct
    if missing:
        found.append(f"I3: {len(missing)} of {len(distinct)} events are not in the inbox: {_some(missing)}")
    if surplus:
        found.append(f"I3: {len(surplus)} inbox rows without an event: {_some(surplus)}")
    doubled = {event_id: times for event_id, times in evidence.effects.items() if times > 1}
    if doubled:
        found.append(f"I3: {len(doubled)} events had their effect more than once: {_some(doubled.items())}")
    without = [
        event_id
        for event_id, outcome in evidence.inbox.items()
        if outcome == "applied" and not evidence.effects.get(event_id)
    ]
    if without:
        found.append(f"I3: {len(without)} events count as applied and had no effect: {_some(without)}")
    stray = evidence.effects.keys() - evidence.inbox.keys()
    if stray:
        found.append(f"I3: {len(stray)} effects without an inbox row: {_some(stray)}")
    if evidence.parked:
        found.append(f"I3: {evidence.parked} events are still parked")
    return found


def sequences_are_contiguous_and_monotone(evidence: Evidence) -> list[str]:
    """I4: per aggregate, counting the first occurrence of each event."""
    found = []
    seen: set[UUID] = set()
    last: dict[UUID, int] = {}
    place: dict[UUID, int] = {}
    for event in sorted(evidence.topic, key=lambda event: (event.partition, event.offset)):
        if place.setdefault(event.subject, event.partition) != event.partition:
            found.append(f"I4: {event.subject} is on two partitions")
        if event.event_id in seen:
            continue
        seen.add(event.event_id)
        if event.sequence != last.get(event.subject, 0) + 1:
            found.append(f"I4: {event.subject} goes from {last.get(event.subject, 0)} to {event.sequence}")
        last[event.subject] = event.sequence
    return [f"I4: {len(found)} breaks: {_some(found)}"] if found else []


def projection_hash(projection: Mapping[UUID, tuple[int | None, int]]) -> str:
    """One number for the whole projection."""
    digest = hashlib.sha256()
    for meeting_id in sorted(projection):
        digest.update(f"{meeting_id} {projection[meeting_id]}\n".encode())
    return digest.hexdigest()


def replayed(topic: Iterable[TopicEvent], without: Collection[UUID] = ()) -> dict[UUID, tuple[int | None, int]]:
    """The projection that a reader of the whole topic would build, by code that shares nothing with the consumer."""
    newest: dict[UUID, tuple[int | None, int]] = {}
    for event in topic:
        if event.event_id not in without and event.sequence > newest.get(event.subject, (None, 0))[1]:
            newest[event.subject] = (event.minutes, event.sequence)
    return newest


def projection_equals_its_replay(evidence: Evidence, dead: Collection[UUID] = ()) -> list[str]:
    """I5."""
    expected = replayed(evidence.topic, dead)
    if projection_hash(expected) == projection_hash(evidence.projection):
        return []
    different = [
        key for key in expected.keys() | evidence.projection.keys() if expected.get(key) != evidence.projection.get(key)
    ]
    return [f"I5: {len(different)} rows differ from their replay: {_some(different)}"]


def answers_are_visible(evidence: Evidence, answers: Mapping[str, tuple[UUID, int]]) -> list[str]:
    """I9: each answer is a version of its own, kept by the writer and, once all is drained, known to the reader."""
    found = []
    twice = [answer for answer, times in Counter(answers.values()).items() if times > 1]
    if twice:
        found.append(f"I9: {len(twice)} versions were answered to two requests: {_some(twice)}")
    lost = [(meeting, version) for meeting, version in answers.values() if evidence.counted.get(meeting, 0) < version]
    if lost:
        found.append(f"I9: {len(lost)} of {len(answers)} answers are not visible at the writer: {_some(lost)}")
    unread = [
        (meeting, version)
        for meeting, version in answers.values()
        if evidence.projection.get(meeting, (None, 0))[1] < version
    ]
    if unread:
        found.append(f"I9: {len(unread)} of {len(answers)} answers are not visible at the reader: {_some(unread)}")
    return found


def writes_happened_once(evidence: Evidence, answers: Mapping[str, tuple[UUID, int]]) -> list[str]:
    """With every request answered in the end: as many versions as answers, none from a retry."""
    versions = sum(evidence.counted.values())
    return [] if versions == len(answers) else [f"{versions} versions came of {len(answers)} requests"]


def offsets_are_behind_effects(evidence: Evidence, dead: Collection[UUID] = ()) -> list[str]:
    """No offset is committed past an event that is not in the inbox. The offsets must have been read before the inbox."""
    ahead = [
        event
        for event in evidence.topic
        if event.offset < evidence.committed_offsets.get(event.partition, 0)
        and event.event_id not in evidence.inbox
        and event.event_id not in dead
    ]
    return [f"offsets ahead of {len(ahead)} effects: {_some(ahead)}"] if ahead else []


def violations(
    evidence: Evidence,
    answers: Mapping[str, tuple[UUID, int]] | None = None,
    *,
    by_hand: Collection[UUID] = (),
    dead: Collection[UUID] = (),
) -> list[str]:
    """Everything that is broken: I1 to I5, I9 and the offsets."""
    found = [
        *every_committed_event_is_published(evidence),
        *every_published_event_was_committed(evidence, by_hand),
        *each_event_has_one_inbox_row_and_one_effect(evidence, dead),
        *sequences_are_contiguous_and_monotone(evidence),
        *projection_equals_its_replay(evidence, dead),
        *offsets_are_behind_effects(evidence, dead),
    ]
    if answers is not None:
        found += [*answers_are_visible(evidence, answers), *writes_happened_once(evidence, answers)]
    return found
