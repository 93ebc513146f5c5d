"""Generated files are current, complete and true; the package needs nothing but pydantic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from contracts import catalog, generate
from contracts.envelope import decode
from contracts.event import Event
from contracts.examples import example_envelope


def test_no_generated_file_is_stale() -> None:
    stale = sorted(str(path.relative_to(generate.REPOSITORY)) for path in generate.stale())
    assert stale == [], "run `make contracts`"


def test_a_changed_missing_or_surplus_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    monkeypatch.setattr(generate, "LIBRARY", tmp_path)
    monkeypatch.setattr(generate, "REPOSITORY", tmp_path)
    monkeypatch.setattr(generate, "GENERATORS", (generate.schemas,))
    assert len(generate.stale()) == len(catalog.EVENTS)
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    changed = folder / f"{catalog.type_of(catalog.EVENTS[0])}.json"
    changed.write_text("{}")
    (folder / "surplus.json").write_text("{}")
    assert set(generate.stale()) == {changed, folder / "surplus.json"}
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert not (folder / "surplus.json").exists()


def test_one_run_is_enough_after_a_topic_file_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = generate.topic_files()
    rows[0]["consumers"] = ["matching"]
    monkeypatch.setattr(generate, "topic_files", lambda: rows)
    wanted = generate.generated()
    assert '"matching"' in wanted[generate.PACKAGE / "topics.json"].split("updraft.engagement.pairs")[0]
    (line,) = (
        line
        for line in wanted[generate.REPOSITORY / "docs" / "events.md"].splitlines()
        if line.startswith("| [`updraft.engagement.meetings`]")
    )
    assert "| matching |" in line


@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_every_event_has_an_example_that_is_read_as_the_event_and_valid_after_its_schema(model: type[Event]) -> None:
    name = f"{catalog.type_of(model)}.json"
    stored = json.loads((generate.LIBRARY / "examples" / name).read_text())
    schema: dict[str, Any] = json.loads((generate.LIBRARY / "schemas" / name).read_text())
    headers = tuple((key, value.encode()) for key, value in stored["headers"].items())
    read = decode(stored["topic"], stored["key"].encode(), json.dumps(stored["value"]).encode(), headers)
    assert read == example_envelope(model)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.check_schema(schema)
    validator.validate(stored["value"])
    assert schema["$id"] == stored["headers"]["ce_dataschema"]
    assert not validator.is_valid(stored["value"] | {"surplus": 1})
    assert not validator.is_valid({key: v for key, v in stored["value"].items() if key != "business_unit_id"})
    assert '"unknown"' not in json.dumps(schema)


@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_every_field_is_described(model: type[Event]) -> None:
    schema = generate.json_schema(model)
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["description"]
        bare = [name for name, field in part["properties"].items() if not field.get("description")]
        assert bare == []


def test_the_page_of_events_names_every_topic_type_and_link() -> None:
    page = (generate.REPOSITORY / "docs" / "events.md").read_text()
    for model in catalog.EVENTS:
        assert f"`{catalog.type_of(model)}`" in page
    headings = {line[3:].replace(".", "") for line in page.splitlines() if line.startswith("## ")}
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links == headings == {name.replace(".", "") for name in catalog.TOPICS}


ONLY_PYDANTIC = """
import sys
from importlib.abc import MetaPathFinder
ALLOWED = {"contracts", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
class OnlyThese(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        stdlib = root in sys.stdlib_module_names or root.startswith("_sysconfigdata")
        if root not in ALLOWED and not stdlib:
            raise ModuleNotFoundError(f"{name} is not a dependency of contracts", name=name)
sys.meta_path.insert(0, OnlyThese())
import importlib, pkgutil, contracts
for module in pkgutil.iter_modules(contracts.__path__, "contracts."):
    if module.name not in {"contracts.generate", "contracts.compatibility", "contracts.release"}:
        importlib.import_module(module.name)
from contracts.envelope import decode, encode
from contracts.examples import example_envelope
from contracts.engagement import MeetingLogged
assert decode(*encode(example_envelope(MeetingLogged))) == example_envelope(MeetingLogged)
try:
    import yaml
except ModuleNotFoundError:
    print("only pydantic")
"""


def test_the_package_works_with_pydantic_alone() -> None:
    command = [sys.executable, "-c", ONLY_PYDANTIC]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "only pydantic"
