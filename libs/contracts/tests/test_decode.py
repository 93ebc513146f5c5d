"""Reading records: whatever lies on a topic, the outcome is an event, `Undecodable` or `UnknownType`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from contracts import catalog
from contracts.engagement import MeetingLogged, PairStalled
from contracts.envelope import Envelope, Record, Undecodable, UnknownType, decode, encode
from contracts.examples import TRACEPARENT, example, example_envelope
from contracts.fields import Channel, Role
from contracts.identifiers import uuid7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

GOOD = encode(example_envelope(MeetingLogged))
NAMES = [name for name, _ in GOOD.headers]


def with_(**parts: Any) -> Any:
    """The good record with some of its parts replaced, by things a record cannot hold too."""
    return (parts.get(name, part) for name, part in GOOD._asdict().items())


def with_header(name: str, value: bytes | None) -> Record:
    headers: Any = tuple((known, value if known == name else raw) for known, raw in GOOD.headers)
    return GOOD._replace(headers=headers)


def without_header(name: str) -> Record:
    return GOOD._replace(headers=tuple(header for header in GOOD.headers if header[0] != name))


def with_payload(**changes: Any) -> Record:
    return GOOD._replace(value=json.dumps({**json.loads(GOOD.value), **changes}).encode())


@pytest.mark.parametrize("model", catalog.EVENTS, ids=lambda model: model.__name__)
def test_every_event_comes_back_as_it_went(model: type[Any]) -> None:
    envelope = example_envelope(model, sequence=7)
    record = encode(envelope)
    assert decode(*record) == envelope
    assert record.topic == catalog.topic_of(model).name
    assert record.key == str(envelope.subject).encode()


def test_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    envelope = example_envelope(MeetingLogged)
    headers = dict(encode(envelope).headers)
    assert headers == {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_id": str(envelope.id).encode(),
        "ce_source": b"/updraft/engagement",
        "ce_type": b"updraft.engagement.MeetingLogged.v1",
        "ce_subject": str(envelope.data.meeting_id).encode(),
        "ce_time": b"2026-03-23T15:00:00.000000Z",
        "ce_dataschema": b"urn:updraft:schema:updraft.engagement.MeetingLogged.v1",
        "ce_sequence": str(envelope.sequence).encode(),
        "ce_businessunit": str(envelope.business_unit_id).encode(),
        "traceparent": TRACEPARENT.encode(),
    }


def test_times_travel_in_utc() -> None:
    held_at = datetime(2026, 3, 23, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    event = example(MeetingLogged, held_at=held_at)
    sent = Envelope.of(event, sequence=1, time=held_at)
    assert json.loads(encode(sent).value)["held_at"] == "2026-03-23T12:00:00Z"
    assert decode(*encode(sent)).time == datetime(2026, 3, 23, 12, tzinfo=UTC)


@pytest.mark.requirement("F15")
def test_a_reader_drops_fields_it_does_not_know_at_every_depth() -> None:
    record = encode(example_envelope(catalog.model_of("updraft.enrollment.ParticipantApplied.v1")))
    payload = json.loads(record.value)
    payload["mood"] = "sunny"
    payload["offers"][0]["certified"] = True
    payload["working_hours"]["lunch"] = {"from": 720}
    assert decode(*record._replace(value=json.dumps(payload).encode())) == decode(*record)


@pytest.mark.requirement("F15")
def test_a_reader_takes_an_unknown_value_of_an_enumeration_as_unknown() -> None:
    assert decode(*with_payload(channel="hologram")).data.channel is Channel.UNKNOWN
    record = encode(example_envelope(catalog.model_of("updraft.enrollment.ParticipantApplied.v1")))
    payload = json.loads(record.value)
    payload["working_days"][0] = "eighthday"
    payload["languages"][0]["level"] = "C3"
    read = decode(*record._replace(value=json.dumps(payload).encode())).data
    assert read.working_days[0].name == "UNKNOWN"
    assert read.languages[0].level.name == "UNKNOWN"


def test_a_reader_does_without_an_optional_field() -> None:
    payload = json.loads(GOOD.value)
    del payload["channel"], payload["scheduled_for"]
    read = decode(*GOOD._replace(value=json.dumps(payload).encode())).data
    assert (read.channel, read.scheduled_for) == (None, None)


def test_a_record_without_trace_or_schema_is_still_an_event() -> None:
    bare = GOOD._replace(headers=tuple(h for h in GOOD.headers if h[0] not in {"traceparent", "ce_dataschema"}))
    assert decode(*bare).traceparent is None


@pytest.mark.requirement("F9")
def test_what_is_wrong_with_a_foreign_trace_header_costs_nothing_but_the_trace() -> None:
    for junk in (None, b"\xff" * 55, b"", b"x" * 10_000):
        assert decode(*with_header("traceparent", junk)).traceparent is None


@pytest.mark.requirement("F9")
@pytest.mark.parametrize("junk", [None, b"\xff\xfe\x00", b"x" * 100_000], ids=["null", "not-utf8", "large"])
def test_a_broken_header_that_is_not_ours_is_ignored(junk: bytes | None) -> None:
    headers: Any = (*GOOD.headers, ("x-foreign", junk))
    assert decode(*GOOD._replace(headers=headers)) == decode(*GOOD)


@pytest.mark.requirement("F9")
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ce_") and name != "ce_dataschema"])
@pytest.mark.parametrize("junk", [None, b"", b"\xff\xfe", b"x" * 5000], ids=["null", "empty", "not-utf8", "large"])
def test_a_broken_header_of_ours_is_undecodable_and_named(name: str, junk: bytes | None) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(*with_header(name, junk))
    assert caught.value.field == name
    with pytest.raises(Undecodable) as caught:
        decode(*without_header(name))
    assert caught.value.field == name


@pytest.mark.requirement("F9")
@pytest.mark.parametrize(
    ("record", "field"),
    [
        (tuple(with_(key=None)), "key"),
        (tuple(with_(key=b"")), "key"),
        (tuple(with_(key=b"\xff\xfe")), "key"),
        (tuple(with_(key=str(uuid7()).encode())), "key"),
        (tuple(with_(value=None)), "value"),
        (tuple(with_(value=b"")), "value"),
        (tuple(with_(value=b"{")), "value"),
        (tuple(with_(value=b"null")), "value"),
        (tuple(with_(value=b"[]")), "value"),
        (tuple(with_(value=b"\xff\xfe")), "value"),
        (tuple(with_(value=b"[" * 100_000)), "value"),
        (tuple(with_(value=b" " * (catalog.MAX_EVENT_BYTES + 1))), "value"),
        (tuple(with_(topic="updraft.engagement.pairs")), "ce_type"),
        (tuple(with_(headers=None)), "ce_specversion"),
        (tuple(with_(headers=())), "ce_specversion"),
        (tuple(with_(headers=(("ce_type",),))), None),
        (tuple(with_(headers=(None,))), None),
        (tuple(with_(headers=(("ce_type", "text"),))), "ce_type"),
        (with_header("ce_specversion", b"0.3"), "ce_specversion"),
        (with_header("ce_sequence", b"0"), "ce_sequence"),
        (with_header("ce_sequence", b"-1"), "ce_sequence"),
        (with_header("ce_sequence", "٣".encode()), "ce_sequence"),
        (with_header("ce_sequence", b"9" * 19), "ce_sequence"),
        (with_header("ce_sequence", b"9" * 900), "ce_sequence"),
        (with_header("ce_time", b"2026-03-23T15:00:00"), "ce_time"),
        (with_header("ce_time", b"0001-01-01T00:00:00+23:59"), "ce_time"),
        (with_header("ce_subject", str(uuid7()).encode()), "key"),
        (with_header("ce_businessunit", str(uuid7()).encode()), "ce_businessunit"),
        (with_payload(meeting_id=str(uuid7())), "ce_subject"),
        (with_payload(business_unit_id=str(uuid7())), "ce_businessunit"),
        (with_payload(minutes="soon"), "minutes"),
        (with_payload(minutes=True), "minutes"),
        (with_payload(minutes=1e300), "minutes"),
        (with_payload(minutes=100_000), "minutes"),
        (with_payload(channel=7), "channel"),
        (with_payload(state=None), "state"),
        (with_payload(held_at="0001-01-01T00:00:00+23:59"), "held_at"),
        (with_payload(held_at="2026-03-23T15:00:00"), "held_at"),
        (with_payload(held_at=1e30), "held_at"),
        (with_payload(named_unit_ids=[]), "named_unit_ids"),
        (with_payload(named_unit_ids=[1]), "named_unit_ids.0"),
    ],
)
def test_poison_is_undecodable_and_says_where(record: Any, field: str | None) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(*record)
    assert caught.value.field == field
    assert caught.value.reason


@pytest.mark.requirement("F9")
def test_unknown_types_and_versions_are_told_apart_from_poison() -> None:
    with pytest.raises(UnknownType) as caught:
        decode(*with_header("ce_type", b"updraft.engagement.MeetingDreamt.v1"))
    assert (caught.value.type, caught.value.known_in_another_version) == ("updraft.engagement.MeetingDreamt.v1", False)
    with pytest.raises(UnknownType) as caught:
        decode(*with_header("ce_type", b"updraft.engagement.MeetingLogged.v3"))
    assert caught.value.known_in_another_version


@pytest.mark.requirement("S14")
def test_the_reason_never_repeats_what_was_in_the_record() -> None:
    canary = "Anneliese.Canary@example.org"
    for record in (
        with_payload(minutes=canary),
        with_payload(held_at=canary),
        with_header("ce_id", canary.encode()),
        GOOD._replace(value=canary.encode()),
        with_(headers=((f"ce_{canary}", None), *GOOD.headers)),
    ):
        with pytest.raises(Undecodable) as caught:
            decode(*record)
        assert "canary" not in str(caught.value).lower()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=8,
)
ANY_HEADER = st.tuples(
    st.sampled_from(NAMES) | st.text(max_size=12), st.none() | st.binary(max_size=60) | st.text(max_size=9)
)


def outcome(*record: Any) -> str:
    try:
        decode(*record)
    except Undecodable:
        return "undecodable"
    except UnknownType:
        return "unknown type"
    return "event"


@pytest.mark.requirement("F9")
@settings(max_examples=300, deadline=None)
@given(
    topic=st.sampled_from(sorted(catalog.TOPICS)) | st.text(max_size=30),
    key=st.none() | st.binary(max_size=60),
    value=st.none() | st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()),
    headers=st.none() | st.lists(ANY_HEADER, max_size=12),
)
def test_garbage_is_never_anything_but_undecodable_or_unknown(topic: Any, key: Any, value: Any, headers: Any) -> None:
    assert outcome(topic, key, value, headers) != "event"


@pytest.mark.requirement("F9")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(model=st.sampled_from(catalog.EVENTS), data=st.data())
def test_a_good_record_with_one_thing_replaced_never_raises_anything_else(model: Any, data: st.DataObject) -> None:
    record = encode(example_envelope(model))
    if data.draw(st.booleans()):
        payload = json.loads(record.value)
        payload[data.draw(st.sampled_from(sorted(payload)))] = data.draw(JSON)
        outcome(*record._replace(value=json.dumps(payload).encode()))
    else:
        headers: list[Any] = list(record.headers)
        headers[data.draw(st.integers(0, len(headers) - 1))] = data.draw(ANY_HEADER)
        outcome(record.topic, record.key, record.value, headers)


def test_a_writer_cannot_send_what_a_reader_would_refuse() -> None:
    envelope = example_envelope(MeetingLogged)
    broken = envelope.data.model_copy(update={"minutes": 100_000})
    with pytest.raises(ValidationError):
        encode(Envelope.of(broken, sequence=1, time=envelope.time))
    unknown = envelope.data.model_copy(update={"channel": Channel.UNKNOWN})
    with pytest.raises(ValidationError):
        encode(Envelope.of(unknown, sequence=1, time=envelope.time))
    with pytest.raises(ValueError, match="counted from 1"):
        Envelope.of(envelope.data, sequence=0, time=envelope.time)
    with pytest.raises(ValueError, match="time zone"):
        Envelope.of(envelope.data, sequence=1, time=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_event_larger_than_the_limit_is_refused_when_written() -> None:
    stalled = example_envelope(PairStalled)
    large = stalled.data.model_copy(update={"signed_by": (Role.MENTOR,) * 50_000})
    with pytest.raises(ValueError, match=r"at most 262144 are allowed"):
        encode(Envelope.of(large, sequence=1, time=stalled.time))
