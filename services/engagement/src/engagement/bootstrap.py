"""The composition root of engagement."""

from __future__ import annotations

from pathlib import Path

from chassis.service import Role, Service, compose

from engagement.adapters.tables import metadata
from engagement.adapters.unit_of_work import EngagementUnitOfWork
from engagement.adapters.views import EngagementViews
from engagement.settings import Settings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def bootstrap(role: Role = "api", settings: Settings | None = None) -> Service:
    """Compose the service for one of its two working roles; settings come from the environment unless given."""
    service = compose(
        "engagement",
        settings or Settings(),
        role,
        unit_of_work=EngagementUnitOfWork,
        views=lambda session: EngagementViews(session, service.clock),
        metadata=metadata,
        migrations=MIGRATIONS,
    )
    return service
