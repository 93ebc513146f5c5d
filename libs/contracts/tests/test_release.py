"""Releases: what one stores, which are refused, and that every record ever released can still be read."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from contracts import catalog, generate, release, state
from contracts.envelope import decode
from contracts.state import State

RELEASED = [(version, name) for version in state.releases() for name in state.released_examples(version)]
MEETING = "updraft.engagement.MeetingLogged.v1"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of contracts with the releases of this one, to release in."""
    for name in ("topics", "released"):
        shutil.copytree(generate.LIBRARY / name, tmp_path / name)
    shutil.copy(generate.LIBRARY / "pyproject.toml", tmp_path)
    monkeypatch.setattr(generate, "LIBRARY", tmp_path)
    monkeypatch.setattr(generate, "REPOSITORY", tmp_path)
    monkeypatch.setattr(state, "RELEASED", tmp_path / "released")
    return tmp_path


def without_its_channel() -> State:
    now = generate.present()
    schema = json.loads(json.dumps(now.schemas[MEETING]))
    del schema["properties"]["channel"]
    return replace(now, schemas={**now.schemas, MEETING: schema})


def test_a_release_stores_the_present_state_and_gives_everything_its_version(library: Path) -> None:
    now = generate.present()
    assert release.main(["9.0.0"]) == 0
    assert state.releases()[-1] == "9.0.0"
    assert state.released("9.0.0") == now
    assert len(state.released_examples("9.0.0")) == len(catalog.EVENTS)
    assert 'version = "9.0.0"' in (library / "pyproject.toml").read_text()
    for name in ("asyncapi.yaml", *(f"odcs/{path.name}" for path in (library / "odcs").iterdir())):
        assert (library / name).read_text() == (library / "released" / "9.0.0" / name).read_text()
    assert yaml.safe_load((library / "asyncapi.yaml").read_text())["info"]["version"] == "9.0.0"
    assert generate.stale() == {}
    assert {path.name for path in (library / "released").iterdir()} == {*state.releases()}


def test_what_has_changed_since_the_release_is_marked_so(library: Path) -> None:
    assert release.main(["9.0.0"]) == 0
    assert generate.version(generate.present()) == "9.0.0"
    assert generate.version(without_its_channel()) == "9.0.0+unreleased"


@pytest.mark.parametrize(
    ("version", "reason"),
    [("1.0.0", "has been released"), ("0.9.0", "not higher"), ("two", "not a version"), ("2.0", "not a version")],
)
def test_a_version_that_is_there_or_no_version_is_refused(
    library: Path, version: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state.releases()
    assert release.main([version]) == 1
    assert reason in capsys.readouterr().err
    assert state.releases() == before


@pytest.mark.requirement("F15")
def test_a_state_that_breaks_a_reader_is_not_released(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    after = without_its_channel()
    monkeypatch.setattr(generate, "present", lambda: after)
    assert release.main(["9.0.0"]) == 1
    told = capsys.readouterr().err
    assert "field channel" in told
    assert "read by evaluation, data teams" in told
    assert "9.0.0" not in state.releases()


def test_versions_are_ordered_as_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1.10.0", "1.9.0", "1.2.10", "notes", ".being-made"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(state, "RELEASED", tmp_path)
    assert state.releases() == ["1.2.10", "1.9.0", "1.10.0"]


def test_the_package_has_the_version_of_the_last_release() -> None:
    assert f'version = "{state.releases()[-1]}"' in (generate.LIBRARY / "pyproject.toml").read_text()


def record_of(example: dict[str, Any]) -> Any:
    headers = tuple((name, value.encode()) for name, value in example["headers"].items())
    return example["topic"], example["key"].encode(), json.dumps(example["value"]).encode(), headers


def holds(read: Any, written: Any) -> bool:
    """Whether everything that was written is still said; defaults of fields that came later may stand beside it, in parts too."""
    if isinstance(written, dict) and isinstance(read, dict):
        return all(name in read and holds(read[name], value) for name, value in written.items())
    if isinstance(written, list) and isinstance(read, list):
        return len(read) == len(written) and all(map(holds, read, written))
    return bool(read == written)


@pytest.mark.requirement("F15")
@pytest.mark.parametrize(("version", "name"), RELEASED)
def test_every_released_record_is_read_by_the_present_model(version: str, name: str) -> None:
    """Every version of an event that was ever released has its model, which reads what was written then."""
    example = state.released_examples(version)[name]
    read = decode(*record_of(example))
    assert catalog.type_of(read.data) == name
    assert holds(json.loads(read.data.model_dump_json(exclude_none=True)), example["value"])


def tolerant(schema: Any) -> Any:
    """The schema as a reader applies it: unknown fields dropped, enumerations open."""
    if isinstance(schema, list):
        return [tolerant(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: tolerant(part) for key, part in schema.items() if key not in {"additionalProperties", "enum"}}


@pytest.mark.requirement("F15")
@pytest.mark.parametrize(("version", "name"), RELEASED)
def test_every_present_record_is_read_after_the_released_schema(version: str, name: str) -> None:
    """A reader that has not been upgraded since `version` reads what is written now."""
    now = json.loads((generate.LIBRARY / "examples" / f"{name}.json").read_text())
    then = state.released(version)
    assert now["topic"] == then.places[name]
    assert now["key"] == now["value"][then.topics[now["topic"]]["key"]]
    reader = jsonschema.Draft202012Validator(tolerant(then.schemas[name]), format_checker=jsonschema.FormatChecker())
    reader.validate(now["value"] | {"unheard_of": 1})
    assert not reader.is_valid({key: value for key, value in now["value"].items() if key != "business_unit_id"})
    assert not reader.is_valid(now["value"] | {"business_unit_id": 7})
