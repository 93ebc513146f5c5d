"""Enrollment's HTTP API."""

from __future__ import annotations

from chassis.http import create_app
from chassis.service import Service
from fastapi import FastAPI

from enrollment.bootstrap import bootstrap
from enrollment.entrypoints import (
    routes_admissions,
    routes_application_imports,
    routes_audit_groups,
    routes_cohorts,
    routes_declarations,
    routes_erasure,
    routes_imports,
    routes_participations,
    routes_people,
    routes_programs,
    routes_units,
)

ROUTERS = (
    routes_units.router,
    routes_imports.router,
    routes_people.router,
    routes_erasure.router,
    routes_programs.router,
    routes_cohorts.router,
    routes_participations.router,
    routes_admissions.router,
    routes_declarations.router,
    routes_audit_groups.router,
    routes_application_imports.router,
)


def app(service: Service | None = None) -> FastAPI:
    """The API upon a composed service, or upon one composed from the environment."""
    return create_app(
        service or bootstrap("api"),
        title="Enrollment",
        description="Business units, people, programs, cohorts and participations.",
        routers=ROUTERS,
    )
