"""`python -m naive.publisher commit-then-publish|publish-then-commit <dsn> <kafka> <events>`: a dual write, killed between its halves.

The place between the two halves is the crash point `between`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from chassis.crash_points import crash_point
from contracts.envelope import Envelope, encode
from kafka_side import TOPIC
from rig.services import UNIT, logged, uuid7


async def _run(order: str, dsn: str, kafka: str, events: int) -> None:
    connection = await asyncpg.connect(dsn)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    for _ in range(events):
        meeting_id = uuid7()
        record = encode(Envelope.of(logged(meeting_id, 30), sequence=1, time=datetime.now(UTC)))

        async def commit(meeting_id: Any = meeting_id) -> None:
            await connection.execute("INSERT INTO counted VALUES ($1, $2, 1)", meeting_id, UNIT)

        async def publish(record: Any = record) -> None:
            await producer.send_and_wait(TOPIC, key=record.key, value=record.value, headers=list(record.headers))

        first, second = (commit, publish) if order == "commit-then-publish" else (publish, commit)
        await first()
        crash_point("between")
        await second()
    await producer.stop()
    await connection.close()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
