"""Events relayed a second, in order, with all headers: our relay's process against `faststream-outbox`.

Every contender finds the same events committed in PostgreSQL and carries them to the same topic. What arrived is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from contracts.envelope import Record
from faststream_outbox import make_outbox_table
from faststream_outbox.autovacuum import outbox_autovacuum_ddl
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from updraft.servers_for_tests import ServiceDatabase

from load.broker_side import Eye, in_order, open_eye
from load.meetings import header, meeting_events
from load.pace import Pace, pace
from load.relay_peer import QUEUE, TABLE
from load.rows import Bench, Goal, Peer
from load.servers import Servers

_OUTBOX = ["business_unit_id", "topic", "key", "headers", "value"]
_REFILL = f"""TRUNCATE {TABLE};
 INSERT INTO {TABLE} (queue, payload, headers) SELECT '{QUEUE}', payload, headers FROM staged ORDER BY place;"""
"""One INSERT, so the rows become due at one moment, as after a time without the broker."""


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Add the rows "events relayed in order / ..."."""
    records = meeting_events(8_000 if quick else 80_000)
    subject = RelaySubject(bench, servers, servers.database("engagement"), records, seconds=3 if quick else 5)
    async with open_eye(servers.kafka) as eye:
        await subject.prepare(eye)
        await bench.alternate(
            "events relayed in order",
            "/s",
            subject.ours,
            [
                Peer("faststream-outbox, tuned", lambda: subject.peer("tuned"), times=8),
                Peer("faststream-outbox, defaults", lambda: subject.peer("defaults")),
            ],
            goal=Goal(least=30_000),
        )


class RelaySubject:
    """The contenders' rounds over one database."""

    def __init__(
        self, bench: Bench, servers: Servers, database: ServiceDatabase, records: Sequence[Record], *, seconds: float
    ) -> None:
        self._bench, self._servers, self._database, self._records = bench, servers, database, records
        self._seconds = seconds
        self._eye: Eye

    async def prepare(self, eye: Eye) -> None:
        """Commit the events for both kinds of outbox."""
        self._eye = eye
        admin = await asyncpg.connect(self._database.admin_dsn)
        try:
            rows = [
                (
                    UUID(header(record, "ce_businessunit").decode()),
                    record.topic,
                    record.key,
                    _headers(record),
                    record.value,
                )
                for record in self._records
            ]
            await admin.copy_records_to_table("outbox", records=rows, columns=_OUTBOX)
            await admin.execute("CREATE UNLOGGED TABLE staged (place bigserial, payload bytea, headers jsonb)")
            staged = [(record.value, msgspec.json.encode(_texts(record)).decode()) for record in self._records]
            await admin.copy_records_to_table("staged", records=staged, columns=["payload", "headers"])
            await self._make_table()
            await admin.execute(outbox_autovacuum_ddl(TABLE))
            await admin.execute("VACUUM ANALYZE outbox")
        finally:
            await admin.close()

    async def _make_table(self) -> None:
        metadata = MetaData()
        make_outbox_table(metadata, TABLE)
        engine = create_async_engine(_sqlalchemy(self._database.dsn("owner")))
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()

    async def ours(self) -> float:
        """Our relay over the whole outbox; AssertionError unless everything has arrived unchanged and in order."""
        await self._admin("UPDATE relay_cursor SET seq = 0", "CHECKPOINT")
        start = await self._eye.ends()
        with self._servers.running("engagement-relay", ["engagement", "relay"], database=self._database) as relay:
            seen = await self._pace(start, relay, 120)
        arrived = await self._eye.records_since(start)
        assert _by_id(arrived) == {header(record, "ce_id"): _content(record) for record in self._records}
        assert not in_order(arrived)
        return seen.rate

    async def peer(self, kind: str) -> float:
        """The library over the same events, for some seconds; AssertionError when it changes one."""
        await self._admin(_REFILL, f"VACUUM ANALYZE {TABLE}", "CHECKPOINT")
        start = await self._eye.ends()
        command = ["load.relay_peer", kind, _sqlalchemy(self._database.dsn("owner")), self._servers.kafka]
        with self._servers.running("faststream-outbox", command) as relay:
            seen = await self._pace(start, relay, self._seconds)
        sent = {header(record, "ce_id"): _content(record) for record in self._records}
        arrived = _by_id(await self._eye.records_since(start))
        for event_id, (key, value, headers) in arrived.items():
            own_key, own_value, own_headers = sent[event_id]
            assert (key, value) == (own_key, own_value)
            assert own_headers.items() <= headers.items()
        assert len(arrived) >= seen.seen
        return seen.rate

    async def _pace(self, start: dict[Any, int], relay: Any, seconds: float) -> Pace:
        async def arrived() -> int:
            return sum((await self._eye.ends()).values()) - sum(start.values())

        seen = await pace(arrived, len(self._records), relay, self._servers, at_most_seconds=seconds)
        self._bench.say(f"[dim]{seen.cpu}[/dim]")
        return seen

    async def _admin(self, *statements: str) -> None:
        admin = await asyncpg.connect(self._database.admin_dsn)
        try:
            for statement in statements:
                await admin.execute(statement)
        finally:
            await admin.close()


def _sqlalchemy(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://")


def _texts(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def _headers(record: Record) -> bytes:
    return msgspec.json.encode(list(_texts(record).items()))


def _content(record: Any) -> tuple[bytes, bytes, dict[str, bytes]]:
    return record.key, record.value, dict(record.headers)


def _by_id(records: Sequence[Any]) -> dict[bytes, tuple[bytes, bytes, dict[str, bytes]]]:
    return {dict(record.headers)["ce_id"]: _content(record) for record in records}
