"""Writes over HTTP: one use case, one commit, and the same answer to the same Idempotency-Key however often sent."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from chassis import metrics
from chassis.database import CommitInDoubt, IdempotentRequest, StoredResponse, Unavailable
from chassis.ports import Principal, Rejection
from chassis.problems import FieldError, HttpProblem
from chassis.service import Service
from chassis.shares import ShareTaken

Result = TypeVar("Result")

ANONYMOUS = Principal(subject="anonymous")
"""Who acts on routes that take no token."""

PRINCIPAL = "chassis.principal"
BODY_HASH = "chassis.body_hash"
ANONYMOUS_ROUTE = "chassis.anonymous"

_ATTEMPTS = 3
_PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_VERSION = re.compile(r'"([0-9]{1,9})"')
# The database itself is overloaded or blocked: running the work again at once would only add to it.
_OVERLOADED = frozenset({"53300", "55P03", "57014"})


def service_of(request: Request) -> Service:
    """The service behind a request."""
    service: Service = request.scope["app"].state.service
    return service


def route_of(request: Request) -> str | None:
    """The template of the route that serves a request."""
    return getattr(request.scope.get("route"), "path", None)


def principal_of(request: Request) -> Principal:
    """Who acts: set by the route's `allow`, else anonymous."""
    principal: Principal = request.scope.get(PRINCIPAL, ANONYMOUS)
    return principal


def render(model: BaseModel | None, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A response out of a body model, rendered once; its `version`, if it has one, becomes the ETag."""
    if model is None:
        return Response(status_code=status, headers=dict(headers) if headers else None)
    extra = dict(headers) if headers else {}
    version = getattr(model, "version", None)
    if isinstance(version, int):
        extra["etag"] = f'"{version}"'
    body = model.__pydantic_serializer__.to_json(model, by_alias=True)
    return Response(body, status, extra, media_type="application/json")


class WriteRequest:
    """What a route calls to change something; see `__call__`."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def expected_version(self) -> int | None:
        """The version named in If-Match; None without the header or with `*`. 400 problem when it is malformed."""
        value = self._request.headers.get("if-match")
        if value is None or value.strip() == "*":
            return None
        match = _VERSION.fullmatch(value.strip())
        if match is None:
            raise _header_problem("If-Match", "The header is not an entity tag of ours.", 'Send the ETag, such as "3".')
        return int(match[1])

    def require_version(self) -> int:
        """The version named in If-Match; 428 problem without one."""
        version = self.expected_version
        if version is None:
            remedy = 'Send If-Match with the ETag of the version you have seen, such as "3".'
            error = FieldError(location="header", field="If-Match", message="The header is missing.", remedy=remedy)
            raise HttpProblem(428, "precondition-required", "This change needs If-Match.", errors=[error])
        return version

    async def __call__(
        self,
        use_case: Callable[[Any], Awaitable[Result]],
        *,
        present: Callable[[Result], BaseModel | None] | None,
        status: int | None = None,
        acting_for: UUID | None = None,
        anonymous: bool = False,
        location: Callable[[Result], str] | None = None,
    ) -> Response:
        """Run the use case in one unit of work, commit, and answer with what `present` makes of its result.

        `status` is the route's unless given. `acting_for` names the unit whose rows are seen, for principals without a
        unit of their own. `location` makes the Location header. With an Idempotency-Key (POST: required) the effect and
        the answer are stored together; the same key and request get that answer again, another request with it a 422
        problem. A lost connection or a commit in doubt makes the whole use case run again with the same key, at most
        3 times within 5 seconds, then the answer is 503. An `anonymous` write stores nothing about the request.
        """
        untraced = bool(self._request.scope.get(ANONYMOUS_ROUTE))
        if anonymous and not untraced:
            raise RuntimeError("an anonymous write needs a route declared with dependencies=[anonymous]")
        key = None if untraced else self._key()
        code = status or getattr(self._request.scope.get("route"), "status_code", None) or 200
        principal = principal_of(self._request)
        unit = acting_for or principal.business_unit_id
        identity = None
        if key is not None:
            # Kept by the unit the transaction acts for, whose rows alone it may write; by none for who belongs to none.
            keeper = None if principal.business_unit_id is None else unit
            identity = IdempotentRequest(keeper, principal.subject, key, await self._hash())

        async def attempt() -> Response:
            service = service_of(self._request)
            async with service.database.write(business_unit_id=unit, route=route_of(self._request)) as session:
                work = service.open_unit_of_work(session, principal, unit)
                result = await use_case(work)
                body = present(result) if present is not None else None
                response = render(body, code, {"location": location(result)} if location else None)
                answer = _stored(response, identity) if identity is not None else None
                earlier = await session.commit(identity, answer)
            return response if earlier is None or identity is None else _replay(earlier, identity)

        return await self._persist(attempt, identity)

    async def _persist(
        self, attempt: Callable[[], Awaitable[Response]], identity: IdempotentRequest | None
    ) -> Response:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        for number in range(1, _ATTEMPTS + 1):
            try:
                try:
                    return await attempt()
                except Rejection:
                    earlier = await self._earlier(identity)
                    if earlier is None:
                        raise
                    return earlier
            except Unavailable as error:
                if identity is None or number == _ATTEMPTS or not _worth_another_try(error):
                    raise
                if time.monotonic() + pause > deadline:
                    raise
            metrics.HTTP_RETRIED.inc()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, guards nothing
            pause *= 4
        raise AssertionError("unreachable")

    async def _earlier(self, identity: IdempotentRequest | None) -> Response | None:
        """A refusal may be due to the effect of this very request, sent before: then its answer counts."""
        if identity is None:
            return None
        stored = await service_of(self._request).database.stored_response(identity)
        return None if stored is None else _replay(stored, identity)

    def _key(self) -> str | None:
        key = self._request.headers.get("idempotency-key")
        if key is None:
            if self._request.method == "POST":
                raise _header_problem(
                    "Idempotency-Key", "The header is missing.", "Send a fresh random value, the same at every retry."
                )
            return None
        if _KEY.fullmatch(key) is None:
            remedy = "Send 1 to 255 visible ASCII characters."
            raise _header_problem("Idempotency-Key", "The header is malformed.", remedy)
        return key

    async def _hash(self) -> bytes:
        scope = self._request.scope
        digest = hashlib.sha256(f"{self._request.method} {scope['path']}?".encode() + scope["query_string"] + b"\n")
        body_hash = scope.get(BODY_HASH)
        digest.update(body_hash() if body_hash is not None else hashlib.sha256(await self._request.body()).digest())
        return digest.digest()


def _header_problem(name: str, message: str, remedy: str) -> HttpProblem:
    error = FieldError(location="header", field=name, message=message, remedy=remedy)
    return HttpProblem(400, "bad-header", f"The request needs a valid {name} header.", errors=[error])


def _worth_another_try(error: Unavailable) -> bool:
    if isinstance(error, CommitInDoubt):
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (PoolTimeout, ShareTaken)) or getattr(cause, "sqlstate", None) in _OVERLOADED:
            return False
        # `raise error from error` makes an error its own cause.
        cause = cause.__cause__ if cause.__cause__ is not cause else None
    return True


def _stored(response: Response, identity: IdempotentRequest) -> StoredResponse:
    kept = {name: value for name, value in response.headers.items() if name in ("content-type", "etag", "location")}
    return StoredResponse(response.status_code, kept, bytes(response.body), identity.request_hash)


def _replay(stored: StoredResponse, identity: IdempotentRequest) -> Response:
    if stored.request_hash != identity.request_hash:
        _reused()
    metrics.HTTP_REPLAYED.inc()
    return Response(stored.body, stored.status, {**stored.headers, "idempotency-replayed": "true"})


def _reused() -> NoReturn:
    remedy = "Send a fresh key with a new request, the same key only with the same request."
    error = FieldError(location="header", field="Idempotency-Key", message="The key was used before.", remedy=remedy)
    raise HttpProblem(422, "idempotency-key-reused", "This key came with a different request before.", errors=[error])
