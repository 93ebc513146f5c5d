"""One effect per event, in order where a handler acts, and nothing forgotten between two transactions."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from chassis.handlers import Acts, Projects, ProjectsBatch, Routing
from chassis.inbox import Inbox
from chassis.ports import Missing
from contracts.engagement import MeetingLogged
from contracts.identifiers import uuid7
from sqlalchemy import select

from .notebook import effects, known, received

pytestmark = pytest.mark.integration

WAITS, BREAKS, STOPS = 401, 400, 402
"""Minutes that make the handler below wait for the meeting that `pair_id` names, fail, or stop at the gate."""


class Reader:
    """An inbox whose handler does as the event's minutes say."""

    def __init__(self, service, handler_kind=Acts) -> None:
        self.gate = asyncio.Event()
        self.arrived = asyncio.Event()
        self.broken = True
        self.service = service
        handler = handler_kind(MeetingLogged, self._handle)
        self.inbox = Inbox(
            consumer="engagement",
            database=service.database,
            routing=Routing.of([handler]),
            unit_of_work=service.open_unit_of_work,
        )

    async def _handle(self, event, uow) -> None:
        minutes = event.data.minutes
        if minutes == WAITS:
            found = await uow.session.fetch_one(
                select(known.c.meeting_id).where(known.c.meeting_id == event.data.pair_id)
            )
            if found is None:
                raise Missing("MeetingLogged", event.data.pair_id)
        if minutes == BREAKS and self.broken:
            raise ZeroDivisionError
        if minutes == STOPS:
            self.arrived.set()
            await self.gate.wait()
        uow.session.insert(effects, {"business_unit_id": event.business_unit_id, "event_id": event.id})
        row = {"meeting_id": event.subject, "business_unit_id": event.business_unit_id}
        uow.session.upsert(known, {**row, "minutes": minutes, "sequence": event.sequence}, key=("meeting_id",))


@pytest.fixture
async def reader(composed, own_database):
    return Reader(composed(own_database, "worker"))


async def outcomes(admin) -> dict[UUID, str]:
    return {row["event_id"]: row["outcome"] for row in await admin.fetch("SELECT event_id, outcome FROM inbox")}


async def times(admin) -> dict[UUID, int]:
    rows = await admin.fetch("SELECT event_id, count(*) AS times FROM effects GROUP BY event_id")
    return {row["event_id"]: row["times"] for row in rows}


@pytest.mark.requirement("I3", "F8")
async def test_an_event_counts_once_however_often_and_wherever_it_comes(reader, own_admin, unit):
    events = [received(uuid7(), 1, unit=unit) for _ in range(5)]
    await reader.inbox.apply([*events, *events])
    await reader.inbox.apply(events)
    await asyncio.gather(*(reader.inbox.apply(list(reversed(events))) for _ in range(3)))
    assert await times(own_admin) == {one.envelope.id: 1 for one in events}


@pytest.mark.requirement("I3")
async def test_two_readers_of_the_same_batch_have_one_effect(composed, own_database, own_admin, unit):
    """As after a rebalance that the first reader has not noticed."""
    readers = [Reader(composed(own_database, "worker")) for _ in range(2)]
    events = [received(uuid7(), 1, unit=unit) for _ in range(40)]
    await asyncio.gather(*(one.inbox.apply(events) for one in readers))
    assert await times(own_admin) == {one.envelope.id: 1 for one in events}


@pytest.mark.requirement("F10", "I3")
async def test_acting_takes_the_events_of_an_aggregate_in_order(reader, own_admin, unit):
    meeting_id = uuid7()
    events = [received(meeting_id, sequence, sequence, unit=unit) for sequence in range(1, 8)]
    for one in [events[3], events[6], events[1], events[5]]:
        await reader.inbox.apply([one])
    assert await times(own_admin) == {}
    assert await reader.inbox.parked() == 4
    await reader.inbox.apply([events[2], events[0], events[4]])
    assert await reader.inbox.parked() == 0
    applied = await own_admin.fetch("SELECT event_id FROM effects ORDER BY effect_id")
    assert [row["event_id"] for row in applied] == [one.envelope.id for one in events]
    assert set((await outcomes(own_admin)).values()) == {"applied"}


@pytest.mark.requirement("F10")
async def test_an_event_that_misses_a_fact_waits_for_it_and_holds_back_only_its_own_aggregate(reader, own_admin, unit):
    awaited, waiting, other = uuid7(), uuid7(), uuid7()
    first = received(waiting, 1, WAITS, unit=unit, pair_id=awaited)
    second = received(waiting, 2, unit=unit)
    unrelated = received(other, 1, unit=unit)
    await reader.inbox.apply([first, second, unrelated])
    assert await times(own_admin) == {unrelated.envelope.id: 1}
    assert await reader.inbox.parked() == 2
    await reader.inbox.apply([received(awaited, 1, unit=unit)])
    assert await reader.inbox.parked() == 0
    assert len(await times(own_admin)) == 4


@pytest.mark.requirement("F10", "F7")
async def test_a_wake_up_lost_between_two_readers_is_made_up_for(composed, own_database, own_admin, unit):
    one, other = Reader(composed(own_database, "worker")), Reader(composed(own_database, "worker"))
    awaited = uuid7()
    waiting = received(uuid7(), 1, WAITS, unit=unit, pair_id=awaited)
    parks = asyncio.create_task(one.inbox.apply([waiting, received(uuid7(), 1, STOPS, unit=unit)]))
    await one.arrived.wait()
    await other.inbox.apply([received(awaited, 1, unit=unit)])
    one.gate.set()
    await parks
    assert await one.inbox.parked() == 1
    assert await one.inbox.retry_parked(60) == []
    assert await one.inbox.parked() == 1
    assert await one.inbox.retry_parked(0) == []
    assert await one.inbox.parked() == 0
    assert (await times(own_admin))[waiting.envelope.id] == 1


@pytest.mark.requirement("F3", "I3")
async def test_a_woken_event_that_fails_survives_a_crash_before_its_dead_letter(reader, own_admin, unit):
    awaited = uuid7()
    early = received(awaited, 2, BREAKS, unit=unit)
    first = received(awaited, 1, unit=unit)
    await reader.inbox.apply([early])
    casualties = await reader.inbox.apply([first])
    assert [one.envelope.id for one, _ in casualties] == [early.envelope.id]
    # The process dies here. What woke it is applied and will not come again; the failed one must be found all the same.
    assert await reader.inbox.apply([first]) == []
    again = await reader.inbox.retry_parked(0)
    assert [(one.envelope.id, type(error)) for one, error in again] == [(early.envelope.id, ZeroDivisionError)]
    await reader.inbox.bury(again)
    assert await reader.inbox.parked() == 0
    assert await outcomes(own_admin) == {first.envelope.id: "applied"}
    # Replayed after the repair it is applied, once.
    reader.broken = False
    await reader.inbox.apply([early])
    await reader.inbox.apply([early])
    assert (await times(own_admin))[early.envelope.id] == 1


@pytest.mark.requirement("F9")
async def test_one_woken_failure_leaves_the_others_of_the_batch_applied(reader, own_admin, unit):
    meetings = [uuid7() for _ in range(3)]
    early = [
        received(meeting_id, 2, BREAKS if number == 1 else 30, unit=unit) for number, meeting_id in enumerate(meetings)
    ]
    await reader.inbox.apply(early)
    casualties = await reader.inbox.apply([received(meeting_id, 1, unit=unit) for meeting_id in meetings])
    assert [one.envelope.id for one, _ in casualties] == [early[1].envelope.id]
    done = await times(own_admin)
    assert len(done) == 5
    assert early[1].envelope.id not in done


@pytest.mark.requirement("F9")
async def test_an_early_event_with_a_foreign_header_that_is_not_text_parks_like_any_other(reader, own_admin, unit):
    meeting_id = uuid7()
    early = received(meeting_id, 2, unit=unit, extra=(("x-foreign", b"\xff\xfe"), ("x-null", None)))
    await reader.inbox.apply([early])
    assert await reader.inbox.parked() == 1
    await reader.inbox.apply([received(meeting_id, 1, unit=unit)])
    assert (await times(own_admin))[early.envelope.id] == 1


@pytest.mark.requirement("F9")
@pytest.mark.parametrize("kind", [Acts, Projects])
async def test_a_handler_that_fails_takes_nothing_of_its_batch_along(composed, own_database, own_admin, unit, kind):
    reader = Reader(composed(own_database, "worker"), kind)
    batch = [received(uuid7(), 1, minutes, unit=unit) for minutes in (30, BREAKS, 31)]
    with pytest.raises(ZeroDivisionError):
        await reader.inbox.apply(batch)
    assert await outcomes(own_admin) == {}
    assert await times(own_admin) == {}


@pytest.mark.requirement("I3")
async def test_a_batch_for_one_statement_is_one_statement_for_its_rows(composed, own_database, own_admin, unit):
    service = composed(own_database, "worker")
    calls = []

    async def all_at_once(events, uow) -> None:
        calls.append(len(events))
        for event in events:
            uow.session.insert(effects, {"business_unit_id": event.business_unit_id, "event_id": event.id})

    inbox = Inbox(
        consumer="engagement",
        database=service.database,
        routing=Routing.of([ProjectsBatch((MeetingLogged,), all_at_once)]),
        unit_of_work=service.open_unit_of_work,
    )
    batch = [received(uuid7(), 1, unit=unit) for _ in range(250)]
    await inbox.apply(batch)
    await inbox.apply(batch)
    assert calls == [250]
    assert len(await times(own_admin)) == 250


@pytest.fixture
async def projector(composed, own_database):
    """An inbox that keeps the newest minutes of each meeting, and what its handler saw of the meeting before it wrote."""
    service = composed(own_database, "worker")
    seen: list[int | None] = []

    async def handle(event, uow) -> None:
        if event.data.minutes == WAITS:
            seen.append(await uow.session.scalar(select(known.c.minutes).where(known.c.meeting_id == event.subject)))
        row = {"meeting_id": event.subject, "business_unit_id": event.business_unit_id, "minutes": event.data.minutes}
        uow.session.upsert(known, {**row, "sequence": event.sequence}, key=("meeting_id",), newer="sequence")

    inbox = Inbox(
        consumer="engagement",
        database=service.database,
        routing=Routing.of([Projects(MeetingLogged, handle)]),
        unit_of_work=service.open_unit_of_work,
    )
    return inbox, seen


@pytest.mark.requirement("I3", "F10")
async def test_projections_of_a_batch_travel_in_one_go_and_each_event_has_its_own_end(projector, own_admin, unit):
    inbox, seen = projector
    meeting_id, other = uuid7(), uuid7()
    events = [
        received(meeting_id, 2, 20, unit=unit),
        received(other, 1, 11, unit=unit),
        received(meeting_id, 1, 10, unit=unit),
        received(meeting_id, 3, 30, unit=unit),
    ]
    await inbox.apply(events)
    ends = await outcomes(own_admin)
    assert [ends[one.envelope.id] for one in events] == ["applied", "applied", "superseded", "applied"]
    rows = await own_admin.fetch("SELECT meeting_id, minutes FROM known_meetings")
    assert {row["meeting_id"]: row["minutes"] for row in rows} == {meeting_id: 30, other: 11}
    assert seen == []


async def test_a_handler_that_looks_sees_what_those_before_it_in_the_batch_have_written(projector, own_admin, unit):
    inbox, seen = projector
    meeting_id = uuid7()
    await inbox.apply([received(meeting_id, 1, 10, unit=unit), received(meeting_id, 2, WAITS, unit=unit)])
    assert seen == [10]
    assert await own_admin.fetchval("SELECT minutes FROM known_meetings") == WAITS
