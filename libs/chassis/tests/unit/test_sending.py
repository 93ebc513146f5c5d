"""Where a record goes must not depend on who sends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from chassis.sending import partition_of, send_all
from contracts.identifiers import uuid7
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.requirement("I4")
@given(key=st.binary(max_size=80), partitions=st.integers(1, 64))
def test_a_key_has_the_partition_that_other_clients_give_it(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, every, every)


def test_keys_spread_over_all_partitions() -> None:
    counts = [0] * 6
    for _ in range(6000):
        counts[partition_of(str(uuid7()).encode(), 6)] += 1
    assert min(counts) > 800


class _Batch:
    def __init__(self, room: int) -> None:
        self.values: list[bytes] = []
        self._room = room

    def append(self, *, value: bytes, **_: Any) -> object | None:
        if len(self.values) == self._room:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass


class _Producer:
    """Takes batches of `room` records for topics of three partitions."""

    def __init__(self, room: int) -> None:
        self.sent: dict[int, list[bytes]] = {}
        self._room = room

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0, 1, 2}

    def create_batch(self) -> _Batch:
        return _Batch(self._room)

    async def send_batch(self, batch: _Batch, _topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent.setdefault(partition, []).extend(batch.values)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


def _rows(number: int) -> list[dict[str, Any]]:
    keys = [str(uuid7()).encode() for _ in range(7)]
    return [{"topic": "t", "key": keys[n % 7], "value": b"%d" % n, "headers": b"[]"} for n in range(number)]


@pytest.mark.requirement("I1", "I4")
async def test_rows_fill_batch_after_batch_and_none_is_skipped_or_overtaken() -> None:
    producer: Any = _Producer(room=4)
    rows = _rows(100)
    await send_all(producer, rows)
    for partition, values in producer.sent.items():
        assert values == [row["value"] for row in rows if partition_of(row["key"], 3) == partition]
    assert sum(map(len, producer.sent.values())) == 100


@pytest.mark.requirement("I1")
async def test_a_row_that_no_batch_takes_ends_the_relay_instead_of_being_skipped() -> None:
    producer: Any = _Producer(room=0)
    with pytest.raises(RuntimeError, match="skipped"):
        await send_all(producer, _rows(1))
