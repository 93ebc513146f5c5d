"""Every topic and every event type, each declared once: topics in `topics/*.yaml`, types in the four services' modules.

The topic files are compiled to `topics.json` beside this module by `python -m contracts.generate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from contracts import engagement, enrollment, evaluation, matching
from contracts.event import Event

SERVICES = ("enrollment", "matching", "engagement", "evaluation")
"""The services that publish."""
MAX_EVENT_BYTES = 256 * 1024
"""The largest payload; a larger event is refused when it is written."""

_MAX_RECORD_BYTES = 320 * 1024  # a payload of MAX_EVENT_BYTES with its key, headers and batch frame
_DAY = str(24 * 60 * 60 * 1000)
# What is superseded is gone two days later: a broker compacts no segment that it still writes.
_FORGETTING = {"segment.ms": _DAY, "max.compaction.lag.ms": _DAY, "min.cleanable.dirty.ratio": "0.01"}
_MAX_DEAD_LETTER_BYTES = 1024 * 1024  # the largest record of any event topic with the reason and trace beside it


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: the events of one aggregate, keyed by its id."""

    name: str
    owner: str
    """The one service that writes it."""
    aggregate: str
    key: str
    """The field of every event in it that holds the aggregate's id."""
    description: str
    events: tuple[str, ...]
    """Names of the event types, each once, without version."""
    consumers: tuple[str, ...]
    """The services that read it."""
    audience: str
    """`public`: part of the published contract; `internal`: for our own services."""
    classification: str
    """`organisation`: facts about units and programs; `pseudonymous`: facts about people by opaque id."""
    partitions: int
    cleanup: str
    retention: str


class KafkaTopic(NamedTuple):
    """What the deployment creates on a broker."""

    name: str
    partitions: int
    config: Mapping[str, str]


class UnsupportedVersionError(LookupError):
    """The event is known, this version of it is not."""


def topics_of(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Topic]:
    """Topics by name, from the fields of topic files."""
    topics = (Topic(**{**row, "events": tuple(row["events"]), "consumers": tuple(row["consumers"])}) for row in rows)
    return MappingProxyType({topic.name: topic for topic in topics})


EVENTS: tuple[type[Event], ...] = enrollment.EVENTS + matching.EVENTS + engagement.EVENTS + evaluation.EVENTS
"""Every event model."""
TOPICS: Mapping[str, Topic] = topics_of(json.loads(files("contracts").joinpath("topics.json").read_bytes()))
"""Every topic of events, by name."""


def service_of(model: type[Event]) -> str:
    """The service that publishes this event: `engagement`."""
    return model.TOPIC.split(".")[1]


def name_of(model: type[Event]) -> str:
    """The event's name without version: `MeetingLogged`, also of its second version, the class `MeetingLoggedV2`."""
    return model.__name__ if model.VERSION == 1 else model.__name__.removesuffix(f"V{model.VERSION}")


def type_of(model: type[Event] | Event) -> str:
    """The CloudEvents type: `updraft.engagement.MeetingLogged.v1`."""
    return _TYPES[model if isinstance(model, type) else type(model)]


def source_of(model: type[Event]) -> str:
    """The CloudEvents source: `/updraft/engagement`."""
    return f"/updraft/{service_of(model)}"


def schema_of(model: type[Event]) -> str:
    """The CloudEvents dataschema: a name for the file `schemas/<type>.json`."""
    return f"urn:updraft:schema:{type_of(model)}"


def topic_of(model: type[Event] | Event) -> Topic:
    """The topic the event is published to."""
    return TOPICS[model.TOPIC]


def subject_of(event: Event) -> UUID:
    """The id of the aggregate the event is about; also the record's key."""
    return event.subject


def model_of(ce_type: str) -> type[Event]:
    """The model of a CloudEvents type.

    Raises:
        UnsupportedVersionError: the event is known, but not this version of it.
        KeyError: no such event.
    """
    model = _MODELS.get(ce_type)
    if model is not None:
        return model
    name, dot, _ = ce_type.rpartition(".v")
    if dot and name in _NAMES:
        raise UnsupportedVersionError(ce_type)
    raise KeyError(ce_type)


def dead_letter_topic(topic: str, consumer: str) -> str:
    """Where `consumer` puts the records of `topic` that it cannot handle."""
    return f"{topic}.{consumer}.dlq"


def redrive_topic(consumer: str) -> str:
    """Where dead letters are put again for `consumer` alone."""
    return f"updraft.{consumer}.redrive"


def topics_read_by(consumer: str) -> tuple[Topic, ...]:
    """The topics a service reads."""
    return tuple(topic for topic in TOPICS.values() if consumer in topic.consumers)


def event_topic(topic: Topic) -> KafkaTopic:
    """What a broker must hold for a topic of events."""
    config = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "max.message.bytes": str(_MAX_RECORD_BYTES),
        "message.timestamp.type": "CreateTime",
    }
    return KafkaTopic(topic.name, topic.partitions, config | (_FORGETTING if topic.cleanup == "compact" else {}))


def all_kafka_topics() -> list[KafkaTopic]:
    """Every topic a deployment creates: events, each consumer's dead letters, each consumer's redrive."""
    dead_letters = {
        "cleanup.policy": "compact",
        "retention.ms": "-1",
        "max.message.bytes": str(_MAX_DEAD_LETTER_BYTES),
    }
    redrive = {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * 24 * 60 * 60 * 1000),
        "max.message.bytes": str(_MAX_DEAD_LETTER_BYTES),
    }
    found = [event_topic(topic) for topic in TOPICS.values()]
    found += [
        KafkaTopic(dead_letter_topic(topic.name, consumer), 1, dead_letters)
        for topic in TOPICS.values()
        for consumer in topic.consumers
    ]
    found += [KafkaTopic(redrive_topic(service), 1, redrive) for service in SERVICES if topics_read_by(service)]
    return found


_TYPES = {model: f"updraft.{service_of(model)}.{name_of(model)}.v{model.VERSION}" for model in EVENTS}
_MODELS = {name: model for model, name in _TYPES.items()}
_NAMES = frozenset(name.rpartition(".v")[0] for name in _MODELS)
