"""The composition root of enrollment."""

from __future__ import annotations

from pathlib import Path

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
