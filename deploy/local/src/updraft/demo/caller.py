"""A well-behaved client of the gateway: one key per request, the same at every retry, and a ledger of what it was promised."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
from contracts.identifiers import uuid7

_PATIENCE_SECONDS = 60.0
_AGAIN = frozenset({429, 502, 503, 504})


class Refused(Exception):
    """The platform answered with a problem; `problem` is its document."""

    def __init__(self, request: str, status: int, problem: Mapping[str, Any]) -> None:
        errors = "; ".join(
            f"{error.get('field')}: {error.get('message')} {error.get('remedy') or ''}".strip()
            for error in problem.get("errors", ())
        )
        super().__init__(f"{request}: {status} {problem.get('detail', '')} {errors}".strip())
        self.status = status
        self.problem = problem


class Caller:
    """Calls the gateway in somebody's name. `promised` counts writes that were answered 2xx, `retried` those sent again."""

    def __init__(self, gateway: str, *, at_once: int = 12) -> None:
        self._client = httpx.AsyncClient(base_url=gateway, timeout=30, limits=httpx.Limits(max_connections=at_once * 2))
        self._turn = asyncio.Semaphore(at_once)
        self.promised: Counter[str] = Counter()
        self.retried = 0

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def get(self, token: str, path: str, **query: Any) -> Any:
        """The JSON at `path`, once it can be had."""
        return (
            await self._send("GET", path, token, params={k: str(v) for k, v in query.items() if v is not None})
        ).json()

    async def text(self, token: str, path: str) -> str:
        """The text at `path`."""
        return (await self._send("GET", path, token)).text

    async def text_once(self, token: str, path: str) -> str | None:
        """The text at `path`, or None while it cannot be had because something has to happen first."""
        try:
            return await self.text(token, path)
        except Refused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            return None

    async def pages(self, token: str, path: str, **query: Any) -> AsyncIterator[Any]:
        """Every item of a paged list."""
        cursor = None
        while True:
            page = await self.get(token, path, cursor=cursor, limit=200, **query)
            for item in page["items"]:
                yield item
            cursor = page.get("next")
            if cursor is None:
                return

    async def post(self, token: str | None, path: str, body: Any = None, *, keyed: bool = True, **extra: Any) -> Any:
        """Do it exactly once, however often it has to be sent; `keyed=False` for a survey's answer, which leaves no trace."""
        response = await self._write("POST", token, path, body, keyed=keyed, **extra)
        return response.json() if response.content else None

    async def put(self, token: str, path: str, body: Any) -> Any:
        """Put it there; sent again it is the same."""
        return (await self._write("PUT", token, path, body, keyed=True)).json()

    async def upload(self, token: str, path: str, files: Mapping[str, bytes]) -> Any:
        """Send files as a form, one part a file."""
        parts = {name: (f"{name}.csv", data, "text/csv") for name, data in files.items()}
        return (await self._write("POST", token, path, None, keyed=True, files=parts)).json()

    async def _write(
        self,
        method: str,
        token: str | None,
        path: str,
        body: Any,
        *,
        keyed: bool,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if keyed:
            sent["idempotency-key"] = str(uuid7())
        response = await self._send(method, path, token, json=body, headers=sent, **extra)
        self.promised[_template(path)] += 1
        return response

    async def _send(self, method: str, path: str, token: str | None, **arguments: Any) -> httpx.Response:
        headers = dict(arguments.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if arguments.get("json", ...) is None:
            arguments.pop("json")
        give_up = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.1
        while True:
            try:
                async with self._turn:
                    response = await self._client.request(method, path, headers=headers, **arguments)
            except httpx.TransportError:
                if time.monotonic() > give_up:
                    raise
            else:
                if response.is_success:
                    return response
                if response.status_code not in _AGAIN or time.monotonic() > give_up:
                    raise Refused(f"{method} {_template(path)}", response.status_code, _problem(response))
            self.retried += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {"detail": response.reason_phrase}
    return document if isinstance(document, dict) else {"detail": response.reason_phrase}


def _template(path: str) -> str:
    """The path with its ids taken out."""
    return "/".join("{id}" if _is_id(part) else part for part in path.split("?", maxsplit=1)[0].split("/"))


def _is_id(part: str) -> bool:
    try:
        UUID(part)
    except ValueError:
        return False
    return True


async def until(what: str, ask: Callable[[], Any], good: Callable[[Any], bool] = bool, *, seconds: float = 60.0) -> Any:
    """Ask until the answer is good. TimeoutError that says `what` was waited for."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            answer = await ask()
        except Refused as refused:
            if refused.status != 404 or time.monotonic() > give_up:
                raise
            answer = None
        else:
            if good(answer):
                return answer
        if time.monotonic() > give_up:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s; last seen: {str(answer)[:200]}")
        await asyncio.sleep(0.1)
