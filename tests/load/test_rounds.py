"""The rounds of the messaging rows do what they say, with a few hundred events: what is not run rots."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import asyncpg
import kafka_side
import pytest
from rich.console import Console
from updraft.kafka import embedded_kafka

from load.broker_side import in_order, open_eye
from load.consume import ConsumeSubject
from load.meetings import meeting_events
from load.relay import RelaySubject
from load.rows import Bench
from load.servers import Servers

pytestmark = pytest.mark.wire

RECORDS = meeting_events(1200)
"""More than lie between two events of one meeting."""


@pytest.fixture(scope="module")
def servers(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("load")
    with embedded_kafka(folder) as broker, Servers(folder, postgres=postgres, kafka=broker.bootstrap) as made:
        yield made


def quiet() -> Bench:
    return Bench(Console(file=io.StringIO()))


@pytest.mark.requirement("I1", "I4")
async def test_relay_rounds_carry_everything_and_notice_what_is_missing(servers):
    subject = RelaySubject(quiet(), servers, servers.database("engagement"), RECORDS, seconds=1)
    async with open_eye(servers.kafka) as eye:
        await subject.prepare(eye)
        assert await subject.ours() > 0
        assert await subject.peer("tuned") > 0
        assert await subject.peer("defaults") > 0
        await subject._admin("DELETE FROM outbox WHERE seq = 7", "INSERT INTO outbox (business_unit_id, topic, key, headers,"
                             " value) SELECT business_unit_id, topic, key, headers, value FROM outbox WHERE seq = 8")  # fmt: skip
        with pytest.raises(AssertionError):
            await subject.ours()


@pytest.mark.requirement("I3")
async def test_consume_rounds_have_each_effect_once_and_notice_when_not(servers):
    database = servers.database("evaluation")
    subject = ConsumeSubject(quiet(), servers, database, RECORDS, seconds=1)
    await kafka_side.fresh_topics(servers.kafka)
    await kafka_side.send(servers.kafka, RECORDS)
    async with open_eye(servers.kafka) as eye:
        subject.eye = eye
        assert await subject.ours(["evaluation", "consumer"], whole=True) > 0
        admin = await asyncpg.connect(database.admin_dsn)
        try:
            assert await admin.fetchval("SELECT count(*) FROM inbox") == len(RECORDS)
            await admin.execute(
                "DELETE FROM known_meetings WHERE meeting_id = (SELECT meeting_id FROM known_meetings LIMIT 1)"
            )
            with pytest.raises(AssertionError, match="had an effect"):
                await subject._check(admin, len(RECORDS))
        finally:
            await admin.close()
        assert await subject.ours(["load.consume_ours", "consumer"], whole=True) > 0
        assert await subject.peer("faststream") > 0
        assert await subject.peer("aiokafka") > 0


def test_disorder_is_seen() -> None:
    class Seen:
        def __init__(self, record: Any) -> None:
            self.key, self.headers = record.key, record.headers

    records = [Seen(record) for record in RECORDS]
    assert in_order([*records, *records]) == []
    late = next(place for place, record in enumerate(RECORDS) if dict(record.headers)["ce_sequence"] == b"2")
    assert in_order([records[late], *records[:late], *records[late + 1 :]]) == [records[late].key.decode()] * 2
    assert in_order(records[1:])
