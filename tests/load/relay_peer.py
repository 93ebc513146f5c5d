"""`python -m load.relay_peer tuned|defaults <dsn> <bootstrap>`: `faststream-outbox` relaying a table to the topic of meetings.

Key and all headers travel with each record, and the broker acknowledges with all its copies, as for ours.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import uvloop
from aiokafka import AIOKafkaProducer
from faststream import Context, FastStream
from faststream.kafka import KafkaBroker, KafkaResponse
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import MetaData, Table
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from load.broker_side import TOPIC

QUEUE = "meetings"
TABLE = "library_outbox"

_TUNED: dict[str, Any] = {
    "max_workers": 32,
    "fetch_batch_size": 1000,
    "terminal_flush_batch_size": 500,
    "min_fetch_interval": 0.001,
    "max_fetch_interval": 0.05,
}


async def _relay(kind: str, dsn: str, bootstrap: str) -> None:
    engine = create_async_engine(dsn, pool_size=40, max_overflow=0)
    table = make_outbox_table(MetaData(), TABLE)
    outbox, kafka = _tuned(engine, table, bootstrap) if kind == "tuned" else _by_defaults(engine, table, bootstrap)
    await FastStream(outbox, on_startup=[kafka.start], on_shutdown=[kafka.stop], logger=None).run()


def _tuned(engine: AsyncEngine, table: Table, bootstrap: str) -> tuple[OutboxBroker, Any]:
    """Whatever made it faster when it was tried: no conversion of arguments, the driver's producer instead of FastStream's."""
    outbox = OutboxBroker(engine, outbox_table=table, logger=None, apply_types=False)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")

    @outbox.subscriber(QUEUE, decoder=_undecoded, **_TUNED)
    async def relay(message: Any) -> None:
        headers = message.headers
        encoded = [(name, value.encode()) for name, value in headers.items()]
        await producer.send_and_wait(TOPIC, message.body, key=headers["ce_subject"].encode(), headers=encoded)

    return outbox, producer


async def _undecoded(message: Any) -> Any:
    return message


def _by_defaults(engine: AsyncEngine, table: Table, bootstrap: str) -> tuple[OutboxBroker, Any]:
    """As its documentation begins."""
    outbox = OutboxBroker(engine, outbox_table=table, logger=None)
    kafka = KafkaBroker(bootstrap, acks="all", logger=None)

    @kafka.publisher(TOPIC)
    @outbox.subscriber(QUEUE)
    async def relay(body: dict[str, Any], message: Annotated[Any, Context("message")]) -> KafkaResponse:
        headers = message.headers
        return KafkaResponse(message.body, key=headers["ce_subject"].encode(), headers=headers)

    return outbox, kafka


if __name__ == "__main__":
    uvloop.run(_relay(sys.argv[1], sys.argv[2], sys.argv[3]))
