"""Events consumed exactly once into PostgreSQL a second: evaluation's consumer process over its own, migrated database.

The topic of meetings is filled once; each round reads all of it as a group of its own into emptied tables. What a round counts is
offsets that a group has committed; what it then finds in the database must be each event's effect, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import uuid4

import asyncpg
import kafka_side
from contracts.envelope import Record
from updraft.servers_for_tests import ServiceDatabase

from load.broker_side import Eye, open_eye
from load.meetings import meeting_events
from load.pace import pace
from load.rows import Bench, Goal, Peer
from load.servers import Servers


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """Add the rows "events consumed exactly once ... / ..."."""
    records = meeting_events(6_000 if quick else 60_000)
    subject = ConsumeSubject(bench, servers, servers.database("evaluation"), records, seconds=2 if quick else 4)
    await kafka_side.fresh_topics(servers.kafka)
    await kafka_side.send(servers.kafka, records)
    async with open_eye(servers.kafka) as eye:
        subject.eye = eye
        peers = [
            Peer("FastStream, one by one", lambda: subject.peer("faststream")),
            Peer("aiokafka loop", lambda: subject.peer("aiokafka")),
        ]
        for how, command, whole, least in (
            ("evaluation's own handler for a batch", ["evaluation", "consumer"], True, 20_000),
            ("an upsert an event", ["load.consume_ours", "consumer"], False, 5_000),
        ):
            await bench.alternate(
                f"events consumed exactly once, {how}",
                "/s",
                partial(subject.ours, command, whole=whole),
                peers,
                goal=Goal(least=least),
            )


class ConsumeSubject:
    """The contenders' rounds over one database and one topic."""

    eye: Eye

    def __init__(
        self, bench: Bench, servers: Servers, database: ServiceDatabase, records: Sequence[Record], *, seconds: float
    ) -> None:
        self._bench, self._servers, self._database = bench, servers, database
        self._total = len(records)
        self._seconds = seconds

    async def ours(self, command: Sequence[str], *, whole: bool) -> float:
        """Our consumer until everything is consumed (`whole`) or for some seconds."""
        group = f"bench.{uuid4()}"
        return await self._round(group, command, {"UPDRAFT_CONSUMER_GROUP": group}, 120 if whole else self._seconds)

    async def peer(self, kind: str) -> float:
        """A peer for some seconds."""
        group = f"bench.{uuid4()}"
        command = ["load.consume_peer", kind, self._database.dsn("worker"), self._servers.kafka, group]
        return await self._round(group, command, {}, self._seconds)

    async def _round(self, group: str, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> float:
        admin = await asyncpg.connect(self._database.admin_dsn)
        try:
            await admin.execute("TRUNCATE inbox, known_meetings, known_pairs CASCADE")
            await admin.execute("CHECKPOINT")

            async def consumed() -> int:
                return await self.eye.committed(group)

            with self._servers.running(
                "consumer", command, database=self._database, environment=environment
            ) as consumer:
                seen = await pace(consumed, self._total, consumer, self._servers, at_most_seconds=seconds)
            self._bench.say(f"[dim]{seen.cpu}[/dim]")
            await self._check(admin, await self.eye.committed(group))
        finally:
            await admin.close()
        return seen.rate

    async def _check(self, admin: asyncpg.Connection, committed: int) -> None:
        """AssertionError unless every consumed event has had its effect, once and in order.

        A meeting's sequence counts its events, so that the sum of all is the number of events that came to an effect. Only what was
        under way when the process was stopped may be ahead of the committed offset.
        """
        taken = await admin.fetchval("SELECT count(*) FROM inbox")
        effects = await admin.fetchval("SELECT coalesce(sum(sequence), 0)::bigint FROM known_meetings")
        assert taken == effects, f"{taken} events were taken, {effects} have had an effect"
        assert committed <= taken <= min(committed + 500, self._total), (
            f"{taken} events for {committed} committed offsets"
        )
