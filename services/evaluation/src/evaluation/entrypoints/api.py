"""The HTTP API of evaluation."""

from __future__ import annotations

from chassis.http import create_app
from chassis.service import Service
from fastapi import FastAPI

from evaluation.entrypoints import routes_cohorts, routes_waves

_DESCRIPTION = """Survey waves with anonymous answers, and what became of each cohort.

A participant answers in three steps: take a token of the wave, blinded, in their own name; unblind its signature; send
the answers with token and signature and without a name. The service cannot link the third step to the first."""


def app(service: Service) -> FastAPI:
    """The application, upon a composed service."""
    return create_app(
        service,
        title="Evaluation",
        routers=[routes_waves.router, routes_cohorts.router],
        description=_DESCRIPTION,
    )
