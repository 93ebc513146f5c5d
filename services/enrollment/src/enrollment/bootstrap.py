"""The composition root of enrollment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from chassis.service import Role, Service, compose

from enrollment.adapters.tables import metadata
from enrollment.adapters.unit_of_work import EnrollmentUnitOfWork
from enrollment.adapters.views import EnrollmentViews
from enrollment.settings import Settings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def bootstrap(role: Role = "api", settings: Settings | None = None) -> Service:
    """Compose the service for one of its two working roles; settings come from the environment unless given."""
    return compose(
        "enrollment",
        settings or Settings(),
        role,
        unit_of_work=EnrollmentUnitOfWork,
        views=EnrollmentViews,
        metadata=metadata,
        migrations=MIGRATIONS,
    )


@asynccontextmanager
async def committing(service: Service) -> AsyncIterator[EnrollmentUnitOfWork]:
    """A unit of work of the service itself, committed when the block ends without an error: for jobs that own their transactions."""
    async with service.database.write() as session:
        yield cast("EnrollmentUnitOfWork", service.open_unit_of_work(session))
        await session.commit()
