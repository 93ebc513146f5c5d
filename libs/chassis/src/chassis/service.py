"""What a service hands to the mechanism: its composition root fills one `Service` and everything else follows from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import MetaData

from chassis.clock import Clock, clock_from
from chassis.database import Database, ReadSession, UnitOfWork, WriteSession, conflicts_of
from chassis.ports import Principal
from chassis.settings import ServiceSettings

Role = Literal["api", "worker"]


@dataclass(slots=True)
class Service:
    """A composed service: settings, the two kinds of session it opens and what it builds upon them.

    `unit_of_work` and `views` are called once per transaction. `background` holds what a worker process owns
    besides (a process pool, for instance) as objects with an `aclose()` coroutine.
    """

    name: str
    settings: ServiceSettings
    clock: Clock
    metadata: MetaData
    migrations: Path
    unit_of_work: Callable[[WriteSession, datetime, Principal], Any]
    views: Callable[[ReadSession], Any]
    database: Database
    background: Sequence[Any] = field(default_factory=tuple)

    @property
    def principal(self) -> Principal:
        """The service acting by itself, for events and the schedule."""
        return Principal(subject=f"service:{self.name}", roles=frozenset({"service"}))

    def open_unit_of_work(
        self, session: WriteSession, principal: Principal | None = None, business_unit_id: UUID | None = None
    ) -> UnitOfWork:
        """A unit of work upon `session`, its clock read once; by default the service itself acts."""
        who = principal or self.principal
        if business_unit_id is not None and who.business_unit_id != business_unit_id:
            who = Principal(who.subject, who.person_id, business_unit_id, who.roles)
        unit: UnitOfWork = self.unit_of_work(session, self.clock.now(), who)
        return unit

    @asynccontextmanager
    async def committed(self) -> AsyncIterator[Any]:
        """A unit of work of the service itself, committed when the block ends without an error: for jobs that own their transactions."""
        async with self.database.write() as session:
            yield self.open_unit_of_work(session)
            await session.commit()


def compose(
    name: str,
    settings: ServiceSettings,
    role: Role,
    *,
    unit_of_work: Callable[[WriteSession, datetime, Principal], Any],
    views: Callable[[ReadSession], Any],
    metadata: MetaData,
    migrations: Path,
    background: Sequence[Any] = (),
) -> Service:
    """A service with the database of one of its two working roles: the api sees one unit at a time, the worker all."""
    database = Database(
        settings.database_url(role, name),
        service=name,
        tenant_scoped=role == "api",
        pool_size=settings.api_pool_size if role == "api" else settings.worker_pool_size,
        pool_timeout=settings.pool_wait_seconds,
        conflicts=conflicts_of(metadata),
        application_name=f"{name} {role}",
    )
    return Service(
        name=name,
        settings=settings,
        clock=clock_from(settings.clock_file),
        metadata=metadata,
        migrations=migrations,
        unit_of_work=unit_of_work,
        views=views,
        database=database,
        background=background,
    )
