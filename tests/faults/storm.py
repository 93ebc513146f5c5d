"""python storm.py HOST PORT PATH RATE CONNECTIONS: creations in the name of one unit, as fast as told, until SIGTERM.

Reads the token from its standard input, prints the number of answers by status as JSON at its end. A process of its own with
bare sockets, so that the storm takes little from the machine on which the others' answers are timed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from uuid import uuid4


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one response; its status, and `+` when it says when to try again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(length.split(b":")[1]))
    return head.split(b" ", 2)[1].decode() + ("+" if b"\r\nretry-after:" in head else "")


async def _storm(host: str, port: int, path: str, token: str, rate: float, connections: int) -> Counter[str]:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    answers: Counter[str] = Counter()
    due = 0
    began = time.monotonic()

    async def client() -> None:
        nonlocal due
        reader, writer = await asyncio.open_connection(host, port)
        while not stopping.is_set():
            due += 1
            await asyncio.sleep(began + due / rate - time.monotonic())
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
                f"idempotency-key: create-{uuid4()}\r\ncontent-length: 0\r\n\r\n".encode()
            )
            answers[await _answer(reader)] += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return answers


if __name__ == "__main__":
    # A storm's senders are elsewhere: their work must not be taken from those who answer.
    os.nice(10)
    host, port, path, rate, connections = sys.argv[1:]
    told = sys.stdin.readline().strip()
    sys.stdout.write(json.dumps(asyncio.run(_storm(host, int(port), path, told, float(rate), int(connections)))))
