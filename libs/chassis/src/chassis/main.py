"""The command line of every service: `python -m <service> migrate|api|consumer|relay|worker`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog
import uvloop

from chassis import migrations
from chassis.handlers import Handler
from chassis.logs import configure_logs
from chassis.schedule import Every
from chassis.server import serve
from chassis.service import Role, Service
from chassis.telemetry import configure_tracing, stop_tracing
from chassis.worker import Part, work

if TYPE_CHECKING:
    from fastapi import FastAPI

_PARTS: dict[str, tuple[Part, ...]] = {"consumer": ("consumer",), "relay": ("relay",), "worker": ("relay", "consumer")}


class Bootstrap(Protocol):
    """A service's composition root."""

    def __call__(self, role: Role = "api") -> Service:
        """Compose the service for one of its two working roles."""


def main(
    *,
    bootstrap: Bootstrap,
    app: Callable[[Service], FastAPI],
    handlers: Sequence[Handler],
    schedule: Sequence[Every],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run one role of a service until it is told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(description="One role of a service.")
    parser.add_argument("role", choices=["migrate", "api", *_PARTS])
    parser.add_argument("--to", default="head", help="with migrate: the revision to end at; 'base' undoes all")
    chosen = parser.parse_args(arguments)
    service = bootstrap("api" if chosen.role == "api" else "worker")
    configure_logs(service.name, chosen.role, level=service.settings.log_level, style=service.settings.log_format)
    if chosen.role == "migrate":
        url = service.settings.database_url("owner", service.name)
        down = chosen.to == "base"
        migrations.migrate(service.migrations, url, service.metadata, to=chosen.to, way="down" if down else "up")
        return 0
    configure_tracing(service.name, chosen.role, service.settings)
    try:
        if chosen.role == "api":
            serve(app(service), service.settings)
        else:
            uvloop.run(work(service, handlers, schedule, _PARTS[chosen.role]))
    except Exception:
        structlog.get_logger("main").exception("process ends")
        return 3
    finally:
        stop_tracing()
    return 0
