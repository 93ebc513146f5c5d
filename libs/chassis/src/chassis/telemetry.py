"""Traces across HTTP, outbox, Kafka and consumers: W3C trace context, sampled before any span is made.

What is not sampled costs two random numbers. A parent's decision is honoured, so one trace is recorded whole or not at
all. Attributes hold names from code, never ids or values of people.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

if TYPE_CHECKING:
    from chassis.settings import ServiceSettings

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

_KINDS: dict[Kind, trace.SpanKind] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_FLUSH_MILLISECONDS = 200

# Ids need no secrecy; the module's generator is seeded by the operating system in each process.
_random = random.Random()  # noqa: S311


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace. `trace_id` has 128 bits, `span_id` 64; neither is zero."""

    trace_id: int
    span_id: int
    sampled: bool

    @property
    def traceparent(self) -> str:
        """The W3C header value."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


class _Tracing:
    """How this process traces; replaced as a whole by `configure_tracing`."""

    def __init__(self, tracer: trace.Tracer | None = None, provider: TracerProvider | None = None, ratio: float = 0.0):
        self.tracer = tracer
        self.provider = provider
        self.ratio = ratio


_tracing = _Tracing()


def parse_traceparent(value: str | None) -> TraceContext | None:
    """The context of a `traceparent` value; None when it is absent or malformed."""
    if not value or len(value) > 128:
        return None
    match = _TRACEPARENT.fullmatch(value)
    if match is None:
        return None
    trace_id, span_id = int(match[1], 16), int(match[2], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(match[3], 16) & 1))


def current_trace() -> TraceContext | None:
    """The place in the trace in progress, if any, recorded or not."""
    return _current.get()


def current_traceparent() -> str | None:
    """The W3C value to hand on with an event or a call; None outside of any trace."""
    context = _current.get()
    return None if context is None else context.traceparent


def current_trace_id() -> str:
    """32 hexadecimal digits: the trace in progress, or a fresh random id outside of any."""
    context = _current.get()
    return f"{context.trace_id if context else _random.getrandbits(128):032x}"


class Span:
    """A stretch of work, entered with `with`. When it is not sampled everything but the context is skipped."""

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_parent", "_span", "_token", "context")

    def __init__(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        links: Sequence[str | None],
        attributes: Mapping[str, Value] | None,
    ) -> None:
        self._name = name
        self._kind = kind
        self._parent = parent
        self._links = links
        self._attributes = attributes
        self._span: trace.Span | None = None
        self._token: Token[TraceContext | None] | None = None
        self.context: TraceContext | None = None

    @property
    def recorded(self) -> bool:
        """Whether the span will be exported; attributes of others need not be computed."""
        return self._span is not None

    def __enter__(self) -> Self:
        parent = self._parent
        tracing = _tracing
        if parent is not None:
            sampled = parent.sampled and tracing.tracer is not None
        else:
            sampled = tracing.tracer is not None and _random.random() < tracing.ratio
        if sampled and tracing.tracer is not None:
            self._span = tracing.tracer.start_span(
                self._name,
                context=_otel_context(parent),
                kind=_KINDS[self._kind],
                attributes=self._attributes,
                links=_otel_links(self._links),
                record_exception=False,
                set_status_on_exception=False,
            )
            made = self._span.get_span_context()
            self.context = TraceContext(made.trace_id, made.span_id, sampled=True)
        else:
            # The sampled flag is handed on unchanged: a process that records nothing does not end the trace of others.
            trace_id = parent.trace_id if parent else _random.getrandbits(128) or 1
            span_id = parent.span_id if parent and parent.sampled else _random.getrandbits(64) or 1
            self.context = TraceContext(trace_id, span_id, sampled=parent.sampled if parent else False)
        self._token = _current.set(self.context)
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._span is not None:
            if error_type is not None:
                self.fail(error_type.__name__)
            self._span.end()

    def set(self, key: str, value: Value) -> None:
        """Add an attribute: a name out of code, a number, a route template; never an id or a value of a person."""
        if self._span is not None:
            self._span.set_attribute(key, value)

    def fail(self, error_type: str) -> None:
        """Mark as failed; only the error's type is kept, since messages may quote values."""
        if self._span is not None:
            self._span.set_attribute("error.type", error_type)
            self._span.set_status(trace.StatusCode.ERROR)


def start_span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    links: Sequence[str | None] = (),
    attributes: Mapping[str, Value] | None = None,
) -> Span:
    """A span to be entered with `with`.

    `parent` is a `traceparent` (of an event, of a request); without one the span in progress is the parent, without
    that a new trace begins and is sampled by the configured ratio. `links` are traceparents of other traces that the
    work also belongs to.
    """
    return Span(name, kind, parse_traceparent(parent) or _current.get(), links, attributes)


def _otel_context(parent: TraceContext | None) -> Context:
    if parent is None:
        return Context()
    remote = trace.SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())


def _otel_links(links: Sequence[str | None]) -> list[trace.Link]:
    found = (parse_traceparent(link) for link in links)
    return [
        trace.Link(trace.SpanContext(link.trace_id, link.span_id, is_remote=True, trace_flags=trace.TraceFlags(1)))
        for link in found
        if link is not None and link.sampled
    ]


class JsonLinesExporter(SpanExporter):
    """Appends spans to a file, one JSON object a line, written through at every export."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans; a full disk loses them, never the process."""
        lines = b"".join(json.dumps(_as_json(span), separators=(",", ":")).encode() + b"\n" for span in spans)
        try:
            self._file.write(lines)
        except (OSError, ValueError):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def _as_json(span: ReadableSpan) -> dict[str, object]:
    context = span.get_span_context() or trace.INVALID_SPAN_CONTEXT
    resource = span.resource.attributes
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "service": resource.get("service.name"),
        "role": resource.get("updraft.role"),
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "error": span.status.status_code is trace.StatusCode.ERROR,
        "attributes": dict(span.attributes or {}),
        "links": [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links],
    }


def configure_tracing(service: str, role: str, settings: ServiceSettings) -> None:
    """Record the traces of this process: to `settings.traces` as JSON lines, and by OTLP over HTTP when the environment
    names an OTEL_EXPORTER_OTLP_ENDPOINT. Without either nothing is recorded; trace contexts are handed on all the same.
    """
    global _tracing  # noqa: PLW0603 - one state of the process, replaced as a whole
    exporters: list[SpanExporter] = []
    if settings.traces is not None:
        exporters.append(JsonLinesExporter(settings.traces / f"{service}-{role}-{os.getpid()}.jsonl"))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        exporters.append(otlp.OTLPSpanExporter())
    if not exporters:
        _tracing = _Tracing(ratio=settings.trace_ratio)
        return
    resource = Resource.create({"service.namespace": "updraft", "service.name": service, "updraft.role": role})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_FLUSH_MILLISECONDS))
    _tracing = _Tracing(provider.get_tracer("chassis"), provider, settings.trace_ratio)


def stop_tracing() -> None:
    """Export what is left and stop recording."""
    global _tracing
    provider, _tracing = _tracing.provider, _Tracing()
    if provider is not None:
        provider.shutdown()
