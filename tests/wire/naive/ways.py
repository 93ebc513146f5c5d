"""Naive ways of carrying events from a database to a topic, and from a topic to an effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaProducer
from kafka_side import TOPIC


def event_id_of(row: Any) -> UUID:
    """The event's id in an outbox row."""
    return UUID(dict(msgspec.json.decode(row["headers"]))["ce_id"])


async def poll_by_id(dsn: str, stopping: asyncio.Event) -> set[UUID]:
    """Poll "id greater than the last one seen" until told to stop; the ids that such a relay would have sent."""
    seen: set[UUID] = set()
    last = 0
    connection = await asyncpg.connect(dsn)
    try:
        while True:
            ending = stopping.is_set()
            rows = await connection.fetch("SELECT seq, headers FROM outbox WHERE seq > $1 ORDER BY seq", last)
            seen.update(event_id_of(row) for row in rows)
            last = rows[-1]["seq"] if rows else last
            if ending:
                return seen
            await asyncio.sleep(0.005)
    finally:
        await connection.close()


async def publish_with_leases(dsn: str, producer: AIOKafkaProducer, fails_once: Callable[[Any], bool]) -> None:
    """A lease per row: each pending row is published by itself and a failed one is tried again later, behind the others."""
    connection = await asyncpg.connect(dsn)
    try:
        pending = list(await connection.fetch("SELECT seq, key, headers, value FROM outbox ORDER BY seq"))
        while pending:
            row = pending.pop(0)
            if fails_once(row):
                pending.append(row)
                continue
            headers = [(name, value.encode()) for name, value in msgspec.json.decode(row["headers"])]
            await producer.send_and_wait(TOPIC, key=row["key"], value=row["value"], headers=headers)
    finally:
        await connection.close()
