"""The four services by their anatomy: the same parts under the same names."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis.settings import ServiceSettings
from chassis.testing import Running
from fastapi import FastAPI
from sqlalchemy import MetaData

SERVICES = ("enrollment", "matching", "engagement", "evaluation")
ROLES = frozenset({"platform_admin", "program_manager", "facilitator", "participant", "data_reader"})


def part(service: str, module: str) -> Any:
    """A module of a service: `part("matching", "entrypoints.api")`."""
    return import_module(f"{service}.{module}")


def migrations_of(service: str) -> Path:
    """The folder of the service's migrations."""
    folder: Path = part(service, "bootstrap").MIGRATIONS
    return folder


def tables_of(service: str) -> set[str]:
    """The service's own tables, with their schema where it is not the usual one; the mechanism's are not among them."""
    found = vars(part(service, "adapters.tables")).values()
    return {table for metadata in found if isinstance(metadata, MetaData) for table in metadata.tables}


def api_of(service: str) -> FastAPI:
    """The service's API, upon nothing."""
    app: FastAPI = part(service, "entrypoints.api").app(
        part(service, "bootstrap").bootstrap("api", part(service, "settings").Settings())
    )
    return app


def running(service: str, settings: ServiceSettings) -> Running:
    """The service in process."""
    return Running(
        settings,
        start=datetime(2026, 3, 2, 9, tzinfo=UTC),
        bootstrap=part(service, "bootstrap").bootstrap,
        app=part(service, "entrypoints.api").app,
        handlers=part(service, "entrypoints.consumer").HANDLERS,
        schedule=part(service, "entrypoints.schedule").SCHEDULE,
    )
