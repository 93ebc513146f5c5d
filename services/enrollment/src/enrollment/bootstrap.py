"""The composition root of enrollment."""

from __future__ import annotations

from pathlib import Path

from chassis.service import Role, Service, compose
from chassis.settings import ServiceSettings
from contracts.audit_groups import KEY_NAME

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


def audit_key_of(settings: ServiceSettings) -> bytes:
    """The key of the codes of audit groups: the content of the secret file `audit_groups_key`, which matching has too.

    Raises RuntimeError when there is no such file.
    """
    secret = settings.secret(KEY_NAME)
    if not secret:
        raise RuntimeError(f"there is no secret {KEY_NAME} in {settings.secrets}")
    return secret.encode()
