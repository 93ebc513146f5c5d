"""Errors as problem+json (RFC 9457): one shape for all, nothing in it that the caller sent or may not know.

The `type` of a problem is `https://updraft.example/problems/<code>`; clients branch on it, or on `code`, its last part.
`instance` is left out: every 404 is the same bytes, whatever the reason.
"""

from __future__ import annotations

import http
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from chassis.ports import Rejection

PROBLEM_TYPES = "https://updraft.example/problems/"
PROBLEM_MEDIA_TYPE = "application/problem+json"

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}")


class FieldError(BaseModel):
    """What is wrong with one field of the request and what to send instead."""

    model_config = ConfigDict(frozen=True)

    location: str = Field(description="Where: body, query, path or header.", examples=["body"])
    field: str = Field(description="JSON pointer into the body, or the parameter's name.", examples=["/offers/0/level"])
    message: str = Field(examples=["The value is larger than allowed."])
    remedy: str | None = Field(default=None, examples=["Send at most 5."])


class ProblemBody(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=[PROBLEM_TYPES + "conflict"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(description="The last part of `type`.", examples=["conflict"])
    detail: str | None = Field(default=None, examples=["The cohort is no longer open for applications."])
    errors: tuple[FieldError, ...] | None = None
    error_id: str | None = Field(default=None, description="To be named when reporting the error; the trace's id.")


class HttpProblem(HTTPException):
    """A request that the mechanism itself refuses."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=detail, headers=dict(headers) if headers else None)
        self.code = code
        self.errors = tuple(errors)


def title_of(code: str) -> str:
    """The human name of a problem: its code in words."""
    return code.replace("-", " ").capitalize()


def problem_bytes(
    status: int,
    code: str,
    detail: str | None = None,
    *,
    errors: Sequence[FieldError] = (),
    error_id: str | None = None,
) -> bytes:
    """A problem's body."""
    body = ProblemBody(
        type=PROBLEM_TYPES + code,
        title=title_of(code),
        status=status,
        code=code,
        detail=detail,
        errors=tuple(errors) or None,
        error_id=error_id,
    )
    return body.model_dump_json(exclude_none=True).encode()


NOT_FOUND = problem_bytes(404, "not-found", "There is nothing here that you may see.")


def problem_response(
    status: int,
    code: str,
    detail: str | None = None,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    error_id: str | None = None,
) -> Response:
    """A problem as a response. Every 404 has the same bytes."""
    body = NOT_FOUND if status == 404 else problem_bytes(status, code, detail, errors=errors, error_id=error_id)
    return Response(body, status, dict(headers) if headers else None, media_type=PROBLEM_MEDIA_TYPE)


def rejection_response(rejection: Rejection) -> Response:
    """The problem of a use case that refused."""
    errors: tuple[FieldError, ...] = ()
    if rejection.field is not None or rejection.remedy is not None:
        pointer = rejection.field or ""
        if pointer and not pointer.startswith("/"):
            pointer = "/" + pointer.replace(".", "/")
        errors = (FieldError(location="body", field=pointer, message=rejection.detail, remedy=rejection.remedy),)
    return problem_response(rejection.status, rejection.code, rejection.detail, errors=errors)


_CODES = {
    400: ("bad-request", "The request could not be read."),
    401: ("unauthenticated", "The request needs a valid bearer token."),
    403: ("not-allowed", "Your role may not do this."),
    405: ("method-not-allowed", "This address does not answer to this method."),
    408: ("request-timeout", "The request took too long to arrive."),
    413: ("body-too-large", "The body is larger than this address accepts."),
    415: ("unsupported-media-type", "This address does not accept this content type."),
}


def http_problem_response(error: Any) -> Response:
    """The problem of an HTTPException, of ours or of the framework. Details of the framework are not passed on."""
    status = int(error.status_code)
    if isinstance(error, HttpProblem):
        return problem_response(status, error.code, error.detail, errors=error.errors, headers=error.headers)
    code, detail = _CODES.get(status) or (_phrase(status).lower().replace(" ", "-"), _phrase(status) + ".")
    return problem_response(status, code, detail, headers=error.headers)


# As RFC 9110 has them; Python took them over with 3.13.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def _phrase(status: int) -> str:
    if status in _PHRASES:
        return _PHRASES[status]
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


_MESSAGES: dict[str, tuple[str, str]] = {
    "missing": ("The field is missing.", "Send it."),
    "extra_forbidden": ("There is no such field.", "Leave it out."),
    "json_invalid": ("The body is not valid JSON.", "Send JSON in UTF-8."),
    "greater_than": ("The value is too small.", "Send more than {gt}."),
    "greater_than_equal": ("The value is too small.", "Send at least {ge}."),
    "less_than": ("The value is too large.", "Send less than {lt}."),
    "less_than_equal": ("The value is larger than allowed.", "Send at most {le}."),
    "multiple_of": ("The value is not on the grid.", "Send a multiple of {multiple_of}."),
    "string_too_short": ("The text is too short.", "Send at least {min_length} characters."),
    "string_too_long": ("The text is too long.", "Send at most {max_length} characters."),
    "too_short": ("There are too few entries.", "Send at least {min_length}."),
    "too_long": ("There are too many entries.", "Send at most {max_length}."),
    "string_pattern_mismatch": ("The text has the wrong form.", "Send text of the form {pattern}."),
    "enum": ("The value is not one of the allowed.", "Send one of {expected}."),
    "literal_error": ("The value is not one of the allowed.", "Send one of {expected}."),
    "string_type": ("The value is not text.", "Send a string."),
    "string_unicode": ("The text is not valid Unicode.", "Send whole characters."),
    "timezone_aware": ("The time has no time zone.", "Send it with an offset, such as 2026-03-01T09:00:00Z."),
    "finite_number": ("The number is not finite.", "Send a finite number."),
    "none_required": ("The value must be null.", "Send null or leave it out."),
}
_FAMILIES: tuple[tuple[str, tuple[str, str]], ...] = (
    ("uuid", ("The value is not an id.", "Send a UUID.")),
    ("datetime", ("The value is not a time.", "Send a time after RFC 3339.")),
    ("date", ("The value is not a date.", "Send a date such as 2026-03-01.")),
    ("time", ("The value is not a time.", "Send a time such as 09:30.")),
    ("int", ("The value is not a whole number.", "Send a whole number.")),
    ("float", ("The value is not a number.", "Send a number.")),
    ("decimal", ("The value is not a number.", "Send a decimal number.")),
    ("bool", ("The value is neither true nor false.", "Send true or false.")),
    ("list", ("The value is not a list.", "Send a list.")),
    ("tuple", ("The value is not a list.", "Send a list.")),
    ("set", ("The value is not a list.", "Send a list.")),
    ("frozen_set", ("The value is not a list.", "Send a list.")),
    ("dict", ("The value is not an object.", "Send an object.")),
    ("model", ("The value is not an object.", "Send an object.")),
    ("url", ("The value is not an address.", "Send an absolute URL.")),
)
_OTHERWISE = ("The value is not accepted.", "See the description of this field in the API's documentation.")


def field_errors(errors: Sequence[Mapping[str, Any]], limit: int = 20) -> tuple[FieldError, ...]:
    """Pydantic's errors in our words; values the caller sent are never repeated, nor are names that are not plain."""
    return tuple(_field_error(error) for error in errors[:limit])


def _field_error(error: Mapping[str, Any]) -> FieldError:
    location, *path = error["loc"] or ("body",)
    kind = str(error["type"])
    if kind == "json_invalid":
        path = []
    if location == "body":
        field = "".join(f"/{_plain(part)}" for part in path)
    else:
        field = "/".join(_plain(part) for part in path)
    message, remedy = _words(kind)
    return FieldError(location=str(location), field=field, message=message, remedy=_filled(remedy, error.get("ctx")))


def _plain(part: object) -> str:
    text = str(part)
    return text if isinstance(part, int) or _SAFE_NAME.fullmatch(text) else "?"


@lru_cache(maxsize=256)
def _words(kind: str) -> tuple[str, str]:
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    return next((words for family, words in _FAMILIES if kind == family or kind.startswith(family + "_")), _OTHERWISE)


def _filled(remedy: str, context: Mapping[str, Any] | None) -> str:
    try:
        return remedy.format_map(dict(context or {}))
    except (KeyError, ValueError):
        return _OTHERWISE[1]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: problems it may answer with besides 400, 401, 403, 422, 500, 503 of all routes."""
    return {status: problem_documentation(status) for status in statuses}


def problem_documentation(status: int) -> dict[str, Any]:
    """How a problem of this status appears in the OpenAPI document."""
    return {
        "description": _phrase(status),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
