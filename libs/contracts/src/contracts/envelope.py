"""Events on the wire: CloudEvents 1.0 in binary mode on Kafka, with a JSON payload.

Writers are strict (`encode`), readers tolerant (`decode`): unknown fields are dropped, unknown values of an enumeration
become `UNKNOWN`. Whatever a broker holds, `decode` raises nothing but `Undecodable` and `UnknownType`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import ValidationError

from contracts import catalog
from contracts.event import Event
from contracts.fields import READING
from contracts.identifiers import uuid7

__all__ = ["Envelope", "Event", "Record", "Undecodable", "UnknownType", "decode", "encode"]

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)

_MAX_SEQUENCE = 2**63 - 1
_MAX_HEADER_BYTES = 1024
_TRACEPARENT_LENGTH = 55


class Undecodable(Exception):
    """A record that is not an event. Says why and at which header or field, never what was there."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(f"{reason} ({field})" if field else reason)
        self.reason = reason
        self.field = field


class UnknownType(Exception):
    """A well-formed event of a type, or of a version of a type, that this reader does not know."""

    def __init__(self, type_: str, *, known_in_another_version: bool = False) -> None:
        super().__init__(type_)
        self.type = type_
        self.known_in_another_version = known_in_another_version


class Record(NamedTuple):
    """What goes to Kafka, to the byte."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """One event with what the wire says about it. `Envelope.of` fills in what follows from the event."""

    id: UUID
    source: str
    type: str
    subject: UUID
    """The id of the aggregate."""
    time: datetime
    """When it happened: aware, UTC."""
    sequence: int
    """The aggregate's version after the change, counted from 1."""
    business_unit_id: UUID
    data: E_co
    traceparent: str | None = None
    """W3C trace context of the request or event that caused it."""
    dataschema: str = ""

    @staticmethod
    def of(
        data: E,
        *,
        sequence: int,
        time: datetime,
        event_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> Envelope[E]:
        """Wrap an event that happened at `time` (aware) as its aggregate's version `sequence` (from 1).

        Raises:
            ValueError: `time` is naive, or `sequence` is out of bounds.
        """
        if time.tzinfo is None:
            raise ValueError("an event's time needs a time zone")
        if not 1 <= sequence <= _MAX_SEQUENCE:
            raise ValueError("a sequence is counted from 1")
        model = type(data)
        return Envelope(
            id=event_id or uuid7(),
            source=catalog.source_of(model),
            type=catalog.type_of(model),
            subject=data.subject,
            time=time.astimezone(UTC),
            sequence=sequence,
            business_unit_id=data.business_unit_id,
            data=data,
            traceparent=traceparent,
            dataschema=catalog.schema_of(model),
        )


@cache
def _fixed_headers(model: type[Event]) -> tuple[tuple[str, bytes], ...]:
    return (
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_type", catalog.type_of(model).encode()),
        ("ce_source", catalog.source_of(model).encode()),
        ("ce_dataschema", catalog.schema_of(model).encode()),
    )


def encode(envelope: Envelope[Any]) -> Record:
    """The record of an event, validated once more so that nothing is written that a reader would refuse.

    Raises:
        ValueError: the event breaks its model (as `pydantic.ValidationError`), contradicts its envelope, or its payload
            is larger than `catalog.MAX_EVENT_BYTES`.
    """
    data: Event = envelope.data
    model = type(data)
    value = model.__pydantic_serializer__.to_json(data, exclude_none=True, warnings="error")
    if len(value) > catalog.MAX_EVENT_BYTES:
        raise ValueError(f"{model.__name__} has {len(value)} bytes; at most {catalog.MAX_EVENT_BYTES} are allowed")
    model.__pydantic_validator__.validate_json(value)
    if envelope.type != catalog.type_of(model):
        raise ValueError("the envelope's type is not the event's")
    if envelope.subject != data.subject or envelope.business_unit_id != data.business_unit_id:
        raise ValueError("the envelope's subject or business unit is not the event's")
    subject = str(envelope.subject).encode()
    headers = (
        *_fixed_headers(model),
        ("ce_id", str(envelope.id).encode()),
        ("ce_subject", subject),
        ("ce_time", envelope.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z").encode()),
        ("ce_sequence", str(envelope.sequence).encode()),
        ("ce_businessunit", str(envelope.business_unit_id).encode()),
    )
    if envelope.traceparent is not None:
        headers += (("traceparent", envelope.traceparent.encode("ascii")),)
    return Record(catalog.topic_of(model).name, subject, value, headers)


def decode(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]] | None,
) -> Envelope[Any]:
    """Read a record of a topic of events, or one put again from a dead letter under its original topic.

    Raises:
        Undecodable: it is no event: null or broken key, value or header, too large, not JSON, not after its schema, on
            another topic than its type's, or with headers that contradict its payload.
        UnknownType: its type or version is not in this reader's catalog.
    """
    found = _texts(headers)
    if _required(found, "ce_specversion") != "1.0":
        raise Undecodable("unsupported CloudEvents version", "ce_specversion")
    ce_type = _required(found, "ce_type")
    try:
        model = catalog.model_of(ce_type)
    except catalog.UnsupportedVersionError:
        raise UnknownType(ce_type, known_in_another_version=True) from None
    except KeyError:
        raise UnknownType(ce_type) from None
    if topic != model.TOPIC:
        raise Undecodable("the type does not belong to this topic", "ce_type")
    text = _required(found, "ce_subject")
    if key != text.encode():
        _check_key(key, _uuid(found, "ce_subject"))
    data = _payload(model, value)
    subject = data.subject
    if str(subject) != text:
        _check_key(key, _uuid(found, "ce_subject"))
        if subject != _uuid(found, "ce_subject"):
            raise Undecodable("the subject is not the payload's", "ce_subject")
    business_unit_id = _unit(_required(found, "ce_businessunit"))
    if data.business_unit_id != business_unit_id:
        raise Undecodable("the business unit is not the payload's", "ce_businessunit")
    return Envelope(
        id=_uuid(found, "ce_id"),
        source=_required(found, "ce_source"),
        type=ce_type,
        subject=subject,
        time=_time(found),
        sequence=_sequence(found),
        business_unit_id=business_unit_id,
        data=data,
        traceparent=found.get("traceparent"),
        dataschema=found.get("ce_dataschema", ""),
    )


def _texts(headers: Iterable[tuple[str, bytes | None]] | None) -> dict[str, str]:
    """Headers as text. Those that are not an event's are dropped, whatever they hold."""
    found: dict[str, str] = {}
    for header in headers or ():
        try:
            name, raw = header
        except (TypeError, ValueError):
            raise Undecodable("a header is not a name and a value") from None
        if type(name) is str and type(raw) is bytes and name in _HEADERS and len(raw) <= _MAX_HEADER_BYTES:
            try:
                found[name] = raw.decode()
            except UnicodeDecodeError:
                raise Undecodable("header is not UTF-8", name) from None
            continue
        if not isinstance(name, str):
            continue
        lower = name.lower()
        if not lower.startswith("ce_") and lower != "traceparent":
            continue
        if lower in {"traceparent", "ce_traceparent"}:
            if isinstance(raw, bytes) and len(raw) == _TRACEPARENT_LENGTH and raw.isascii():
                found.setdefault("traceparent", raw.decode("ascii"))
            continue
        if raw is None:
            raise Undecodable("null header", _safe(lower))
        if not isinstance(raw, bytes | bytearray):
            raise Undecodable("a header is not bytes", _safe(lower))
        if len(raw) > _MAX_HEADER_BYTES:
            raise Undecodable("header too large", _safe(lower))
        try:
            found[lower] = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Undecodable("header is not UTF-8", _safe(lower)) from None
    return found


def _safe(name: str) -> str:
    """A header's name for a message: only names that an event has, since others may hold anything."""
    return name if name in _HEADERS else "ce_*"


_HEADERS = frozenset(
    f"ce_{name}"
    for name in (
        "specversion", "id", "source", "type", "subject", "time", "dataschema", "sequence", "businessunit",
        "datacontenttype",
    )
)  # fmt: skip


def _required(found: dict[str, str], name: str) -> str:
    text = found.get(name)
    if not text:
        raise Undecodable("missing header", name)
    return text


def _uuid(found: dict[str, str], name: str) -> UUID:
    text = _required(found, name)
    try:
        return UUID(text)
    except ValueError:
        raise Undecodable("not a UUID", name) from None


@lru_cache(maxsize=4096)
def _unit(text: str) -> UUID:
    """A business unit's id; there are few of them and they come again and again."""
    return _uuid({"ce_businessunit": text}, "ce_businessunit")


def _check_key(key: object, subject: UUID) -> None:
    if not isinstance(key, bytes | bytearray) or bytes(key) != str(subject).encode():
        raise Undecodable("the key is not the subject", "key")


def _time(found: dict[str, str]) -> datetime:
    text = _required(found, "ce_time")
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise Undecodable("a time without a zone", "ce_time")
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Undecodable("not a time", "ce_time") from None


def _sequence(found: dict[str, str]) -> int:
    text = _required(found, "ce_sequence")
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and 1 <= int(text) <= _MAX_SEQUENCE):
        raise Undecodable("not a sequence number", "ce_sequence")
    return int(text)


def _payload(model: type[Event], value: bytes | None) -> Event:
    if value is None:
        raise Undecodable("null value", "value")
    if not isinstance(value, bytes | bytearray):
        raise Undecodable("the value is not bytes", "value")
    if len(value) > catalog.MAX_EVENT_BYTES:
        raise Undecodable("payload too large", "value")
    try:
        return model.model_validate_json(value, context=READING, extra="ignore")
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Undecodable(first["type"].replace("_", " "), field or "value") from None
