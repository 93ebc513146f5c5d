"""The compatibility gate: what has changed since the last release, and whether a reader of that release would notice.

    python -m contracts.compatibility    prints every change; exits with 1 when one of them breaks a reader

Writers are strict and readers tolerant. Topics are kept for ever and replayed, and data teams upgrade when they like, so
a released event must stay readable both ways: a new reader reads every old record, an old reader every new one. Hence a
released field never changes. What may come is a new optional field (readers drop what they do not know), a new value of
an enumeration (readers take it as `unknown`), a new event type, a new version of one, a new topic.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

from contracts import generate, state
from contracts.state import State

DATA_TEAMS = "data teams"
"""Who reads a public topic besides our own services."""

_NEXT = "keep it as it is and publish {next} beside it"
_ANY_ORDER = "roll out in any order"
_READERS_FIRST = "roll out readers first, then the writer"
_OLD_RECORDS = "readers could no longer read records that are already on the topic"
_OLD_READERS = "readers that are not upgraded would refuse new records and set them aside"


class Kind(Enum):
    """What a change is: whether it breaks, what it would do to readers, and what to do (instead)."""

    REMOVED_FIELD = True, "readers would find it empty or missing", "keep the field, or publish {next} without it"
    CHANGED_TYPE = (
        True,
        "readers would refuse records, old or new",
        "add an optional field of another name, or " + _NEXT,
    )
    DROPPED_FORMAT = True, "readers that rely on it would meet other values", _NEXT
    CHANGED_FORMAT = (
        True,
        "readers would refuse records, old or new",
        "add an optional field of another name, or " + _NEXT,
    )
    ADDED_FORMAT = True, _OLD_RECORDS, _NEXT
    NEW_REQUIRED_FIELD = (
        True,
        _OLD_RECORDS,
        "give the field a default so that it is optional, or publish {next} with it",
    )
    MADE_REQUIRED = True, _OLD_RECORDS, "leave it optional, or publish {next} where it is required"
    MADE_OPTIONAL = True, _OLD_READERS, "keep it required, or publish {next} where it is optional"
    NARROWED_ENUM = True, _OLD_RECORDS, "keep the value and stop sending it, or publish {next} without it"
    TIGHTENED = True, _OLD_RECORDS, "keep the bound and be stricter where the event is made, or publish {next}"
    LOOSENED = True, _OLD_READERS, "add an optional field of another name, or " + _NEXT
    CHANGED_DEFAULT = True, "a record without the field would mean something else than before", _NEXT
    CHANGED_RULE = True, "readers would refuse records, old or new", _NEXT
    REMOVED_TYPE = True, _OLD_RECORDS, "keep the model even if nothing is sent any more; what replaces it is {next}"
    MOVED_TYPE = True, "readers of the old topic would get it no more", "publish {next} on the new topic beside it"
    REMOVED_TOPIC = (
        True,
        "readers and everything kept on it would be lost",
        "keep the topic file, even if nothing is sent",
    )
    MOVED_KEY = True, "the order of an aggregate's events would be lost", "publish new types on a new topic"
    CHANGED_PARTITIONS = True, "keys would move and lose their order", "publish on a new topic with more partitions"
    CHANGED_OWNER = (
        True,
        "type, source and grants of the writer would change",
        "publish new types on a topic of the new owner",
    )
    SHORTENED = True, "readers that replay would miss records", "keep the topic's cleanup and retention"
    HIDDEN = True, "data teams would lose the topic", "keep it public; publish new types on an internal topic"
    RECLASSIFIED = (
        True,
        "readers hold the data under the old rules",
        "publish new types on a topic of that classification",
    )

    NEW_FIELD = False, "readers drop it until they know it", _ANY_ORDER
    WIDENED_ENUM = False, "older readers take it as `unknown`", _READERS_FIRST + ", or they see `unknown`"
    NEW_TYPE = False, "readers that do not know it set it aside", _READERS_FIRST
    NEW_VERSION = (
        False,
        "readers that do not know it set it aside",
        (_READERS_FIRST + "; send the older version too until nobody reads it"),
    )
    NEW_TOPIC = False, "", "create the topic first, then roll out readers, then the writer"
    NEW_READER = False, "", "apply the topics first (its dead letters need one), then roll out the reader"
    READER_GONE = False, "", "roll out the reader first, then apply the topics"
    PUBLISHED = False, "", "apply the topics; data teams may read from the first record on"
    REWORDED = False, "", "if it now means something else, publish {next} instead"

    def __new__(cls, *_: object) -> Kind:
        """Tell members apart even when they say the same."""
        member = object.__new__(cls)
        member._value_ = len(cls.__members__)
        return member

    def __init__(self, breaking: bool, why: str, instead: str) -> None:
        self.breaking = breaking
        self.why = why
        self.instead = instead


class Change(NamedTuple):
    """One difference between two schemas, or two topics."""

    kind: Kind
    path: str
    """The field, `offers[].level`; empty for the event or topic itself."""
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One change, for everybody whom it concerns."""

    kind: Kind
    subjects: tuple[str, ...]
    """The event types, or the topic, that have changed alike."""
    path: str
    what: str
    readers: tuple[str, ...]
    """Services and `data teams` that read the topic; empty when nobody does yet."""
    instead: str
    """What to do instead; for a compatible change, in which order to roll out."""

    @property
    def breaking(self) -> bool:
        """Whether a reader of the release would notice."""
        return self.kind.breaking

    def __str__(self) -> str:
        """What changed, who reads it, what to do."""
        place = ", ".join(self.subjects) + (f": field {self.path}" if self.path else "")
        why = f"; {self.kind.why}" if self.kind.why else ""
        return (
            f"{'BREAKS' if self.breaking else 'fits  '} {place}: {self.what}\n"
            f"       read by {', '.join(self.readers) or 'nobody yet'}{why}\n"
            f"       {'instead' if self.breaking else 'then'}: {self.instead}"
        )


def compare(before: State, after: State) -> list[Finding]:
    """Every change from one state to a later one, those that break first. Changes shared by types are told once."""
    found: dict[tuple[Change, str], Finding] = {}
    for subject, topic, change in _changes(before, after):
        place = (change, topic)
        known = found.get(place)
        subjects = (*known.subjects, subject) if known else (subject,)
        instead = _instead(change.kind, subjects, after)
        if known:
            found[place] = replace(known, subjects=subjects, instead=instead)
        else:
            readers = _readers(topic, before, after)
            found[place] = Finding(change.kind, subjects, change.path, change.what, readers, instead)
    return sorted(found.values(), key=lambda finding: not finding.breaking)


def _changes(before: State, after: State) -> Iterator[tuple[str, str, Change]]:
    """Each change with the event type (or topic) that has it and the topic where it is read."""
    for name, place in before.places.items():
        if name not in after.places:
            yield name, place, Change(Kind.REMOVED_TYPE, "", "event type removed")
            continue
        if after.places[name] != place:
            yield name, place, Change(Kind.MOVED_TYPE, "", f"moved to topic {after.places[name]}")
        for change in schema_changes(before.schemas[name], after.schemas[name]):
            yield name, place, change
    names = {_name(name) for name in before.places}
    for name, place in after.places.items():
        if name not in before.places:
            kind, what = (
                (Kind.NEW_VERSION, "new version") if _name(name) in names else (Kind.NEW_TYPE, "new event type")
            )
            yield name, place, Change(kind, "", what)
    for topic in sorted(before.topics.keys() | after.topics.keys()):
        for change in _topic_changes(before.topics.get(topic), after.topics.get(topic)):
            yield topic, topic, change


_FIXED_FOR_TOPICS = {
    "key": Kind.MOVED_KEY,
    "owner": Kind.CHANGED_OWNER,
    "partitions": Kind.CHANGED_PARTITIONS,
    "cleanup": Kind.SHORTENED,
    "retention": Kind.SHORTENED,
    "classification": Kind.RECLASSIFIED,
}


def _topic_changes(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Change]:
    if old is None or new is None:
        yield (
            Change(Kind.NEW_TOPIC, "", "new topic") if old is None else Change(Kind.REMOVED_TOPIC, "", "topic removed")
        )
        return
    for name, kind in _FIXED_FOR_TOPICS.items():
        if old[name] != new[name]:
            yield Change(kind, "", f"{name} changed from {old[name]} to {new[name]}")
    if old["audience"] != new["audience"]:
        kind = Kind.PUBLISHED if new["audience"] == "public" else Kind.HIDDEN
        yield Change(kind, "", f"audience changed from {old['audience']} to {new['audience']}")
    for reader in sorted({*old["consumers"], *new["consumers"]}):
        if reader not in old["consumers"]:
            yield Change(Kind.NEW_READER, "", f"{reader} reads it")
        elif reader not in new["consumers"]:
            yield Change(Kind.READER_GONE, "", f"{reader} reads it no more")


def schema_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Every change from one JSON Schema of an event to another."""
    yield from _value_changes(_Plain(before, before), _Plain(after, after), "")


class _Plain:
    """A schema with references followed, what is said about it set apart, and null taken out of its alternatives."""

    def __init__(self, schema: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        found = dict(schema)
        while "$ref" in found:
            target = document["$defs"][found.pop("$ref").rpartition("/")[2]]
            found = {**target, **found}
        options = [option for option in found.get("anyOf", ()) if option.get("type") != "null"]
        self.nullable = "anyOf" in found and len(options) < len(found["anyOf"])
        if self.nullable and len(options) == 1:
            del found["anyOf"]
            inner = _Plain(options[0], document)
            found = {"description": inner.words, **inner.rules, **found}
        self.document = document
        self.words: str = found.pop("description", "")
        self.default = found.pop("default", None)
        self.rules: dict[str, Any] = {key: value for key, value in found.items() if key not in _NOT_RULES}

    def part(self, schema: Mapping[str, Any]) -> _Plain:
        return _Plain(schema, self.document)

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.rules.get("properties", {})
        return found

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.rules.get("required", ()))


_NOT_RULES = frozenset({"$schema", "$id", "$defs", "title", "examples"})
_AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_TOLD_APART = frozenset({"type", "format", "enum", "items", "properties", "required", *_AT_MOST, *_AT_LEAST})


def _value_changes(before: _Plain, after: _Plain, path: str) -> Iterator[Change]:
    old, new = before.rules, after.rules
    if before.words != after.words:
        yield Change(Kind.REWORDED, path, "reworded")
    if old.get("type") != new.get("type") or ("enum" in old) != ("enum" in new):
        yield Change(Kind.CHANGED_TYPE, path, f"type changed from {_type(old)} to {_type(new)}")
        return
    if old.get("format") != new.get("format"):
        if "format" not in new:
            yield Change(Kind.DROPPED_FORMAT, path, f"format {old['format']} dropped")
        elif "format" not in old:
            yield Change(Kind.ADDED_FORMAT, path, f"format {new['format']} added")
        else:
            yield Change(Kind.CHANGED_FORMAT, path, f"format changed from {old['format']} to {new['format']}")
    if gone := [value for value in old.get("enum", ()) if value not in new["enum"]]:
        yield Change(Kind.NARROWED_ENUM, path, f"values removed: {_listed(gone)}")
    if added := [value for value in new.get("enum", ()) if value not in old["enum"]]:
        yield Change(Kind.WIDENED_ENUM, path, f"values added: {_listed(added)}")
    yield from _bound_changes(old, new, path)
    for rule in sorted((old.keys() | new.keys()) - _TOLD_APART):
        if old.get(rule) != new.get(rule):
            yield Change(Kind.CHANGED_RULE, path, f"{rule} changed from {old.get(rule)} to {new.get(rule)}")
    if "items" in old and "items" in new:
        yield from _value_changes(before.part(old["items"]), after.part(new["items"]), f"{path}[]")
    elif ("items" in old) != ("items" in new):
        yield Change(Kind.CHANGED_RULE, path, "what the list holds has changed")
    yield from _property_changes(before, after, path)


def _bound_changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Change]:
    tighter: dict[str, Callable[[Any, Any], bool]] = dict.fromkeys(_AT_MOST, lambda was, now: bool(now < was))
    tighter |= dict.fromkeys(_AT_LEAST, lambda was, now: bool(now > was))
    for bound, is_tighter in tighter.items():
        was, now = old.get(bound), new.get(bound)
        if was != now:
            tightened = was is None or (now is not None and is_tighter(was, now))
            kind = Kind.TIGHTENED if tightened else Kind.LOOSENED
            yield Change(kind, path, f"{bound} changed from {_shown(was)} to {_shown(now)}")


def _property_changes(before: _Plain, after: _Plain, path: str) -> Iterator[Change]:
    prefix = f"{path}." if path else ""
    for name, schema in before.properties.items():
        place = prefix + name
        if name not in after.properties:
            yield Change(Kind.REMOVED_FIELD, place, "field removed")
            continue
        old, new = before.part(schema), after.part(after.properties[name])
        was_required, is_required = name in before.required, name in after.required
        if was_required != is_required:
            kind = Kind.MADE_REQUIRED if is_required else Kind.MADE_OPTIONAL
            yield Change(kind, place, "was optional, is required" if is_required else "was required, is optional")
        else:
            if old.nullable != new.nullable:
                yield Change(Kind.CHANGED_TYPE, place, "may be null" if new.nullable else "may no longer be null")
            if old.default != new.default:
                shown = f"default changed from {_shown(old.default)} to {_shown(new.default)}"
                yield Change(Kind.CHANGED_DEFAULT, place, shown)
        yield from _value_changes(old, new, place)
    for name in after.properties:
        if name not in before.properties:
            required = name in after.required
            kind = Kind.NEW_REQUIRED_FIELD if required else Kind.NEW_FIELD
            yield Change(kind, prefix + name, "new required field" if required else "new optional field")


def _type(rules: Mapping[str, Any]) -> str:
    return "an enumeration" if "enum" in rules else str(rules.get("type", "alternatives"))


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def _listed(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _instead(kind: Kind, subjects: tuple[str, ...], after: State) -> str:
    if "{next}" not in kind.instead:
        return kind.instead
    others = " (and so for the others)" if len(subjects) > 1 else ""
    return kind.instead.format(next=f"`{_next(subjects[0], after)}`{others}")


def _name(event_type: str) -> str:
    return event_type.rpartition(".v")[0]


def _next(event_type: str, after: State) -> str:
    """The next version that nothing has taken yet: `updraft.engagement.MeetingLogged.v2`."""
    name = _name(event_type)
    taken = [int(other.rpartition(".v")[2]) for other in (*after.places, event_type) if _name(other) == name]
    return f"{name}.v{max(taken) + 1}"


def _readers(topic: str, before: State, after: State) -> tuple[str, ...]:
    rows = [row for row in (before.topics.get(topic), after.topics.get(topic)) if row is not None]
    services = dict.fromkeys(reader for row in rows for reader in row["consumers"])
    public = any(row["audience"] == "public" for row in rows)
    return (*services, DATA_TEAMS) if public else tuple(services)


def report(findings: list[Finding], version: str) -> str:
    """The findings for people, with a last line that says whether readers of `version` are safe."""
    breaking = sum(finding.breaking for finding in findings)
    total = f"Changes since {version}: {len(findings)}" if findings else f"Nothing has changed since {version}"
    verdict = f", of which {breaking} would break its readers." if breaking else "; its readers are safe."
    return "\n".join([*map(str, findings), total + verdict]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Compare the models and topic files with the last release. Returns the exit status."""
    argparse.ArgumentParser(prog="python -m contracts.compatibility").parse_args(arguments)
    released = state.releases()
    if not released:
        sys.stdout.write("Nothing has been released yet.\n")
        return 1
    findings = compare(state.released(released[-1]), generate.present())
    sys.stdout.write(report(findings, released[-1]))
    return 1 if any(finding.breaking for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
