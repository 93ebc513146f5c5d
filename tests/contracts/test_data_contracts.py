"""Tools that others use read our contracts: the data contracts of public topics (ODCS) and the AsyncAPI document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from contracts import catalog, compatibility, generate, odcs, state
from contracts.event import Event
from contracts.examples import example

from .conftest import LOCK, Calls

MEETINGS = "updraft.engagement.meetings.odcs.yaml"
PUBLIC = [topic for topic in catalog.TOPICS.values() if topic.audience == "public"]
FOLDER = generate.LIBRARY / "odcs"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "date": str, "timestamp": str, "integer": int, "number": (int, float), "boolean": bool,
    "array": list, "object": dict,
}  # fmt: skip


def test_every_public_topic_has_its_contract_and_no_other(judges: Calls) -> None:
    files = {path.name: path for path in FOLDER.iterdir()}
    assert set(files) == {f"{topic.name}.odcs.yaml" for topic in PUBLIC}
    answers = judges([["datacontract", "lint", str(path)] for path in files.values()])
    assert [said for status, said in answers if status != 0] == []
    assert all("valid against ODCS " + odcs.API_VERSION in said for _, said in answers)


def test_lint_refuses_a_contract_that_is_none(judges: Calls, tmp_path: Path) -> None:
    broken = tmp_path / MEETINGS
    broken.write_text((FOLDER / MEETINGS).read_text().replace("kind: DataContract", "kind: DataPromise"))
    ((status, _),) = judges([["datacontract", "lint", str(broken)]])
    assert status == 1


def _described(properties: list[dict[str, Any]], value: dict[str, Any], path: str) -> None:
    """Each value is of the type its property says, and none is undescribed."""
    by_name = {entry["name"]: entry for entry in properties}
    assert set(value) <= set(by_name), path
    assert {name for name, entry in by_name.items() if entry["required"]} <= set(value), path
    for name, inner in value.items():
        _typed(by_name[name], inner, f"{path}.{name}")


def _typed(entry: dict[str, Any], value: Any, path: str) -> None:
    assert isinstance(value, _TYPES[entry["logicalType"]]), path
    if isinstance(value, dict):
        _described(entry["properties"], value, path)
    elif isinstance(value, list):
        for item in value:
            _typed(entry["items"], item, f"{path}[]")


@pytest.mark.parametrize("topic", PUBLIC, ids=lambda topic: topic.name)
def test_a_contract_describes_every_event_of_its_topic(topic: catalog.Topic) -> None:
    contract = yaml.safe_load((FOLDER / f"{topic.name}.odcs.yaml").read_text())
    models: list[type[Event]] = [model for model in catalog.EVENTS if topic.name == model.TOPIC]
    described = {entry["businessName"]: entry for entry in contract["schema"]}
    assert list(described) == [catalog.type_of(model) for model in models]
    assert contract["version"] == generate.version(generate.present())
    assert contract["servers"][0]["type"] == "kafka"
    assert {row["property"]: row["value"] for row in contract["slaProperties"]} == {"retention": topic.retention}
    for model in models:
        entry = described[catalog.type_of(model)]
        assert entry["physicalName"] == topic.name
        assert [row["name"] for row in entry["properties"] if row.get("partitioned")] == [topic.key]
        assert {row["classification"] for row in entry["properties"]} == {topic.classification}
        _described(entry["properties"], json.loads(example(model).model_dump_json(exclude_none=True)), model.__name__)


@pytest.mark.requirement("F15")
def test_no_contract_breaks_since_its_last_release(judges: Calls) -> None:
    released = state.RELEASED / state.releases()[-1] / "odcs"
    pairs = [(path, FOLDER / path.name) for path in sorted(released.iterdir())]
    assert pairs
    answers = judges([["datacontract", "breaking", str(before), str(after)] for before, after in pairs])
    assert [said for status, said in answers if status != 0] == []


def _edited(folder: Path, edit: Callable[[dict[str, Any]], object]) -> str:
    """The file of a contract in which one property list has been changed by `edit`, keyed by name."""
    contract = yaml.safe_load((FOLDER / MEETINGS).read_text())
    schema = next(entry for entry in contract["schema"] if entry["name"] == "MeetingLogged_v1")
    by_name = {entry["name"]: entry for entry in schema["properties"]}
    edit(by_name)
    schema["properties"] = list(by_name.values())
    path = folder / MEETINGS
    path.write_text(yaml.safe_dump(contract))
    return str(path)


BREAKING: dict[str, Callable[[dict[str, Any]], object]] = {
    "removed field": lambda fields: fields.pop("channel"),
    "changed type": lambda fields: fields["minutes"].update(logicalType="string", logicalTypeOptions={}),
    "made optional": lambda fields: fields["pair_id"].update(required=False),
}


@pytest.mark.requirement("F15")
def test_breaking_fails_for_what_breaks_and_passes_for_a_new_field(judges: Calls, tmp_path: Path) -> None:
    calls = []
    for name, edit in BREAKING.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        calls.append(["datacontract", "breaking", str(FOLDER / MEETINGS), _edited(folder, edit)])
    added = _edited(tmp_path, lambda fields: fields.update(mood={"name": "mood", "logicalType": "string"}))
    calls.append(["datacontract", "breaking", str(FOLDER / MEETINGS), added])
    *broken, (fits, said) = judges(calls)
    assert [status for status, _ in broken] == [1] * len(BREAKING)
    assert all("channel" in answer or "minutes" in answer or "pair_id" in answer for _, answer in broken)
    assert fits == 0, said


@pytest.mark.requirement("F15")
def test_a_dropped_format_passes_there_and_is_refused_by_our_gate(judges: Calls, tmp_path: Path) -> None:
    """Why the tool alone is not enough: it takes an identifier that becomes any text for a matter of words."""
    dropped = _edited(tmp_path, lambda fields: fields["pair_id"].pop("logicalTypeOptions"))
    ((status, said),) = judges([["datacontract", "breaking", str(FOLDER / MEETINGS), dropped]])
    assert status == 0
    assert "pair_id" in said
    name = "updraft.engagement.MeetingLogged.v1"
    before = generate.present().schemas[name]
    after = json.loads(json.dumps(before))
    assert after["properties"]["pair_id"].pop("format") == "uuid"
    (change,) = compatibility.schema_changes(before, after)
    assert change.kind is compatibility.Kind.DROPPED_FORMAT
    assert change.kind.breaking


@pytest.mark.requirement("S12")
def test_the_asyncapi_document_is_one(judges: Calls, tmp_path: Path) -> None:
    document = generate.LIBRARY / "asyncapi.yaml"
    wrong = tmp_path / "asyncapi.yaml"
    shutil.copy(document, wrong)
    wrong.write_text(wrong.read_text().replace("    address:", "    adress:", 1))
    (status, said), (refused, why) = judges([["asyncapi", str(document)], ["asyncapi", str(wrong)]])
    assert status == 0, said
    assert refused == 1
    assert "adress" in why


def test_the_tools_are_locked_by_hash_and_no_address() -> None:
    text = LOCK.read_text()
    assert "://" not in text
    assert text.count("--hash=sha256:") > text.count("==") > 40
