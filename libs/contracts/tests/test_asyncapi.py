"""The AsyncAPI document says what the catalog says, of every topic, event type, writer and reader, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from contracts import asyncapi, catalog, generate
from contracts.envelope import encode
from contracts.event import Event
from contracts.examples import example_envelope

DOCUMENT: dict[str, Any] = yaml.safe_load((generate.LIBRARY / "asyncapi.yaml").read_text())
CHANNELS = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
MESSAGES = {message["name"]: message for message in DOCUMENT["components"]["messages"].values()}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def resolved(reference: str) -> Any:
    file, _, place = reference.partition("#")
    part: Any = json.loads((generate.LIBRARY / file).read_text()) if file else DOCUMENT
    for step in place.split("/")[1:]:
        part = part[step]
    return part


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        assert resolved(reference), reference


def test_channels_are_the_topics_with_key_partitions_and_settings_of_the_broker() -> None:
    assert list(CHANNELS) == list(catalog.TOPICS)
    for topic in catalog.TOPICS.values():
        binding = CHANNELS[topic.name]["bindings"]["kafka"]
        kafka = catalog.event_topic(topic)
        assert binding["topic"] == topic.name
        assert binding["partitions"] == kafka.partitions
        shown = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in binding["topicConfiguration"].items()
        }
        assert shown == dict(kafka.config)


def test_a_channel_holds_the_messages_of_its_topic() -> None:
    for topic in catalog.TOPICS.values():
        types = [catalog.type_of(model) for model in catalog.EVENTS if topic.name == model.TOPIC]
        messages = [resolved(message["$ref"]) for message in CHANNELS[topic.name]["messages"].values()]
        assert [message["name"] for message in messages] == types


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_a_message_is_what_lies_on_the_topic(model: type[Event]) -> None:
    record = encode(example_envelope(model))
    message = MESSAGES[catalog.type_of(model)]
    stated = {
        name: resolved(part["$ref"]) if "$ref" in part else part
        for name, part in message["headers"]["properties"].items()
    }
    headers = {name: value.decode() for name, value in record.headers}
    assert list(stated) == list(asyncapi.HEADERS)
    assert stated.keys() == headers.keys()
    schema = {**message["headers"], "properties": stated}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(headers)
    assert not validator.is_valid(headers | {"ce_type": "updraft.engagement.Other.v1"})
    assert not validator.is_valid(headers | {"ce_sequence": "0"})
    assert not validator.is_valid({name: value for name, value in headers.items() if name != "ce_id"})
    assert resolved(message["payload"]["schema"]["$ref"]) == generate.json_schema(model)
    assert message["bindings"]["kafka"]["key"]["format"] == "uuid"
    assert f"`{model.KEY}`" in message["bindings"]["kafka"]["key"]["description"]


def test_who_sends_and_who_receives_are_the_catalogs_writers_and_readers() -> None:
    said = set()
    for name, operation in DOCUMENT["operations"].items():
        channel = resolved(operation["channel"]["$ref"])
        assert [resolved(message["$ref"]) for message in operation["messages"]] == list(channel["messages"].values())
        said.add((name.split("-receive")[0].split("-sends")[0], operation["action"], channel["address"]))
        group = operation.get("bindings", {}).get("kafka", {}).get("groupId")
        assert (group is None) == (operation["action"] == "send" or name.startswith("data-teams"))
    wanted = {(topic.owner, "send", topic.name) for topic in catalog.TOPICS.values()}
    wanted |= {(reader, "receive", topic.name) for topic in catalog.TOPICS.values() for reader in topic.consumers}
    wanted |= {("data-teams", "receive", topic.name) for topic in catalog.TOPICS.values() if topic.audience == "public"}
    assert said == wanted
    for topic in catalog.TOPICS.values():
        public = ["data teams"] if topic.audience == "public" else []
        assert CHANNELS[topic.name]["x-readers"] == [*topic.consumers, *public]
