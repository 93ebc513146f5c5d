"""Matching over HTTP."""

from __future__ import annotations

from chassis.http import create_app
from chassis.service import Service
from fastapi import FastAPI

from matching.bootstrap import bootstrap
from matching.entrypoints import routes_pairs, routes_proposals, routes_runs


def app(service: Service | None = None) -> FastAPI:
    """The API of matching, composed from the environment unless a service is given."""
    return create_app(
        service or bootstrap("api"),
        title="Matching",
        description="Match runs with their certificates, proposals to people, and the forming of pairs.",
        routers=[routes_runs.router, routes_proposals.router, routes_pairs.router],
    )
