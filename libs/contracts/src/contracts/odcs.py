"""Data contracts after the Open Data Contract Standard 3: what data teams are promised of one public topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.catalog import Topic
from contracts.state import State

API_VERSION = "v3.2.0"
"""The version of the standard."""

_LOGICAL = {"date": "date", "date-time": "timestamp"}
_LIMITS = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}


def contract(topic: Topic, state: State, version: str) -> dict[str, Any]:
    """The contract of a topic, with one schema object for each event type on it."""
    types = [name for name, place in state.places.items() if place == topic.name]
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"urn:updraft:contract:{topic.name}",
        "name": topic.name,
        "version": version,
        "status": "active",
        "domain": topic.owner,
        "dataProduct": "updraft",
        "description": {
            "purpose": topic.description.strip(),
            "usage": (
                f"One record per change of a {topic.aggregate}, with its state after the change; the latest record of"
                f" a key is the state. CloudEvents 1.0 in binary mode: the type is in the header ce_type, the id in"
                " ce_id, the order within a key in ce_sequence. A record may come twice; its ce_id tells."
            ),
            "limitations": (
                "Read tolerantly: drop fields you do not know, expect new values of enumerations and new event types."
                " No event holds a name, an address or free text."
            ),
        },
        "servers": [
            {
                "server": "kafka",
                "type": "kafka",
                "description": "Stands for the deployment's brokers.",
                "host": "kafka.updraft.example:9092",
                "format": "json",
                "encoding": "UTF-8",
            }
        ],
        "schema": [_object(name, state.schemas[name], topic) for name in types],
        "slaProperties": [
            {
                "property": "retention",
                "value": topic.retention,
                "description": "Every record since the first is kept and can be replayed from offset 0.",
            }
        ],
        "customProperties": [
            {"property": "partitions", "value": topic.partitions},
            {"property": "cleanupPolicy", "value": topic.cleanup},
            {"property": "readers", "value": list(topic.consumers)},
        ],
    }


def _object(event_type: str, schema: Mapping[str, Any], topic: Topic) -> dict[str, Any]:
    name, _, number = event_type.rpartition(".v")
    return {
        "name": f"{name.rpartition('.')[2]}_v{number}",
        "businessName": event_type,
        "physicalName": topic.name,
        "physicalType": "topic",
        "logicalType": "object",
        "description": schema["description"],
        "dataGranularityDescription": f"One change of a {topic.aggregate}",
        "properties": _properties(schema, schema, topic),
        "quality": [
            {
                "type": "text",
                "dimension": "completeness",
                "description": "Per key ce_sequence is contiguous from 1, counting the first record of each ce_id.",
            },
            {
                "type": "text",
                "dimension": "conformity",
                "description": f"Every payload is valid after {schema['$id']}; the key is its {topic.key}.",
            },
        ],
    }


def _properties(part: Mapping[str, Any], document: Mapping[str, Any], topic: Topic) -> list[dict[str, Any]]:
    required = part.get("required", ())
    found = []
    for name, field in part["properties"].items():
        row = {"name": name, **_property(field, document, topic), "required": name in required}
        if part is document and name == topic.key:
            row |= {"partitioned": True, "partitionKeyPosition": 1}
        found.append(row)
    return found


def _property(field: Mapping[str, Any], document: Mapping[str, Any], topic: Topic) -> dict[str, Any]:
    described = field.get("description", "")
    options = [option for option in field.get("anyOf", ()) if option.get("type") != "null"]
    value = options[0] if options else field
    if "$ref" in value:
        part = document["$defs"][value["$ref"].rpartition("/")[2]]
        value = {key: rule for key, rule in part.items() if key != "description"}
        described = described or part["description"]
    kind = value["type"]
    row: dict[str, Any] = {
        "logicalType": _LOGICAL.get(value.get("format", ""), kind),
        "physicalType": kind,
    }
    if described:
        row["description"] = described
    row["classification"] = topic.classification
    limits = {limit: value[limit] for limit in _LIMITS.get(kind, ()) if limit in value}
    if row["logicalType"] == "timestamp":
        limits = {"timezone": True}
    elif row["logicalType"] == "date":
        limits = {"format": "yyyy-MM-dd"}
    if limits:
        row["logicalTypeOptions"] = limits
    if "enum" in value:
        # Not the standard's closed `enum`: readers are told to expect more values.
        row["customProperties"] = [{"property": "valuesSoFar", "value": value["enum"]}]
    if kind == "array":
        row["items"] = _property(value["items"], document, topic)
    if kind == "object":
        row["properties"] = _properties(value, document, topic)
    return row
