"""The OpenAPI document: what FastAPI derives, completed by what the mechanism adds to every route."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from chassis.access import Access, access_of, methods_of, uses_write
from chassis.problems import FieldError, ProblemBody, problem_documentation

_SHARED = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "NotAllowed",
    422: "Invalid",
    500: "Failed",
    503: "Unavailable",
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A fresh random value for each change, the same at every retry: the first answer is given again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the version that the change is based on.",
    "schema": {"type": "string"},
    "example": '"3"',
}
_TRACEPARENT = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "W3C trace context.",
    "schema": {"type": "string"},
}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: with problems, security, roles (`x-roles`) and the mechanism's headers."""
    result: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": f"/{app.state.service.name}", "description": "Through the gateway."}],
    )
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _, own = models_json_schema(
        [(ProblemBody, "serialization"), (FieldError, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas.update(own["$defs"])
    components["responses"] = {name: problem_documentation(status) for status, name in _SHARED.items()}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            access = access_of(route)
            for method in methods_of(route):
                _complete(result["paths"][route.path_format][method.lower()], route, method, access)
    return result


def _complete(operation: dict[str, Any], route: APIRoute, method: str, access: Access) -> None:
    shared = [status for status in _SHARED if not (access.anonymous and status in (401, 403))]
    if route.summary is None:
        operation["summary"] = route.name.removesuffix("_route").replace("_", " ").capitalize()
    responses = operation["responses"]
    for status in shared:
        if status not in route.responses:
            responses[str(status)] = {"$ref": f"#/components/responses/{_SHARED[status]}"}
    parameters = operation.setdefault("parameters", [])
    if not access.anonymous:
        operation["security"] = [{"bearer": []}]
        operation["x-roles"] = sorted(access.roles)
        parameters.append(_TRACEPARENT)
        if uses_write(route):
            parameters.append({**_IDEMPOTENCY_KEY, "required": method == "POST"})
    else:
        operation["security"] = []
        operation["x-roles"] = []
        operation["x-anonymous"] = True
    if uses_write(route) and method in ("PUT", "PATCH", "DELETE"):
        parameters.append(_IF_MATCH)
    if not parameters:
        del operation["parameters"]
