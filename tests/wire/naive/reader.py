"""`python -m naive.reader <dsn> <kafka> <group>`: FastStream with its default acknowledgement and a batch that takes its time.

The place in the middle of the slow batch, before its effects, is the crash point `in-batch`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import asyncpg
from chassis.crash_points import crash_point
from contracts.envelope import decode
from faststream.kafka import KafkaBroker
from kafka_side import TOPIC
from rig.services import UNIT

AUTO_COMMIT_MS = 150
SLOW = 0.8
"""Seconds a batch takes: longer than the interval of the automatic commit."""


async def _run(dsn: str, kafka: str, group: str) -> None:
    connection = await asyncpg.connect(dsn)
    broker = KafkaBroker(kafka, logger=None)

    async def decoder(message: Any) -> Any:
        return message.body

    async def handle(batch: Any) -> None:
        events = [decode(record.topic, record.key, record.value, record.headers) for record in batch.raw_message]
        await asyncio.sleep(SLOW)
        crash_point("in-batch")
        await connection.executemany(
            "INSERT INTO effects (business_unit_id, event_id, meeting_id, sequence) VALUES ($1, $2, $3, $4)",
            [(UNIT, event.id, event.subject, event.sequence) for event in events],
        )

    from faststream import Context

    handle.__annotations__ = {"batch": Any, "return": None}
    handle.__defaults__ = (Context("message"),)
    broker.subscriber(
        TOPIC,
        batch=True,
        group_id=group,
        auto_offset_reset="earliest",
        auto_commit_interval_ms=AUTO_COMMIT_MS,
        max_records=20,
        session_timeout_ms=1500,
        heartbeat_interval_ms=400,
        decoder=decoder,
    )(handle)
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:4]))
