from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chassis.settings import ServiceSettings
from chassis.telemetry import (
    TraceContext,
    configure_tracing,
    current_trace,
    current_traceparent,
    parse_traceparent,
    start_span,
    stop_tracing,
)
from hypothesis import given
from hypothesis import strategies as st

from .sample import Sample
from .tokens import Issuer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_tracing()


def spans(folder: Path) -> list[dict[str, Any]]:
    """Everything recorded so far, tracing stopped."""
    stop_tracing()
    return [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


def configure(folder: Path, ratio: float) -> None:
    configure_tracing("sample", "api", ServiceSettings(traces=folder, trace_ratio=ratio))


def test_spans_of_a_trace_are_recorded_with_their_parents(folder: Path) -> None:
    configure(folder, 1)
    with start_span("outer") as outer, start_span("inner", kind="producer", links=[SAMPLED, UNSAMPLED, "x"]) as inner:
        inner.set("messaging.destination.name", "topic")
        handed_on = current_traceparent()
    with start_span("far", kind="consumer", parent=handed_on):
        pass
    found = {span["name"]: span for span in spans(folder)}
    assert len({span["trace_id"] for span in found.values()}) == 1
    assert outer.context is not None
    assert found["inner"]["parent_span_id"] == found["outer"]["span_id"] == f"{outer.context.span_id:016x}"
    assert found["far"]["parent_span_id"] == found["inner"]["span_id"]
    assert found["inner"]["attributes"] == {"messaging.destination.name": "topic"}
    assert found["inner"]["links"] == [f"{TRACE}-00f067aa0ba902b7"]
    assert (found["outer"]["service"], found["outer"]["role"]) == ("sample", "api")
    assert current_trace() is None


@pytest.mark.parametrize(("parent", "recorded"), [(SAMPLED, 1), (UNSAMPLED, 0)])
@pytest.mark.parametrize("ratio", [0, 1])
def test_the_parents_decision_is_honoured(folder: Path, parent: str, recorded: int, ratio: float) -> None:
    configure(folder, ratio)
    with start_span("work", parent=parent):
        assert current_traceparent() is not None
        assert str(current_traceparent()).split("-")[1] == TRACE
        assert str(current_traceparent()).endswith("-01") == bool(recorded)
    assert len(spans(folder)) == recorded


def test_new_traces_are_sampled_by_the_ratio(folder: Path) -> None:
    configure(folder, 0.2)
    for _ in range(500):
        with start_span("work"):
            pass
    assert 50 <= len(spans(folder)) <= 160


def test_a_process_that_records_nothing_hands_the_decision_on() -> None:
    with start_span("work", parent=SAMPLED) as span:
        assert current_traceparent() == SAMPLED
        assert not span.recorded


@pytest.mark.requirement("S14")
def test_an_error_is_recorded_by_its_type_alone(folder: Path) -> None:
    configure(folder, 1)
    with pytest.raises(ValueError, match="canary"), start_span("work"):
        raise ValueError("canary@example.org")
    (span,) = spans(folder)
    assert span["error"]
    assert span["attributes"] == {"error.type": "ValueError"}
    assert "canary" not in json.dumps(span)


@pytest.mark.requirement("S14")
async def test_a_request_is_one_span_named_by_its_template(folder: Path, sample: Sample, issuer: Issuer) -> None:
    configure(folder, 0)
    async with sample.client(issuer.token(), traceparent=SAMPLED) as client:
        note = await client.post("/v1/notes", json={"text": "one"}, headers={"idempotency-key": "k"})
        await client.get(f"/v1/notes/{note.json()['note_id']}")
    found = {span["name"]: span for span in spans(folder)}
    assert set(found) == {"POST /v1/notes", "GET /v1/notes/{note_id}"}
    assert {span["trace_id"] for span in found.values()} == {TRACE}
    assert found["POST /v1/notes"]["parent_span_id"] == "00f067aa0ba902b7"
    assert found["GET /v1/notes/{note_id}"]["attributes"] == {
        "http.request.method": "GET",
        "http.route": "/v1/notes/{note_id}",
        "http.response.status_code": 200,
    }
    (inside,) = sample.traces_seen
    assert inside == f"00-{TRACE}-{found['POST /v1/notes']['span_id']}-01"


@pytest.mark.requirement("S18")
async def test_an_anonymous_route_is_never_traced(folder: Path, sample: Sample) -> None:
    configure(folder, 1)
    async with sample.client(traceparent=SAMPLED) as client:
        response = await client.post("/v1/answers", json={"text": "one"})
    assert response.status_code == 202
    assert spans(folder) == []


@pytest.mark.parametrize(
    "value",
    ["", "00", SAMPLED.upper(), SAMPLED + "-x", "ff" + SAMPLED[2:], f"00-{'0' * 32}-00f067aa0ba902b7-01", SAMPLED + "9" * 99,
     f"00-{TRACE}-{'0' * 16}-01", None],
)  # fmt: skip
def test_malformed_trace_contexts_are_passed_over(value: str | None) -> None:
    accepted = value == SAMPLED + "-x"
    assert (parse_traceparent(value) is not None) == accepted


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_trace_contexts_come_back(trace_id: int, span_id: int, sampled: bool) -> None:
    context = TraceContext(trace_id, span_id, sampled)
    assert parse_traceparent(context.traceparent) == context
