"""The events of the messaging rows: meetings of a multinational, each logged and then corrected, as engagement would write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from contracts.engagement import Channel, MeetingLogged, MeetingState
from contracts.envelope import Envelope, Record, encode
from contracts.identifiers import uuid7

VERSIONS = 2
"""Events a meeting."""

_WINDOW = 1000
"""Events that lie between two of the same meeting."""

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_SAMPLED_EVERY = 100


@lru_cache(maxsize=2)
def meeting_events(number: int) -> tuple[Record, ...]:
    """`number` records of MeetingLogged in an order that keeps each meeting's; one trace in a hundred is sampled.

    Twenty units, each meeting named by two; ten meetings a pair, forty pairs a cohort.
    """
    units = [uuid7() for _ in range(20)]
    records: list[Record] = []
    meetings: list[UUID] = []
    pair = cohort = program = uuid7()
    while len(records) < number:
        fresh = range(len(meetings), len(meetings) + _WINDOW // VERSIONS)
        meetings.extend(uuid7() for _ in fresh)
        drafts = []
        for place in fresh:
            if place % 10 == 0:
                pair = uuid7()
            if place % 400 == 0:
                cohort, program = uuid7(), uuid7()
            unit = units[place % 20]
            drafts.append((place, meetings[place], pair, cohort, program, unit, units[(place + 7) % 20]))
        for version in range(1, VERSIONS + 1):
            for place, meeting_id, *ids, unit, other in drafts:
                event = MeetingLogged(
                    business_unit_id=unit,
                    named_unit_ids=(unit, other),
                    meeting_id=meeting_id,
                    pair_id=ids[0],
                    cohort_id=ids[1],
                    program_id=ids[2],
                    state=MeetingState.HELD,
                    scheduled_for=_START + timedelta(minutes=place),
                    held_at=_START + timedelta(minutes=place + 4),
                    minutes=30 + place % 60 + version,
                    channel=Channel.VIDEO,
                )
                traced = f"00-{place:032x}-{version:016x}-{'01' if place % _SAMPLED_EVERY == 0 else '00'}"
                time = _START + timedelta(minutes=place, seconds=version)
                records.append(encode(Envelope.of(event, sequence=version, time=time, traceparent=traced)))
    return tuple(records[:number])


def header(record: Record, name: str) -> bytes:
    """A header that every event has."""
    return next(value for key, value in record.headers if key == name)
