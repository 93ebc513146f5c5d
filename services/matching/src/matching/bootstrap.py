"""The composition root of matching."""

from __future__ import annotations

from pathlib import Path

from chassis.service import Role, Service, compose
from contracts.audit_groups import KEY_NAME

from matching.adapters.solving import SolverPool
from matching.adapters.tables import metadata
from matching.adapters.unit_of_work import MatchingUnitOfWork
from matching.adapters.views import MatchingViews
from matching.application.ports import Solver
from matching.domain.canonical import HashKey
from matching.settings import Settings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def bootstrap(role: Role = "api", settings: Settings | None = None) -> Service:
    """Compose the service for one of its two working roles; settings come from the environment unless given."""
    chosen = settings or Settings()
    return compose(
        "matching",
        chosen,
        role,
        unit_of_work=MatchingUnitOfWork,
        views=MatchingViews,
        metadata=metadata,
        migrations=MIGRATIONS,
        background=(SolverPool(chosen.solver_processes),),
    )


def settings_of(service: Service) -> Settings:
    """Matching's own settings."""
    if not isinstance(service.settings, Settings):
        raise TypeError("this is not matching")
    return service.settings


def hash_key_of(settings: Settings) -> HashKey:
    """The key of the hashes of inputs: the content of the secret file `matching_certificate_key`.

    :raises RuntimeError: there is no such file.
    """
    secret = settings.secret("matching_certificate_key")
    if not secret:
        raise RuntimeError(f"there is no secret matching_certificate_key in {settings.secrets}")
    return HashKey(secret.encode())


def audit_key_of(settings: Settings) -> bytes:
    """The key of the codes of audit groups: the content of the secret file `audit_groups_key`, which enrollment has too.

    :raises RuntimeError: there is no such file.
    """
    secret = settings.secret(KEY_NAME)
    if not secret:
        raise RuntimeError(f"there is no secret {KEY_NAME} in {settings.secrets}")
    return secret.encode()


def solver_of(service: Service) -> Solver:
    """Who solves for this process."""
    solver: Solver = service.background[0]
    return solver
