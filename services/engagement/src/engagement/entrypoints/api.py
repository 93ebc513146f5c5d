"""Engagement over HTTP."""

from __future__ import annotations

from chassis.http import create_app
from chassis.service import Service
from fastapi import FastAPI

from engagement.bootstrap import bootstrap
from engagement.entrypoints import routes_agreements, routes_meetings, routes_pairs, routes_trials


def app(service: Service | None = None) -> FastAPI:
    """The API of engagement, composed from the environment unless a service is given."""
    return create_app(
        service or bootstrap("api"),
        title="Engagement",
        description="The life of a pair: trial, agreement, training, meetings, health.",
        routers=[routes_pairs.router, routes_trials.router, routes_agreements.router, routes_meetings.router],
    )
