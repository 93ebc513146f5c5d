"""The AsyncAPI 3 document: a channel a topic, a message an event type, an operation for everybody who sends or receives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts import catalog
from contracts.catalog import Topic
from contracts.state import State

_BINDING = "0.5.0"
_UUID = {"type": "string", "format": "uuid"}
_NUMBERS = frozenset({"retention.ms", "retention.bytes", "max.message.bytes"})

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "content-type": {"const": "application/json"},
    "ce_specversion": {"const": "1.0"},
    "ce_id": _UUID | {"description": "The event. A record may come twice; its id tells."},
    "ce_source": {"type": "string", "description": "The service that published it."},
    "ce_type": {"type": "string", "description": "The event type with its version."},
    "ce_subject": _UUID | {"description": "The aggregate the event is about; also the record's key."},
    "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, in UTC."},
    "ce_dataschema": {"type": "string", "description": "The name of the payload's schema."},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,18}$",
        "description": "The aggregate's version after the change, contiguous from 1 per topic and key.",
    },
    "ce_businessunit": _UUID | {"description": "The business unit that owns the aggregate."},
    "traceparent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "W3C trace context of what caused it.",
    },
}
"""What stands beside every payload: CloudEvents 1.0 in binary mode on Kafka."""


def document(state: State, version: str) -> dict[str, Any]:
    """The whole document. Payload schemas are referred to as files of the folder `schemas` beside it."""
    topics = catalog.topics_of(state.topics.values())
    types = {topic: [name for name, place in state.places.items() if place == topic] for topic in topics}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Updraft",
            "version": version,
            "description": (
                "Every event of the reverse-mentoring platform. A record's key is the id of its aggregate, so that the"
                " events of one aggregate keep their order; topics are kept for ever and can be replayed. Readers drop"
                " fields they do not know and treat unknown values of an enumeration as `unknown`."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The deployment's brokers; how to connect and as whom is the deployment's to say.",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": {_key(topic.name): _channel(topic, types[topic.name]) for topic in topics.values()},
        "operations": {
            name: operation for topic in topics.values() for name, operation in _operations(topic, types[topic.name])
        },
        "components": {
            "messages": {
                _key(name): _message(name, state.schemas[name], topics[place]) for name, place in state.places.items()
            },
            "schemas": {name: dict(schema) for name, schema in HEADERS.items()},
        },
    }


def _key(name: str) -> str:
    """The key of a channel, message or operation, which some tools want without dots: `engagement-MeetingLogged-v1`."""
    return name.removeprefix("updraft.").replace(".", "-")


def _channel(topic: Topic, types: list[str]) -> dict[str, Any]:
    kafka = catalog.event_topic(topic)
    settings: dict[str, Any] = {
        name: int(value) if name in _NUMBERS else value.split(",") if name == "cleanup.policy" else value
        for name, value in kafka.config.items()
    }
    return {
        "address": topic.name,
        "title": f"One record per change of a {topic.aggregate}",
        "description": topic.description.strip(),
        "messages": {_key(name): {"$ref": f"#/components/messages/{_key(name)}"} for name in types},
        "bindings": {
            "kafka": {
                "topic": kafka.name,
                "partitions": kafka.partitions,
                "topicConfiguration": settings,
                "bindingVersion": _BINDING,
            }
        },
        "x-audience": topic.audience,
        "x-classification": topic.classification,
        "x-writer": topic.owner,
        "x-readers": [*topic.consumers, *(["data teams"] if topic.audience == "public" else [])],
    }


def _message(name: str, schema: Mapping[str, Any], topic: Topic) -> dict[str, Any]:
    fixed = {"ce_type": name, "ce_source": f"/updraft/{topic.owner}", "ce_dataschema": schema["$id"]}
    headers = {
        header: {"const": fixed[header]} if header in fixed else {"$ref": f"#/components/schemas/{header}"}
        for header in HEADERS
    }
    return {
        "name": name,
        "title": schema["title"],
        "summary": schema["description"],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": [header for header in HEADERS if header not in {"traceparent", "ce_dataschema"}],
            "properties": headers,
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./schemas/{name}.json"},
        },
        "bindings": {
            "kafka": {
                "key": _UUID | {"description": f"The payload's `{topic.key}`, as text."},
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations(topic: Topic, types: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    place = _key(topic.name)
    channel = f"#/channels/{place}"
    base = {"channel": {"$ref": channel}, "messages": [{"$ref": f"{channel}/messages/{_key(name)}"} for name in types]}
    yield (
        f"{topic.owner}-sends-{place}",
        {"action": "send", "title": f"{topic.owner} publishes", **base},
    )
    for reader in topic.consumers:
        yield (
            f"{reader}-receives-{place}",
            {
                "action": "receive",
                "title": f"{reader} reads",
                **base,
                "bindings": {
                    "kafka": {
                        "groupId": {"type": "string", "const": f"updraft.{reader}"},
                        "bindingVersion": _BINDING,
                    }
                },
            },
        )
    if topic.audience == "public":
        yield (
            f"data-teams-receive-{place}",
            {"action": "receive", "title": "Data teams read, each in a consumer group of its own", **base},
        )
