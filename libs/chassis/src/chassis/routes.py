"""A service's routes as they are served.

FastAPI declares and documents them and serves whatever is unusual: refusals, forms, queries, bodies that do not fit. A request as
clients usually send it is found and answered before FastAPI's layers, whose solving, stacks and parsing cost as much as a use case.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_type_hints

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel, ValidationError
from starlette.convertors import PathConvertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.access import Provided, access_of, methods_of, provided
from chassis.front import TRACE
from chassis.idempotency import ANONYMOUS_ROUTE, render
from chassis.pages import RequestBody
from chassis.telemetry import start_span

_REQUEST = "chassis_request"
_JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})

_REFUSED = "chassis.refused"

_Matches = Callable[[Scope], tuple[Match, Scope]]
_Endpoint = Callable[..., Awaitable[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Compiled:
    """A route as FastAPI serves it, and, when it is plain, what makes its short way out of what serves the unusual."""

    route: APIRoute
    shortened: Callable[[ASGIApp], ASGIApp] | None


def compiled(route: APIRoute) -> Compiled:
    """The route so that it lets in who may use it before its body is read, renders body models once and is traced by its template.

    ValueError when its endpoint is not a coroutine function, or when a parameter of its path may hold slashes.
    """
    if any(isinstance(convertor, PathConvertor) for convertor in route.param_convertors.values()):
        raise ValueError(f"{route.path}: {route.name} takes slashes in a parameter of its path")
    made = copy.copy(route)
    made.operation_id = made.unique_id = route.name
    given = provided(route.dependant)
    answer = _rendering(route, given)
    observed = _untraced if access_of(route).anonymous else functools.partial(_traced, route)
    made.app = observed(_through_fastapi(made, given, answer))
    made.matches = _matching(made.matches, route.path_format.partition("{")[0])  # type: ignore[method-assign, assignment]  # mypy takes it for a method
    if not _is_plain(route, given):
        return Compiled(made, None)
    return Compiled(made, lambda usual: observed(_directly(route, given, answer, usual)))


class ShortWay:
    """The layer before FastAPI's: finds the route as its router would, serves plain ones, leaves all else to `app`."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[Compiled]) -> None:
        self._app = app
        self._routes: dict[tuple[str, int], list[tuple[APIRoute, ASGIApp | None]]] = {}
        for one in routes:
            direct = None if one.shortened is None else one.shortened(app)
            for method in methods_of(one.route):
                # No parameter of a path holds a slash (`compiled` refuses those that do), so that their number tells most routes apart.
                self._routes.setdefault((method, one.route.path.count("/")), []).append((one.route, direct))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self._app
        if scope["type"] == "http" and not scope.get("root_path"):
            for route, direct in self._routes.get((scope["method"], scope["path"].count("/")), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    if direct is not None:
                        scope.update(found)
                        app = direct
                    break
        await app(scope, receive, send)


def _matching(matches: _Matches, prefix: str) -> _Matches:
    """`matches`, asked only about addresses that begin as the route's do: the others are most of the table at each request."""

    def asked(scope: Scope) -> tuple[Match, Scope]:
        if not scope["path"].startswith(prefix) and not scope.get("root_path"):
            return Match.NONE, {}
        return matches(scope)

    return asked


def _rendering(route: APIRoute, given: Provided) -> _Endpoint:
    """The endpoint, given by the mechanism what that gives, and its body model as a response."""
    call: _Endpoint = route.endpoint
    if not inspect.iscoroutinefunction(call):
        raise ValueError(f"{route.path}: {route.name} must be a coroutine function")
    status = route.status_code or 200
    request_name = route.dependant.request_param_name

    @functools.wraps(call)
    async def rendered(**arguments: Any) -> Any:
        request: Request = arguments.pop(_REQUEST)
        for name, make in given.arguments.items():
            arguments[name] = make(request)
        if request_name is not None:
            arguments[request_name] = request
        result = await call(**arguments)
        return render(result, status) if isinstance(result, BaseModel) else result

    return rendered


def _through_fastapi(route: APIRoute, given: Provided, answer: _Endpoint) -> ASGIApp:
    lean = copy.copy(route)
    lean.dependant = dataclasses.replace(
        route.dependant, call=answer, dependencies=given.others, request_param_name=_REQUEST
    )
    handle = lean.get_route_handler()

    async def admitted(request: Request) -> Response:
        refused: Exception | None = request.scope.get(_REFUSED)
        if refused is not None:
            raise refused
        await given.admit(request)
        return await handle(request)

    return request_response(admitted)


def _is_plain(route: APIRoute, given: Provided) -> bool:
    """Whether the route takes no more than what the mechanism gives, values out of its path and one body of ours."""
    needs: Dependant = route.dependant
    others = (
        given.others, needs.query_params, needs.header_params, needs.cookie_params, needs.request_param_name,
        needs.response_param_name, needs.background_tasks_param_name, needs.http_connection_param_name,
        needs.security_scopes_param_name, needs.websocket_param_name,
    )  # fmt: skip
    returned = get_type_hints(route.endpoint).get("return")
    if any(others) or not (isinstance(returned, type) and issubclass(returned, (Response, BaseModel))):
        return False
    return not needs.body_params or _body_model(route) is not None


def _body_model(route: APIRoute) -> type[RequestBody] | None:
    """The model of the route's one body, that must be there and is JSON as a whole; None for any other route."""
    if len(route.dependant.body_params) != 1 or route.body_field is None:
        return None
    declared = route.dependant.body_params[0].field_info
    model = declared.annotation
    whole = route.body_field.field_info is declared and declared.is_required() and not declared.metadata
    return model if whole and isinstance(model, type) and issubclass(model, RequestBody) else None


def _directly(route: APIRoute, given: Provided, answer: _Endpoint, usual: ASGIApp) -> ASGIApp:
    """Serves what `usual` would answer in the same way; hands over to it what is refused, and with its body what does not fit."""
    read = _arguments(route)
    takes_body = bool(route.dependant.body_params)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        message: Message | None = None
        response: Response | None = None
        try:
            await given.admit(request)
            if not takes_body or _is_json(scope):
                message = await receive() if takes_body else None
                arguments = read(scope, message)
                if arguments is not None:
                    response = await answer(chassis_request=request, **arguments)
        except Exception as error:
            scope[_REFUSED] = error
        if response is None:
            await usual(scope, receive if message is None else _again(message, receive), send)
        else:
            await response(scope, receive, send)

    return app


def _is_json(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return value in _JSON
    return False


def _arguments(route: APIRoute) -> Callable[[Scope, Message | None], Mapping[str, Any] | None]:
    """What reads the endpoint's own arguments out of a request and the message with its whole body; None when something does not fit."""
    path = tuple((field.name, field.alias, field.validate) for field in route.dependant.path_params)
    model = _body_model(route)
    body = None if model is None else (route.dependant.body_params[0].name, model.__pydantic_validator__.validate_json)

    def read(scope: Scope, message: Message | None) -> Mapping[str, Any] | None:
        arguments = {}
        for name, alias, validate in path:
            value, errors = validate(scope["path_params"].get(alias), {}, loc=("path", alias))
            if errors:
                return None
            arguments[name] = value
        if body is not None and message is not None:
            if message["type"] != "http.request" or message.get("more_body"):
                return None
            try:
                arguments[body[0]] = body[1](message["body"])
            except ValidationError:
                return None
        return arguments

    return read


def _again(message: Message, receive: Receive) -> Receive:
    """`receive`, after `message` once more."""
    taken = [message]

    async def received() -> Message:
        return taken.pop() if taken else await receive()

    return received


def _untraced(inner: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ANONYMOUS_ROUTE] = True
        await inner(scope, receive, send)

    return app


def _traced(route: APIRoute, inner: ASGIApp) -> ASGIApp:
    names = {method: f"{method} {route.path}" for method in methods_of(route)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if TRACE in scope:
            await inner(scope, receive, send)
            return
        method = scope["method"]
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"").decode("latin-1")
        with start_span(names.get(method, route.path), kind="server", parent=parent) as span:
            scope[TRACE] = span.context
            if not span.recorded:
                await inner(scope, receive, send)
                return
            span.set("http.request.method", method)
            span.set("http.route", route.path)

            async def observed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.fail(str(message["status"]))
                await send(message)

            await inner(scope, receive, observed)

    return app
