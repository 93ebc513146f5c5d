"""A lean HTTP/1.1 client for load: ready-made requests over connections that stay open, one at a time on each.

A client library would need more of the processor than the service under test; this one needs about 20 µs a request, and the time it
took is part of what it reports.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"


@dataclass(slots=True)
class Driven:
    """What a stretch of load came to: `answers` by status, `seconds` it took, processor `busy` seconds of this client."""

    seconds: float = 0.0
    busy: float = 0.0
    answers: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refused: bytes = b""

    @property
    def rate(self) -> float:
        """Creations a second: answers 201."""
        return self.answers[201] / self.seconds


def post(path: str, headers: Mapping[str, str], body: Any) -> bytes:
    """The bytes of a POST of JSON."""
    payload = json.dumps(body, separators=(",", ":")).encode()
    lines = {
        "host": HOST, "content-type": "application/json", "content-length": str(len(payload)), **headers,
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + payload


class Line(asyncio.Protocol):
    """One connection: `send` a request, `answered` is called with the status and the whole answer."""

    def __init__(self, answered: Callable[[Line, int, bytes], None]) -> None:
        self._answered = answered
        self._transport: Any = None
        self._buffer = b""
        self._whole = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """A connection that ends within a request counts as an answer with status 0."""
        self.lost = True
        self._answered(self, 0, self._buffer)

    def send(self, request: bytes) -> None:
        """Send a request; the answer to the one before must have come."""
        self._transport.write(request)

    def close(self) -> None:
        """Close the connection; nothing is reported any more."""
        self._answered = lambda _line, _status, _answer: None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._buffer = data if not self._buffer else self._buffer + data
        if not self._whole:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._buffer[:end].lower().index(b"content-length:") + 15
            stop = self._buffer.find(b"\r", at)
            self._whole = end + 4 + int(self._buffer[at:stop])
        if len(self._buffer) >= self._whole:
            answer, self._buffer, self._whole = self._buffer, b"", 0
            self._answered(self, int(answer[9:12]), answer)


async def drive(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Driven:
    """Keep `connections` busy for `seconds`, each sending its next request as soon as it has been answered.

    RuntimeError when the server ends a connection.
    """
    loop = asyncio.get_running_loop()
    result = Driven()
    open_lines = connections
    finished = loop.create_future()
    sent: dict[Line, float] = {}
    deadline = float("inf")

    def answered(line: Line, status: int, answer: bytes) -> None:
        nonlocal open_lines
        now = time.perf_counter()
        result.answers[status] += 1
        result.latencies.append(now - sent[line])
        if status != 201 and not result.refused:
            result.refused = answer
        if now < deadline and not line.lost:
            sent[line] = now
            line.send(next(requests))
            return
        open_lines -= 1
        if not open_lines and not finished.done():
            finished.set_result(None)

    lines = [(await loop.create_connection(lambda: Line(answered), HOST, port))[1] for _ in range(connections)]
    began, busy = time.perf_counter(), time.process_time()
    deadline = began + seconds
    try:
        for line in lines:
            sent[line] = time.perf_counter()
            line.send(next(requests))
        await finished
        result.seconds, result.busy = time.perf_counter() - began, time.process_time() - busy
    finally:
        for line in lines:
            line.close()
    if result.answers[0]:
        raise RuntimeError(f"the server on port {port} ended {result.answers[0]} connections")
    return result
