"""Who may use a route: every route says it, either with `allow(...)` or by being declared `anonymous`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from chassis.auth import KeysUnavailable, TokenRefused, TokenVerifier
from chassis.idempotency import PRINCIPAL, WriteRequest, principal_of, route_of, service_of
from chassis.ports import Principal
from chassis.problems import HttpProblem

_UNAUTHENTICATED = ("unauthenticated", "The request needs a valid bearer token.")


class Allow:
    """Marks a route that lets in only principals with one of `roles` (any verified principal when there are none)."""

    def __init__(self, roles: frozenset[str]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        """The principal that `admit` has let in."""
        return principal_of(request)


def allow(*roles: str) -> Any:
    """Let in only principals with one of these roles; stands in the annotation of a route's parameter `principal`.

    Without roles any verified principal may. What a principal may see beyond that, views and use cases decide (404).
    """
    return Depends(Allow(frozenset(roles)))


class _Anonymous:
    async def __call__(self) -> None:
        """Nothing to check."""


anonymous = Depends(_Anonymous())
"""For `dependencies=[anonymous]` of a route that takes no token, keeps no idempotency key and leaves no trace."""


async def authenticate(request: Request) -> Principal:
    """The principal of the request's bearer token, kept in the request's scope."""
    header = request.headers.get("authorization")
    if header is None:
        raise HttpProblem(401, *_UNAUTHENTICATED, headers={"www-authenticate": 'Bearer realm="updraft"'})
    scheme, _, token = header.partition(" ")
    verifier: TokenVerifier = request.scope["app"].state.verifier
    try:
        if scheme.lower() != "bearer":
            raise TokenRefused("scheme")
        principal = await verifier.verify(token.strip())
    except TokenRefused as refusal:
        challenge = {"www-authenticate": 'Bearer realm="updraft", error="invalid_token"'}
        raise HttpProblem(401, *_UNAUTHENTICATED, headers=challenge) from refusal
    except KeysUnavailable as error:
        detail = "Tokens cannot be verified at the moment."
        raise HttpProblem(503, "unavailable", detail, headers={"retry-after": "2"}) from error
    request.scope[PRINCIPAL] = principal
    return principal


class ReadRequest:
    """What a route enters to look at something: `async with read() as views`."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    @asynccontextmanager
    async def __call__(self, *, acting_for: UUID | None = None) -> AsyncIterator[Any]:
        """The service's views upon a read-only transaction of the principal's unit, or of the unit `acting_for`."""
        service = service_of(self._request)
        unit = acting_for or principal_of(self._request).business_unit_id
        async with service.database.read(business_unit_id=unit, route=route_of(self._request)) as session:
            yield service.views(session)


async def _read(request: Request) -> ReadRequest:
    return ReadRequest(request)


async def _write(request: Request) -> WriteRequest:
    return WriteRequest(request)


Read = Annotated[ReadRequest, Depends(_read)]
"""Parameter of a route that looks at something."""

Write = Annotated[WriteRequest, Depends(_write)]
"""Parameter of a route that changes something."""


_PROVIDED: dict[Any, Callable[[Request], Any]] = {_read: ReadRequest, _write: WriteRequest}


@dataclass(frozen=True, slots=True)
class Provided:
    """What a route needs that the mechanism gives it by itself, without FastAPI's solving of dependencies at each request.

    `demands` are the roles of each `allow`, `arguments` make the parameters that take `Read`, `Write` and the principal,
    `others` are dependencies of any other kind, which FastAPI solves.
    """

    demands: tuple[frozenset[str], ...]
    arguments: Mapping[str, Callable[[Request], Any]]
    others: list[Dependant]

    async def admit(self, request: Request) -> None:
        """Verify the token and the role: 401 problem without a valid token, 403 without the role, 503 without keys."""
        if self.demands:
            principal = await authenticate(request)
            for roles in self.demands:
                if roles and roles.isdisjoint(principal.roles):
                    raise HttpProblem(403, "not-allowed", "Your role may not do this.")


def provided(dependant: Dependant) -> Provided:
    """What the mechanism gives a route by itself."""
    demands, arguments, others = [], {}, []
    for inner in dependant.dependencies:
        make = _PROVIDED.get(inner.call)
        if isinstance(inner.call, Allow):
            demands.append(inner.call.roles)
            make = principal_of
        elif make is None and not isinstance(inner.call, _Anonymous):
            others.append(inner)
        if make is not None and inner.name is not None:
            arguments[inner.name] = make
    return Provided(tuple(demands), arguments, others)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: `roles` (empty: any verified principal), or everybody when `anonymous`."""

    roles: frozenset[str]
    anonymous: bool


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependants(inner)


def access_of(route: APIRoute) -> Access:
    """Who may use the route. ValueError when it does not say so, or says both."""
    calls = [inner.call for inner in _dependants(route.dependant)]
    demands = [call.roles for call in calls if isinstance(call, Allow)]
    is_anonymous = any(isinstance(call, _Anonymous) for call in calls)
    if is_anonymous == bool(demands):
        raise ValueError(
            f"{route.path}: say who may use it, with allow(...) (a name the module knows) or dependencies=[anonymous]"
        )
    named = [roles for roles in demands if roles]
    roles = frozenset.intersection(*named) if named else frozenset[str]()
    if named and not roles:
        raise ValueError(f"{route.path}: nobody can satisfy all of its allow(...)")
    return Access(roles, is_anonymous)


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """One line of the role matrix: what a route is called and who may use it."""

    method: str
    path: str
    name: str
    access: Access


def role_matrix(app: FastAPI) -> list[RouteAccess]:
    """Every route of the API with who may use it, for the test of the role matrix."""
    return [
        RouteAccess(method, route.path, route.name, access_of(route))
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in methods_of(route)
    ]


def methods_of(route: APIRoute) -> list[str]:
    """The methods the route answers to, in order."""
    return sorted(route.methods or ())


def uses_write(route: APIRoute) -> bool:
    """Whether the route changes something (it has a parameter of type Write)."""
    return any(inner.call is _write for inner in _dependants(route.dependant))
