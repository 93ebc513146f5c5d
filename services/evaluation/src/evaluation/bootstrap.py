"""The composition root of evaluation."""

from __future__ import annotations

from pathlib import Path

from chassis.service import Role, Service, compose

from evaluation.adapters.rendering import PageRenderer
from evaluation.adapters.tables import metadata
from evaluation.adapters.unit_of_work import EvaluationUnitOfWork
from evaluation.adapters.views import EvaluationViews
from evaluation.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def bootstrap(role: Role = "api", settings: Settings | None = None) -> Service:
    """Compose the service for one of its two working roles; settings come from the environment unless given."""
    renderer = PageRenderer()
    service = compose(
        "evaluation",
        settings or Settings(),
        role,
        unit_of_work=EvaluationUnitOfWork,
        views=lambda session: EvaluationViews(session, service.clock, renderer),
        metadata=metadata,
        migrations=MIGRATIONS,
    )
    return service
