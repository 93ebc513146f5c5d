"""Everything generated from the models and the topic files: the compiled topics, schemas, examples, the AsyncAPI document,
the data contracts of public topics, docs/events.md.

    python -m contracts.generate            writes what differs
    python -m contracts.generate --check    writes nothing, names what is stale, exits with 1

Works in a checkout and needs PyYAML; nothing at run time imports this module.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from contracts import asyncapi, catalog, engagement, enrollment, evaluation, event, fields, matching, odcs, state
from contracts.envelope import encode
from contracts.event import Event
from contracts.examples import example_envelope
from contracts.state import State

PACKAGE = Path(__file__).resolve().parent
LIBRARY = PACKAGE.parent.parent
REPOSITORY = LIBRARY.parent.parent

_MODULES = (event, fields, enrollment, matching, engagement, evaluation)
_TOPIC_FIELDS = tuple(name if name != "name" else "topic" for name in catalog.Topic.__dataclass_fields__)


def topic_files() -> list[dict[str, Any]]:
    """The topic files as written, each with its `topic` under `name`.

    Raises:
        ValueError: a file has other fields than a topic, or another name than its topic.
    """
    rows = []
    for path in sorted((LIBRARY / "topics").glob("*.yaml")):
        row: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        if set(row) != set(_TOPIC_FIELDS):
            raise ValueError(f"{path.name}: fields {sorted(set(row) ^ set(_TOPIC_FIELDS))} are missing or unknown")
        if row["topic"] != path.stem:
            raise ValueError(f"{path.name}: is named differently from its topic {row['topic']}")
        rows.append({"name": row.pop("topic")} | row)
    return rows


def compiled_topics() -> Iterator[tuple[Path, str]]:
    """The topic files as package data, so that reading them needs no YAML."""
    yield PACKAGE / "topics.json", _json(topic_files())


def schemas() -> Iterator[tuple[Path, str]]:
    """A JSON Schema of what a writer sends, for every event type."""
    for model in catalog.EVENTS:
        yield LIBRARY / "schemas" / f"{catalog.type_of(model)}.json", _json(json_schema(model))


def examples() -> Iterator[tuple[Path, str]]:
    """A record of every event type, as it lies on its topic."""
    for model in catalog.EVENTS:
        record = encode(example_envelope(model))
        shown = {
            "topic": record.topic,
            "key": record.key.decode(),
            "headers": {name: value.decode() for name, value in record.headers},
            "value": json.loads(record.value),
        }
        yield LIBRARY / "examples" / f"{catalog.type_of(model)}.json", _json(shown)


def present() -> State:
    """The language as the models and topic files have it now."""
    return State(
        schemas={catalog.type_of(model): json_schema(model) for model in catalog.EVENTS},
        places={catalog.type_of(model): model.TOPIC for model in catalog.EVENTS},
        topics={row["name"]: row for row in topic_files()},
    )


def version(now: State) -> str:
    """The release that `now` is, `1.2.0`, or the last one marked as changed since: `1.2.0+unreleased`."""
    last = (state.releases() or ["0.0.0"])[-1]
    return last if last != "0.0.0" and state.released(last) == now else f"{last}+unreleased"


def asyncapi_text(now: State, version_: str) -> str:
    """The AsyncAPI document of a state, as YAML."""
    return _yaml(asyncapi.document(now, version_))


def odcs_texts(now: State, version_: str) -> Mapping[str, str]:
    """The data contracts of a state by file name, as YAML: one for every public topic."""
    topics = catalog.topics_of(now.topics.values())
    return {
        f"{topic.name}.odcs.yaml": _yaml(odcs.contract(topic, now, version_))
        for topic in topics.values()
        if topic.audience == "public"
    }


def asyncapi_document() -> Iterator[tuple[Path, str]]:
    """Channels, messages and who sends and receives them, for tools and for people."""
    now = present()
    yield LIBRARY / "asyncapi.yaml", asyncapi_text(now, version(now))


def data_contracts() -> Iterator[tuple[Path, str]]:
    """What data teams are promised of every public topic."""
    now = present()
    for name, text in odcs_texts(now, version(now)).items():
        yield LIBRARY / "odcs" / name, text


def events_page() -> Iterator[tuple[Path, str]]:
    """The catalog for readers: each topic, its events and their fields."""
    yield REPOSITORY / "docs" / "events.md", "\n".join(_events_page()) + "\n"


GENERATORS: tuple[Callable[[], Iterator[tuple[Path, str]]], ...] = (
    compiled_topics,
    schemas,
    examples,
    asyncapi_document,
    data_contracts,
    events_page,
)
"""Each yields the path and the text of every file it is responsible for."""


def generated() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    return {path: text for generator in GENERATORS for path, text in generator()}


def stale() -> dict[Path, str | None]:
    """What differs, with the text it should have: None for a file that should not exist."""
    wanted = generated()
    found: dict[Path, str | None] = {
        path: text for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for folder in sorted({path.parent for path in wanted if path.parent.parent == LIBRARY}):
        found.update(dict.fromkeys(set(folder.glob("*")) - set(wanted)))
    return found


def json_schema(model: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event's payload, with the models' own words as descriptions."""
    schema = model.model_json_schema(mode="validation")
    for name, definition in schema.get("$defs", {}).items():
        _describe(definition, _class_named(name))
    _describe(schema, model)
    schema["title"] = model.__name__
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": catalog.schema_of(model)} | schema


def _class_named(name: str) -> type | None:
    return next((getattr(module, name) for module in _MODULES if hasattr(module, name)), None)


def _describe(schema: dict[str, Any], model: type | None) -> None:
    if model is None:
        return
    schema["description"] = inspect.cleandoc(model.__doc__ or "")
    words = field_words(model)
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        if name in words:
            field["description"] = words[name]
        elif "uuid" in (option.get("format") for option in (field, *field.get("anyOf", ()))):
            field["description"] = f"The {name.removesuffix('_id').replace('_', ' ')}, by its opaque id."


def field_words(model: type) -> dict[str, str]:
    """What each field of a model means: the text below it, or that of its type in `fields`."""
    words: dict[str, str] = {}
    for base in reversed(model.__mro__):
        words |= _WORDS.get(base.__name__, {})
    return words


def _read_words() -> Mapping[str, Mapping[str, str]]:
    """Per class, what is said below each field, or else of the field's type."""
    of_types = _texts_below(ast.parse(inspect.getsource(fields)).body)
    found: dict[str, dict[str, str]] = {}
    for module in _MODULES:
        for node in ast.parse(inspect.getsource(module)).body:
            if not isinstance(node, ast.ClassDef):
                continue
            found[node.name] = _texts_below(node.body, of_types)
            if any(isinstance(base, ast.Name) and base.id == "OpenEnum" for base in node.bases):
                of_types[node.name] = " ".join((ast.get_docstring(node) or "").split())
    return found


def _texts_below(body: list[ast.stmt], of_types: Mapping[str, str] | None = None) -> dict[str, str]:
    found: dict[str, str] = {}
    for node, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            types = [part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)]
            known = [of_types[type_] for type_ in types if of_types and type_ in of_types]
            if known:
                found[name] = known[0]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found[name] = " ".join(below.value.value.split())
    return found


_WORDS = _read_words()


def _events_page() -> Iterator[str]:
    topics = catalog.topics_of(topic_files()).values()
    yield "# Events"
    yield ""
    yield "Generated by `make contracts` from `libs/contracts`; edit the models and topic files, not this page."
    yield ""
    yield "CloudEvents 1.0 in binary mode: the payload is JSON, everything about it is in the record's headers. The"
    yield "key is the aggregate's id, `ce_sequence` its version after the change (contiguous from 1 per topic and key)."
    yield "Each event carries the aggregate's state after it, so the latest record of a key is the state. Readers drop"
    yield "fields they do not know and treat unknown values of an enumeration as `unknown`. No event holds a name, an"
    yield "address or free text. A field that is absent and optional is none."
    yield ""
    yield "| topic | writer | readers | audience | events |"
    yield "|---|---|---|---|---|"
    for topic in topics:
        events = ", ".join(f"`{name}`" for name in topic.events)
        readers = ", ".join(topic.consumers) or "data teams"
        yield f"| [`{topic.name}`](#{_anchor(topic.name)}) | {topic.owner} | {readers} | {topic.audience} | {events} |"
    for topic in topics:
        yield ""
        yield from _topic_section(topic)


def _topic_section(topic: catalog.Topic) -> Iterator[str]:
    models = [model for model in catalog.EVENTS if topic.name == model.TOPIC]
    yield f"## {topic.name}"
    yield ""
    yield topic.description.strip()
    yield ""
    yield (
        f"One record per change of a {topic.aggregate}; key `{topic.key}`, {topic.partitions} partitions, "
        f"kept {topic.retention.replace('forever', 'for ever')}; {topic.classification}."
    )
    yield ""
    yield "| type | when |"
    yield "|---|---|"
    for model in models:
        yield f"| `{catalog.type_of(model)}` | {_cell(model.__doc__ or '')} |"
    yield ""
    shapes: dict[tuple[str, ...], list[str]] = {}
    for model in models:
        shapes.setdefault(tuple(_fields(json_schema(model))), []).append(catalog.type_of(model))
    for lines, types in shapes.items():
        if len(shapes) > 1:
            yield "Fields of " + ", ".join(f"`{name}`" for name in types) + ":"
            yield ""
        yield from lines
        if list(shapes)[-1] != lines:
            yield ""


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from _field_table(schema, set(schema.get("required", ())))
    for name, part in sorted(schema.get("$defs", {}).items()):
        yield ""
        yield f"`{name}`: {_cell(part.get('description', ''))}"
        yield ""
        yield from _field_table(part, set(part.get("required", ())))


def _field_table(schema: Mapping[str, Any], required: set[str]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for name, field in schema["properties"].items():
        optional = "" if name in required else ", optional"
        yield f"| `{name}` | {_type_words(field)}{optional} | {_cell(field.get('description', ''))} |"


def _type_words(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type_words(option) for option in field["anyOf"] if option.get("type") != "null")
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type_words(field['items'])}"
    words = str(field.get("format", field.get("type", "")))
    if "$ref" in field:
        words = f"`{field['$ref'].rpartition('/')[2]}`"
    elif "pattern" in field:
        words = f"`{_cell(field['pattern'])}`"
    elif "minimum" in field:
        words = f"{words} {field['minimum']} to {field['maximum']}"
    return words


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _Plain(yaml.SafeDumper):
    """Writes no anchors, so that a part can be read where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out."""
        return True


def _yaml(value: object) -> str:
    text: str = yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=118)
    return "# Generated by `make contracts` from the models and topic files.\n" + text


def write() -> dict[Path, str | None]:
    """Bring every generated file up to date; returns what has changed, None for a file that was removed."""
    found = stale()
    for path, text in found.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write, or with `--check` only name, what is stale. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    check: bool = parser.parse_args(arguments).check
    found = stale() if check else write()
    for path, text in sorted(found.items()):
        done = "stale" if check else "removed" if text is None else "written"
        sys.stdout.write(f"{done}: {path.relative_to(REPOSITORY)}\n")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
