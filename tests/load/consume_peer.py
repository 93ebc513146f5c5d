"""`python -m load.consume_peer faststream|aiokafka <dsn> <bootstrap> <group>`: meetings, each in a transaction of its own.

Both do what ours does: decode and check the event, take its id into the inbox, upsert the meeting unless a newer one is known,
commit, and only then commit the offset. By the drivers themselves, without an object-relational mapper.
"""

from __future__ import annotations

import sys
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from contracts.engagement import MeetingFacts
from contracts.envelope import Envelope, decode
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from load.broker_side import TOPIC

_TAKE = "INSERT INTO inbox (consumer, event_id) VALUES ('evaluation', $1) ON CONFLICT DO NOTHING RETURNING true"
_COLUMNS = (
    "meeting_id", "business_unit_id", "named_unit_ids", "pair_id", "cohort_id", "state", "scheduled_for", "held_at", "minutes",
    "channel", "changed_at", "sequence",
)  # fmt: skip
_UPSERT = (
    f"INSERT INTO known_meetings AS known ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(_COLUMNS) + 1))})"
    f" ON CONFLICT (meeting_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
    " WHERE known.sequence < excluded.sequence"
)


def row(event: Envelope[MeetingFacts]) -> dict[str, Any]:
    """The row of a meeting in evaluation's projection."""
    meeting = event.data
    return {
        "meeting_id": meeting.meeting_id,
        "business_unit_id": meeting.business_unit_id,
        "named_unit_ids": sorted(meeting.named_unit_ids),
        "pair_id": meeting.pair_id,
        "cohort_id": meeting.cohort_id,
        "state": meeting.state.value,
        "scheduled_for": meeting.scheduled_for,
        "held_at": meeting.held_at,
        "minutes": meeting.minutes,
        "channel": meeting.channel.value if meeting.channel else None,
        "changed_at": event.time,
        "sequence": event.sequence,
    }


async def _apply(connection: Any, record: Any) -> None:
    event = decode(record.topic, record.key, record.value, record.headers)
    async with connection.transaction():
        if await connection.fetchval(_TAKE, event.id):
            await connection.execute(_UPSERT, *row(event).values())


async def _faststream(dsn: str, bootstrap: str, group: str) -> None:
    """One by one, as FastStream's documentation has it for acknowledging by hand."""
    broker = KafkaBroker(bootstrap, logger=None)
    connection = await asyncpg.connect(dsn)

    @broker.subscriber(
        TOPIC, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL, decoder=_undecoded
    )
    async def handle(message: KafkaMessage) -> None:
        await _apply(connection, message.raw_message)
        await message.ack()

    await FastStream(broker, logger=None).run()


async def _undecoded(message: Any) -> Any:
    return message.body


async def _aiokafka(dsn: str, bootstrap: str, group: str) -> None:
    """A plain loop."""
    connection = await asyncpg.connect(dsn)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    while True:
        await _apply(connection, await consumer.getone())
        await consumer.commit()


async def _main(kind: str, dsn: str, bootstrap: str, group: str) -> None:
    await (_faststream if kind == "faststream" else _aiokafka)(dsn, bootstrap, group)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
