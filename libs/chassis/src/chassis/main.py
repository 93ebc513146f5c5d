"""The command line of every service: `python -m <service> migrate|api|consumer|relay|worker`.

What a role does not need is not imported: a migration needs no web framework, an API no consumer. Twelve processes start with the
stack, and importing is most of what a start costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import structlog
import uvloop

from chassis.logs import configure_logs
from chassis.telemetry import configure_tracing, stop_tracing

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chassis.handlers import Handler
    from chassis.schedule import Every
    from chassis.service import Role, Service
    from chassis.worker import Part

_PARTS: dict[str, tuple[Part, ...]] = {"consumer": ("consumer",), "relay": ("relay",), "worker": ("relay", "consumer")}


class Entrypoints(Protocol):
    """Where the parts of a service are found; each is asked for only by the roles that need it."""

    def service(self, role: Role) -> Service:
        """The service, composed for one of its two working roles."""

    def app(self) -> Callable[[Service], FastAPI]:
        """What makes the HTTP application."""

    def handlers(self) -> Sequence[Handler]:
        """What it does with events."""

    def schedule(self) -> Sequence[Every]:
        """What it does because time passes."""


class _ByName:
    """The places that every service has: `<name>.bootstrap` and `<name>.entrypoints.{api,consumer,schedule}`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _found(self, module: str, attribute: str) -> Any:
        return getattr(import_module(f"{self._name}.{module}"), attribute)

    def service(self, role: Role) -> Service:
        composed: Service = self._found("bootstrap", "bootstrap")(role)
        return composed

    def app(self) -> Callable[[Service], FastAPI]:
        make: Callable[[Service], FastAPI] = self._found("entrypoints.api", "app")
        return make

    def handlers(self) -> Sequence[Handler]:
        handlers: Sequence[Handler] = self._found("entrypoints.consumer", "HANDLERS")
        return handlers

    def schedule(self) -> Sequence[Every]:
        schedule: Sequence[Every] = self._found("entrypoints.schedule", "SCHEDULE")
        return schedule


def main(name: str) -> int:
    """Run one role of the service `name`, as the command line says; returns the exit code."""
    return run(_ByName(name), sys.argv[1:])


def run(entrypoints: Entrypoints, arguments: Sequence[str]) -> int:
    """Run one role until it is told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(description="One role of a service.")
    parser.add_argument("role", choices=["migrate", "api", *_PARTS])
    parser.add_argument("--to", default="head", help="with migrate: the revision to end at; 'base' undoes all")
    chosen = parser.parse_args(arguments)
    service = entrypoints.service("api" if chosen.role == "api" else "worker")
    configure_logs(service.name, chosen.role, level=service.settings.log_level, style=service.settings.log_format)
    if chosen.role == "migrate":
        _migrate(service, chosen.to)
        return 0
    configure_tracing(service.name, chosen.role, service.settings)
    try:
        if chosen.role == "api":
            from chassis.server import serve  # noqa: PLC0415

            serve(entrypoints.app()(service), service.settings)
        else:
            from chassis.worker import work  # noqa: PLC0415

            uvloop.run(work(service, entrypoints.handlers(), entrypoints.schedule(), _PARTS[chosen.role]))
    except Exception:
        structlog.get_logger("main").exception("process ends")
        return 3
    finally:
        stop_tracing()
    return 0


def _migrate(service: Service, to: str) -> None:
    from chassis.migrations import migrate  # noqa: PLC0415

    url = service.settings.database_url("owner", service.name)
    migrate(service.migrations, url, service.metadata, to=to, way="down" if to == "base" else "up")
