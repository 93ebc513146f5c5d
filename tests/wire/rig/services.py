"""The rig's two services: units of work, use case, routes, handlers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.database import UnitOfWork
from chassis.handlers import Acts, Handler, Projects, ProjectsBatch
from chassis.ports import Missing
from chassis.service import Role, Service, compose
from chassis.settings import ServiceSettings
from contracts.engagement import MeetingCancelled, MeetingLogged, MeetingMissed, MeetingScheduled, MeetingState
from contracts.envelope import Envelope
from contracts.identifiers import uuid7
from sqlalchemy import select, text

from rig.tables import counted, effects, known, reading, writing

UNIT = UUID("01900000-0000-7000-8000-00000000aaaa")


def logged(meeting_id: UUID, minutes: int, *, unit: UUID = UNIT) -> MeetingLogged:
    """A MeetingLogged whose only interesting field is `minutes`."""
    return MeetingLogged(
        business_unit_id=unit,
        named_unit_ids=(unit,),
        meeting_id=meeting_id,
        pair_id=meeting_id,
        cohort_id=meeting_id,
        program_id=meeting_id,
        state=MeetingState.HELD,
        minutes=minutes,
    )


async def count_up(meeting_id: UUID, uow: UnitOfWork) -> int:
    """One more version of a meeting, with its event; the first creates it."""
    unit = uow.principal.business_unit_id or UNIT
    row = await uow.session.fetch_one(select(counted).where(counted.c.meeting_id == meeting_id).with_for_update())
    if row is None:
        version = 1
        uow.session.insert(counted, {"meeting_id": meeting_id, "business_unit_id": unit, "version": version})
    else:
        version = row["version"] + 1
        uow.session.update(counted, {"meeting_id": meeting_id}, {"version": version})
    uow.publish(logged(meeting_id, min(version, 480), unit=unit), sequence=version)
    return version


async def create(uow: UnitOfWork) -> UUID:
    """A new meeting at version 1: nothing is read, so all of it is one statement."""
    meeting_id = uuid7()
    unit = uow.principal.business_unit_id or UNIT
    uow.session.insert(counted, {"meeting_id": meeting_id, "business_unit_id": unit, "version": 1})
    uow.publish(logged(meeting_id, 1, unit=unit), sequence=1)
    return meeting_id


def _failing(envelope: Envelope[Any]) -> None:
    """With RIG_FAILS set, events of 400 minutes fail as a bug would; of 401, as a missing predecessor."""
    if os.environ.get("RIG_FAILS") and envelope.data.minutes == 400:
        raise ZeroDivisionError


async def project(event: Envelope[MeetingLogged], uow: UnitOfWork) -> None:
    """Keep the newest minutes of each meeting, and one effect per event."""
    _failing(event)
    _stage_effect(event, uow)
    await uow.session.flush()
    uow.session.upsert(known, _row(event), key=("meeting_id",), newer="sequence")


async def act(event: Envelope[MeetingLogged], uow: UnitOfWork) -> None:
    """As `project`, for a handler that wants every event in order; 401 minutes wait for the meeting that `pair_id` names."""
    _failing(event)
    if event.data.minutes == 401:
        found = await uow.session.fetch_one(select(known.c.meeting_id).where(known.c.meeting_id == event.data.pair_id))
        if found is None:
            raise Missing("MeetingLogged", event.data.pair_id)
    slow = os.environ.get("RIG_SLOW")
    if slow:
        await uow.session.execute(text(f"SELECT pg_sleep({float(slow)})"))
    _stage_effect(event, uow)
    uow.session.upsert(known, _row(event), key=("meeting_id",))


async def project_all(events: Sequence[Envelope[MeetingLogged]], uow: UnitOfWork) -> None:
    """As `project`, a batch at a time."""
    for event in events:
        _stage_effect(event, uow)
    await uow.session.flush()
    newest: dict[UUID, Envelope[MeetingLogged]] = {}
    for event in events:
        if event.subject not in newest or newest[event.subject].sequence < event.sequence:
            newest[event.subject] = event
    for event in newest.values():
        uow.session.upsert(known, _row(event), key=("meeting_id",), newer="sequence")


def _stage_effect(event: Envelope[MeetingLogged], uow: UnitOfWork) -> None:
    uow.session.insert(
        effects,
        {
            "business_unit_id": event.business_unit_id,
            "event_id": event.id,
            "meeting_id": event.subject,
            "sequence": event.sequence,
        },
    )


def _row(event: Envelope[MeetingLogged]) -> dict[str, Any]:
    return {
        "meeting_id": event.subject,
        "business_unit_id": event.business_unit_id,
        "named_unit_ids": list(event.data.named_unit_ids),
        "minutes": event.data.minutes,
        "sequence": event.sequence,
    }


_MODELS = (MeetingScheduled, MeetingLogged, MeetingCancelled, MeetingMissed)


def handlers(kind: str) -> tuple[Handler, ...]:
    """The reader's handlers: `projects`, `acts` or `batch`."""
    if kind == "batch":
        return (ProjectsBatch(_MODELS, project_all),)
    return tuple(Acts(model, act) if kind == "acts" else Projects(model, project) for model in _MODELS)


def bootstrap(service: str, role: Role = "api", settings: ServiceSettings | None = None) -> Service:
    """Compose one of the two."""
    return compose(
        service,
        settings or ServiceSettings(),
        role,
        unit_of_work=UnitOfWork,
        views=lambda session: session,
        metadata=writing if service == "engagement" else reading,
        migrations=Path(),
    )


__all__ = ["UNIT", "bootstrap", "count_up", "create", "handlers", "logged", "uuid7"]
