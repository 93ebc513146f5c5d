"""Matching over HTTP."""

from __future__ import annotations

from chassis.http import create_app
from chassis.service import Service
from fastapi import FastAPI

from matching.bootstrap import bootstrap
from matching.entrypoints import (
    routes_cohort_requests,
    routes_conflicts,
    routes_governance,
    routes_pairs,
    routes_preferences,
    routes_proposals,
    routes_quarantine,
    routes_questions,
    routes_quotas,
    routes_requests,
    routes_review,
    routes_runs,
    routes_waivers,
)


def app(service: Service | None = None) -> FastAPI:
    """The API of matching, composed from the environment unless a service is given."""
    return create_app(
        service or bootstrap("api"),
        title="Matching",
        description="Match runs with their certificates, proposals to people, and the forming of pairs.",
        routers=[
            routes_runs.router,
            routes_questions.router,
            routes_governance.router,
            routes_proposals.router,
            routes_pairs.router,
            routes_quarantine.router,
            routes_conflicts.router,
            routes_waivers.router,
            routes_requests.router,
            routes_cohort_requests.router,
            routes_preferences.router,
            routes_quotas.router,
            routes_review.router,
        ],
    )
