"""The HTTP application of a service: its routers, compiled onto the mechanism that all of them share."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from chassis.access import methods_of
from chassis.auth import TokenVerifier
from chassis.database import Unavailable
from chassis.documentation import document
from chassis.front import LARGEST_BODY, Front
from chassis.health import Progress
from chassis.ports import Rejection
from chassis.problems import field_errors, http_problem_response, problem_response, rejection_response
from chassis.routes import Compiled, ShortWay, compiled
from chassis.service import Service

_BEAT_SECONDS = 0.5
_SILENCE_SECONDS = 5.0

_ASKED_HEADERS = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent")
_ANSWERED_HEADERS = ("etag", "location", "retry-after", "idempotency-replayed")


def create_app(
    service: Service,
    *,
    title: str,
    routers: Sequence[APIRouter],
    description: str = "",
    largest_body: int = LARGEST_BODY,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    """The API of `service`.

    `app.state` holds `service`, `progress` (health) and `verifier`. Besides the routers' routes it answers
    `/health/live`, `/health/ready`, `/metrics` and, with the setting `documentation`, `/openapi.json`. `largest_body` is
    in bytes; a route raises it with `max_body_size=`. ValueError when a route does not say who may use it, or two routes share a name.
    """
    progress = Progress()
    app = FastAPI(
        title=f"Updraft {title}",
        version="1",
        description=description,
        openapi_url="/openapi.json" if service.settings.documentation else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # chassis.telemetry and chassis.front observe; FastAPI's own spans and metrics would say everything twice.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_lifespan,
    )
    app.state.service = service
    app.state.progress = progress
    app.state.verifier = verifier
    if verifier is None and service.settings.jwks is not None:
        app.state.verifier = TokenVerifier(service.settings)
    routes = _compiled(routers)
    app.router.routes.extend(one.route for one in routes)
    app.add_middleware(ShortWay, routes=routes)
    app.add_middleware(Front, progress=progress, largest_body=largest_body)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_ASKED_HEADERS,
            expose_headers=_ANSWERED_HEADERS,
            max_age=600,
        )
    app.add_exception_handler(Rejection, _rejection)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Unavailable, _unavailable)
    app.openapi = functools.cache(functools.partial(document, app))  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _compiled(routers: Sequence[APIRouter]) -> list[Compiled]:
    found: dict[str, Compiled] = {}
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise ValueError(f"{router.prefix}: routers hold plain routes only; list nested routers in create_app")
            if route.name in found:
                raise ValueError(f"{route.path}: another route is called {route.name} too")
            found[route.name] = compiled(route)
    return list(found.values())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    progress: Progress = app.state.progress
    service: Service = app.state.service
    if app.state.verifier is None:
        raise RuntimeError("UPDRAFT_JWKS must name the issuer's public keys")
    progress.probe("database", service.database.ping)
    progress.expect("loop", max_age=_SILENCE_SECONDS)

    async def beat() -> None:
        while True:
            progress.beat("loop")
            await asyncio.sleep(_BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        progress.stop()
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        await service.database.close()


async def _rejection(_request: Request, error: Exception) -> Response:
    return rejection_response(error) if isinstance(error, Rejection) else problem_response(500, "internal-error")


async def _http_problem(request: Request, error: Exception) -> Response:
    response = http_problem_response(error)
    matched = request.scope.get("route")
    if response.status_code == 405 and matched is not None:
        # Starlette names the methods of the first route with this path only.
        routes = [route for route in request.app.routes if getattr(route, "path", None) == matched.path]
        response.headers["allow"] = ", ".join(sorted({method for route in routes for method in methods_of(route)}))
    return response


async def _invalid(_request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = "The request does not have the form that this address expects."
    return problem_response(422, "invalid-request", detail, errors=field_errors(found))


async def _unavailable(_request: Request, error: Exception) -> Response:
    seconds = max(1, round(error.retry_after)) if isinstance(error, Unavailable) else 1
    detail = "The service cannot do this at the moment. Try again, with the same Idempotency-Key if there was one."
    return problem_response(503, "unavailable", detail, headers={"retry-after": str(seconds)})
