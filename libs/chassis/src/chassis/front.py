"""The one ASGI layer before routing: body limits, security headers, conditional requests, metrics, the last resort."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
import time
from email.message import Message as MailHeaders

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import metrics
from chassis.health import Progress, answer
from chassis.idempotency import BODY_HASH
from chassis.logs import logger
from chassis.problems import HttpProblem, problem_response
from chassis.telemetry import current_trace_id

LARGEST_BODY = 256 * 1024
"""Bytes of the largest body; a route raises it with `max_body_size=`."""

DEEPEST_JSON = 20
"""Levels of nesting a JSON body may have."""

TRACE = "chassis.trace"
"""Where a traced route leaves its TraceContext in the request's scope."""

MOST_IN_FLIGHT = 512
"""Requests served at once by one process; more are answered 503, so that a slow database cannot fill the memory."""

_BODY_PATIENCE_SECONDS = 15.0
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_REVALIDATE = (b"cache-control", b"private, no-cache")

_log = logger(__name__)


def too_deep(body: bytes, deepest: int = DEEPEST_JSON) -> bool:
    """Whether JSON text nests deeper than `deepest` levels; text that is not JSON is judged by its brackets."""
    if body.count(b"{") + body.count(b"[") <= deepest:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > deepest:
            return True
    return False


class _BodyHash:
    """SHA-256 over a body as it passes, leaving out the multipart boundary, which clients draw anew at each try."""

    def __init__(self, content_type: bytes) -> None:
        self._digest = hashlib.sha256()
        self._boundary = b""
        self._held = b""
        if content_type.lower().startswith(b"multipart/"):
            headers = MailHeaders()
            headers["content-type"] = content_type.decode("latin-1")
            self._boundary = str(headers.get_param("boundary") or "").encode("latin-1", "replace")

    def update(self, chunk: bytes) -> None:
        """Take in the next piece."""
        if not self._boundary:
            self._digest.update(chunk)
            return
        *whole, rest = (self._held + chunk).split(self._boundary)
        for piece in whole:
            self._digest.update(piece)
        keep = len(self._boundary) - 1
        cut = max(0, len(rest) - keep)
        self._digest.update(rest[:cut])
        self._held = rest[cut:]

    def digest(self) -> bytes:
        """The digest of everything taken in."""
        whole = self._digest.copy()
        whole.update(self._held)
        return whole.digest()


class Front:
    """See the module. Sits inside of Starlette's error layer and outside of routing."""

    def __init__(self, app: ASGIApp, *, progress: Progress, largest_body: int = LARGEST_BODY) -> None:
        self._app = app
        self._progress = progress
        self._largest_body = largest_body
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = await answer(self._progress, scope["path"])
        if found is not None:
            await _plain(scope, send, *found)
            return
        if self._in_flight >= MOST_IN_FLIGHT:
            busy = problem_response(503, "unavailable", "Too much is being served.", headers={"retry-after": "1"})
            await busy(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._progress, self._largest_body)
        began = time.perf_counter()
        self._in_flight += 1
        metrics.HTTP_IN_FLIGHT.set(self._in_flight)
        try:
            if b"%00" in scope["query_string"] or "\x00" in scope["path"]:
                response = problem_response(400, "bad-request", "The address holds a character that is never valid.")
                await response(scope, receive, exchange.send)
                return
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            trace = scope.get(TRACE)
            error_id = f"{trace.trace_id:032x}" if trace is not None else current_trace_id()
            _log.error("request failed", exc_info=error, error_id=error_id, route=exchange.route)
            if exchange.status:
                raise
            detail = "Something went wrong on our side; it has been recorded."
            response = problem_response(500, "internal-error", detail, error_id=error_id)
            await response(scope, receive, exchange.send)
        finally:
            self._in_flight -= 1
            metrics.HTTP_IN_FLIGHT.set(self._in_flight)
            method = scope["method"] if exchange.route != "none" else "any"
            counted, timed = _measures(method, exchange.route, exchange.status or 499)
            counted.inc()
            timed.observe(time.perf_counter() - began)


@functools.cache
def _measures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The counter and the time of one kind of answer; there are only as many as routes and statuses."""
    return metrics.HTTP_REQUESTS.labels(method, route, str(status)), metrics.HTTP_SECONDS.labels(method, route)


async def _plain(scope: Scope, send: Send, status: int, media_type: str, body: bytes) -> None:
    own = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
    headers = [*own, *_SECURITY_HEADERS, _NO_STORE]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class _Exchange:
    """One request and its response while they pass through."""

    __slots__ = (
        "_buffered", "_content_type", "_digest", "_etag_asked", "_largest", "_length", "_progress", "_receive",
        "_received", "_scope", "_send", "_unchanged", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, progress: Progress, largest: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._progress = progress
        self._largest = largest
        self._length = 0
        self._received = 0
        self._buffered = False
        self._content_type = b""
        self._digest: _BodyHash | None = None
        self._etag_asked: bytes | None = None
        self._unchanged = False
        self.status = 0
        chunked = False
        for name, value in scope["headers"]:
            if name == b"content-type":
                self._content_type = value
            elif name == b"content-length":
                self._length = int(value) if value.isdigit() else 0
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"if-none-match" and scope["method"] in ("GET", "HEAD"):
                self._etag_asked = value
        if self._length or chunked:
            self._digest = _BodyHash(self._content_type)
            scope[BODY_HASH] = self._digest.digest

    @property
    def route(self) -> str:
        """The template of the route, `none` when none has matched."""
        return str(getattr(self._scope.get("route"), "path", None) or "none")

    async def receive(self) -> Message:
        """The next part of the request, within the limits of its route."""
        if self._digest is None:
            return await self._receive()
        largest = getattr(self._scope.get("route"), "max_body_size", None) or self._largest
        if self._length > largest:
            raise _too_large(largest)
        if not self._buffered and b"json" in self._content_type.lower():
            self._buffered = True
            return await self._receive_json(self._digest, largest)
        message = await self._receive_part()
        self._count(message, self._digest, largest)
        return message

    async def _receive_part(self) -> Message:
        try:
            async with asyncio.timeout(_BODY_PATIENCE_SECONDS):
                return await self._receive()
        except TimeoutError as error:
            detail = "The request took too long to arrive."
            raise HttpProblem(408, "request-timeout", detail, headers={"connection": "close"}) from error

    def _count(self, message: Message, digest: _BodyHash, largest: int) -> None:
        if message["type"] == "http.request":
            chunk = message.get("body", b"")
            self._received += len(chunk)
            if self._received > largest:
                raise _too_large(largest)
            digest.update(chunk)

    async def _receive_json(self, digest: _BodyHash, largest: int) -> Message:
        chunks = []
        more = True
        while more:
            message = await self._receive_part()
            if message["type"] != "http.request":
                return message
            self._count(message, digest, largest)
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
        if too_deep(body):
            raise HttpProblem(400, "body-too-deep", f"The body nests deeper than {DEEPEST_JSON} levels.")
        if b"\\u0000" in body:
            raise HttpProblem(400, "bad-request", "The body holds a character that is never valid.")
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """The next part of the response, with the headers every response has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = self._started(message)
        elif self._unchanged:
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)

    def _started(self, message: Message) -> Message:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        given = {name for name, _ in headers}
        etag = next((value for name, value in headers if name == b"etag"), None)
        if etag is not None and self.status == 200 and _matches(self._etag_asked, etag):
            self._unchanged = True
            self.status = 304
            headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-type")]
        headers.extend(pair for pair in _SECURITY_HEADERS if pair[0] not in given)
        if b"cache-control" not in given:
            headers.append(_NO_STORE if etag is None else _REVALIDATE)
        if self._progress.stopping:
            headers.append((b"connection", b"close"))
        return {**message, "status": self.status, "headers": headers}


def _too_large(largest: int) -> HttpProblem:
    # The rest of the body is not read, so the connection cannot serve another request.
    detail = f"The body is larger than this address accepts: {largest} bytes."
    return HttpProblem(413, "body-too-large", detail, headers={"connection": "close"})


def _matches(asked: bytes | None, etag: bytes) -> bool:
    if asked is None:
        return False
    if asked.strip() == b"*":
        return True
    return etag in (candidate.strip().removeprefix(b"W/") for candidate in asked.split(b","))
