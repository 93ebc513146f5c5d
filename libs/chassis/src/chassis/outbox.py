"""Events on their way into the outbox: the exact bytes, key and headers that the relay will send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from contracts.envelope import Envelope, Event, encode

_headers_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row of the outbox without its number: `headers` is JSON, a list of [name, value] pairs of text."""

    business_unit_id: UUID
    topic: str
    key: bytes
    headers: bytes
    value: bytes


def outbox_row(event: Event, *, sequence: int, time: datetime, traceparent: str | None) -> OutboxRow:
    """Turn a contract event into its outbox row.

    `sequence` is the aggregate's version after the change, `time` when it happened by the rules' clock (aware).
    Raises ValueError when the event breaks its own contract or is over 256 KB, so that it can never block the relay.
    """
    record = encode(Envelope.of(event, sequence=sequence, time=time, traceparent=traceparent))
    headers = _headers_encoder.encode([(name, value.decode()) for name, value in record.headers])
    return OutboxRow(event.business_unit_id, record.topic, record.key, headers, record.value)
