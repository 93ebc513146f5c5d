"""The gate: what would break a reader is refused with the reader's name and a way out; what fits passes."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from contracts import compatibility, generate, state
from contracts.compatibility import Finding, Kind, compare
from contracts.state import State

NOW = generate.present()
MEETING = "updraft.engagement.MeetingLogged.v1"
MEETINGS = "updraft.engagement.meetings"
APPLIED = "updraft.enrollment.ParticipantApplied.v1"
JOINED = "updraft.enrollment.PersonJoined.v1"
REGISTERED = "updraft.enrollment.BusinessUnitRegistered.v1"
PEOPLE = "updraft.enrollment.people"

Edit = Callable[[Any], object]


def with_schema(name: str, edit: Edit) -> State:
    schema = deepcopy(NOW.schemas[name])
    edit(schema)
    return replace(NOW, schemas={**NOW.schemas, name: schema})


def with_topic(name: str, **changes: Any) -> State:
    return replace(NOW, topics={**NOW.topics, name: {**NOW.topics[name], **changes}})


def with_type(name: str, schema: Any, topic: str = MEETINGS) -> State:
    return replace(NOW, schemas={**NOW.schemas, name: schema}, places={**NOW.places, name: topic})


def without_type(name: str) -> State:
    return replace(NOW, places={known: place for known, place in NOW.places.items() if known != name})


def add(name: str, field: dict[str, Any], *, required: bool = False) -> Edit:
    def edit(schema: Any) -> None:
        schema["properties"][name] = field
        if required:
            schema["required"].append(name)

    return edit


def optional(schema: Any) -> Any:
    """The first alternative of `minutes`, which may be absent."""
    return schema["properties"]["minutes"]["anyOf"][0]


SIX: list[tuple[str, State, Kind, str, str, str]] = [
    ("removed field", with_schema(MEETING, lambda s: s["properties"].pop("channel")),
     Kind.REMOVED_FIELD, "channel", "evaluation, data teams", "keep the field"),
    ("changed type", with_schema(MEETING, lambda s: optional(s).update(type="string")),
     Kind.CHANGED_TYPE, "minutes", "evaluation, data teams", "another name"),
    ("dropped format", with_schema(JOINED, lambda s: s["properties"]["person_id"].pop("format")),
     Kind.DROPPED_FORMAT, "person_id", "matching", "updraft.enrollment.PersonJoined.v2"),
    ("new required field", with_schema(APPLIED, add("mood", {"type": "string"}, required=True)),
     Kind.NEW_REQUIRED_FIELD, "mood", "matching, engagement, evaluation, data teams", "default so that it is optional"),
    ("narrowed enum", with_schema(MEETING, lambda s: s["properties"]["state"]["enum"].remove("missed")),
     Kind.NARROWED_ENUM, "state", "evaluation, data teams", "stop sending it"),
    ("removed type", without_type(MEETING),
     Kind.REMOVED_TYPE, "", "evaluation, data teams", "updraft.engagement.MeetingLogged.v2"),
]  # fmt: skip


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


@pytest.mark.requirement("F15")
@pytest.mark.parametrize(
    ("after", "kind", "path", "readers", "remedy"), [row[1:] for row in SIX], ids=[r[0] for r in SIX]
)
def test_what_breaks_a_reader_is_refused_with_the_reader_and_a_way_out(
    after: State, kind: Kind, path: str, readers: str, remedy: str
) -> None:
    finding = only(compare(NOW, after))
    assert finding.breaking
    assert (finding.kind, finding.path) == (kind, path)
    told = str(finding)
    assert told.startswith("BREAKS updraft.")
    assert f"read by {readers}; " in told
    assert remedy in told.partition("instead: ")[2]


OTHERS: list[tuple[str, State, Kind, str]] = [
    ("changed format", with_schema(MEETING, lambda s: s["properties"]["pair_id"].update(format="date")),
     Kind.CHANGED_FORMAT, "pair_id"),
    ("added format", with_schema(JOINED, lambda s: s["properties"]["grade"].update(format="uuid")),
     Kind.ADDED_FORMAT, "grade"),
    ("optional made required", with_schema(MEETING, lambda s: s["required"].append("channel")),
     Kind.MADE_REQUIRED, "channel"),
    ("required made optional", with_schema(MEETING, lambda s: s["required"].remove("pair_id")),
     Kind.MADE_OPTIONAL, "pair_id"),
    ("may be null", with_schema(MEETING, lambda s: s["properties"].update(state={"anyOf": [s["properties"]["state"], {"type": "null"}]})),
     Kind.CHANGED_TYPE, "state"),
    ("enumeration becomes text", with_schema(MEETING, lambda s: s["properties"]["state"].pop("enum")),
     Kind.CHANGED_TYPE, "state"),
    ("lower maximum", with_schema(MEETING, lambda s: optional(s).update(maximum=600)), Kind.TIGHTENED, "minutes"),
    ("higher maximum", with_schema(MEETING, lambda s: optional(s).update(maximum=9000)), Kind.LOOSENED, "minutes"),
    ("no maximum", with_schema(MEETING, lambda s: optional(s).pop("maximum")), Kind.LOOSENED, "minutes"),
    ("higher minimum", with_schema(MEETING, lambda s: optional(s).update(minimum=5)), Kind.TIGHTENED, "minutes"),
    ("lower minimum", with_schema(MEETING, lambda s: optional(s).update(minimum=0)), Kind.LOOSENED, "minutes"),
    ("new least length", with_schema(JOINED, lambda s: s["properties"]["grade"].update(minLength=2)), Kind.TIGHTENED, "grade"),
    ("shorter text", with_schema(JOINED, lambda s: s["properties"]["grade"].update(maxLength=8)), Kind.TIGHTENED, "grade"),
    ("other pattern", with_schema(JOINED, lambda s: s["properties"]["grade"].update(pattern="^G")), Kind.CHANGED_RULE, "grade"),
    ("fewer in a list", with_schema(APPLIED, lambda s: s["properties"]["offers"].update(maxItems=5)), Kind.TIGHTENED, "offers"),
    ("inside a list", with_schema(APPLIED, lambda s: s["$defs"]["LanguageSkill"]["properties"].pop("level")),
     Kind.REMOVED_FIELD, "languages[].level"),
    ("inside a list of identifiers", with_schema(MEETING, lambda s: s["properties"]["named_unit_ids"]["items"].pop("format")),
     Kind.DROPPED_FORMAT, "named_unit_ids[]"),
    ("required inside an object", with_schema(APPLIED, lambda s: s["$defs"]["WorkingHours"]["required"].remove("end_minute")),
     Kind.MADE_OPTIONAL, "working_hours.end_minute"),
    ("other default", with_schema(APPLIED, lambda s: s["properties"]["capacity"].update(default=2)),
     Kind.CHANGED_DEFAULT, "capacity"),
    ("moved type", replace(NOW, places={**NOW.places, MEETING: PEOPLE}), Kind.MOVED_TYPE, ""),
    ("moved key", with_topic(MEETINGS, key="pair_id"), Kind.MOVED_KEY, ""),
    ("removed topic", replace(NOW, topics={n: t for n, t in NOW.topics.items() if n != PEOPLE}), Kind.REMOVED_TOPIC, ""),
    ("more partitions", with_topic(MEETINGS, partitions=12), Kind.CHANGED_PARTITIONS, ""),
    ("other owner", with_topic(MEETINGS, owner="matching"), Kind.CHANGED_OWNER, ""),
    ("compacted", with_topic(MEETINGS, cleanup="compact"), Kind.SHORTENED, ""),
    ("kept for a week", with_topic(MEETINGS, retention="7 days"), Kind.SHORTENED, ""),
    ("no longer public", with_topic(MEETINGS, audience="internal"), Kind.HIDDEN, ""),
    ("other classification", with_topic(MEETINGS, classification="organisation"), Kind.RECLASSIFIED, ""),
]  # fmt: skip


@pytest.mark.requirement("F15")
@pytest.mark.parametrize(("after", "kind", "path"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_what_else_breaks_a_reader_is_refused(after: State, kind: Kind, path: str) -> None:
    finding = only([finding for finding in compare(NOW, after) if finding.breaking])
    assert (finding.kind, finding.path) == (kind, path)
    assert finding.readers
    assert finding.instead


FITTING: list[tuple[str, State, Kind, str]] = [
    ("new optional field", with_schema(MEETING, add("mood", {"type": "string", "default": "none"})), Kind.NEW_FIELD, "any order"),
    ("new optional field deeper", with_schema(APPLIED, lambda s: add("years", {"type": "integer"})(s["$defs"]["LanguageSkill"])),
     Kind.NEW_FIELD, "any order"),
    ("new value of an enumeration", with_schema(MEETING, lambda s: s["properties"]["state"]["enum"].append("moved")),
     Kind.WIDENED_ENUM, "readers first"),
    ("new event type", with_type("updraft.engagement.MeetingMoved.v1", NOW.schemas[MEETING]), Kind.NEW_TYPE, "readers first"),
    ("new version beside", with_type("updraft.engagement.MeetingLogged.v2", NOW.schemas[JOINED]),
     Kind.NEW_VERSION, "send the older version too"),
    ("new topic", replace(NOW, topics={**NOW.topics, "updraft.x": NOW.topics[PEOPLE]}), Kind.NEW_TOPIC, "create the topic first"),
    ("new reader", with_topic(MEETINGS, consumers=["evaluation", "matching"]), Kind.NEW_READER, "topics first"),
    ("reader gone", with_topic(MEETINGS, consumers=[]), Kind.READER_GONE, "reader first"),
    ("made public", with_topic(PEOPLE, audience="public"), Kind.PUBLISHED, "data teams"),
    ("reworded", with_schema(MEETING, lambda s: s["properties"]["state"].update(description="How it stands.")),
     Kind.REWORDED, "updraft.engagement.MeetingLogged.v2"),
]  # fmt: skip


@pytest.mark.parametrize(("after", "kind", "order"), [row[1:] for row in FITTING], ids=[row[0] for row in FITTING])
def test_what_no_reader_notices_passes_and_says_in_which_order_to_roll_out(
    after: State, kind: Kind, order: str
) -> None:
    finding = only(compare(NOW, after))
    assert not finding.breaking
    assert finding.kind is kind
    assert order in str(finding)


def test_every_kind_of_change_is_tried_here() -> None:
    tried = {row[2] for row in (*SIX, *OTHERS, *FITTING)}
    assert tried == set(Kind)


def test_a_field_made_optional_with_null_is_one_change() -> None:
    def edit(schema: Any) -> None:
        schema["required"].remove("state")
        schema["properties"]["state"] = {"anyOf": [schema["properties"]["state"], {"type": "null"}], "default": None}

    assert only(compare(NOW, with_schema(MEETING, edit))).kind is Kind.MADE_OPTIONAL


def test_what_types_of_a_topic_share_is_told_once_with_all_of_them() -> None:
    shared = [name for name, place in NOW.places.items() if place == MEETINGS]
    schemas = deepcopy(dict(NOW.schemas))
    for name in shared:
        schemas[name]["properties"].pop("channel")
    finding = only(compare(NOW, replace(NOW, schemas=schemas)))
    assert finding.subjects == tuple(shared)
    assert "`updraft.engagement.MeetingScheduled.v2` (and so for the others)" in finding.instead


def test_the_next_version_is_one_that_nothing_has_taken() -> None:
    schemas = {**NOW.schemas, MEETING.replace("v1", "v2"): NOW.schemas[MEETING]}
    places = {**NOW.places, MEETING.replace("v1", "v2"): MEETINGS}
    before = State(schemas, places, NOW.topics)
    schema = deepcopy(NOW.schemas[MEETING])
    schema["properties"].pop("channel")
    assert "MeetingLogged.v3" in only(compare(before, replace(before, schemas={**schemas, MEETING: schema}))).instead


def test_where_a_part_is_defined_makes_no_difference() -> None:
    def inline(schema: Any) -> None:
        part = schema["$defs"].pop("GradeRung")
        schema["properties"]["grade_ladder"]["items"] = part

    assert compare(NOW, with_schema(REGISTERED, inline)) == []


@pytest.mark.requirement("F15")
def test_the_command_says_what_breaks_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compatibility.main([]) == 0
    assert "its readers are safe" in capsys.readouterr().out
    after = with_schema(MEETING, lambda s: (s["properties"].pop("channel"), add("mood", {"type": "string"})(s)))
    monkeypatch.setattr(generate, "present", lambda: after)
    assert compatibility.main([]) == 1
    out = capsys.readouterr().out
    assert out.index("BREAKS updraft.engagement.MeetingLogged.v1: field channel") < out.index(
        "fits   updraft.engagement"
    )
    last = state.releases()[-1]
    total = compatibility.report(compare(state.released(last), after), last).splitlines()[-1]
    assert total in out
    assert total.endswith(", of which 1 would break its readers.")


def test_the_present_state_fits_its_last_release() -> None:
    last = state.releases()[-1]
    breaking = [str(finding) for finding in compare(state.released(last), NOW) if finding.breaking]
    assert breaking == []


def test_no_release_ever_broke_the_one_before() -> None:
    done = state.releases()
    for older, newer in pairwise(done):
        assert not [f for f in compare(state.released(older), state.released(newer)) if f.breaking], (
            f"{older} -> {newer}"
        )


def test_without_a_release_the_gate_cannot_pass(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "RELEASED", tmp_path / "none")
    assert state.releases() == []
    assert compatibility.main([]) == 1
