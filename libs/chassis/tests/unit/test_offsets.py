"""How far a consumer has come reaches the broker, not after every batch, and never for what another member reads by now."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from chassis.offsets import TELL_EVERY, Offsets


class Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class Broker:
    def __init__(self, *assigned: int) -> None:
        self.assigned = {TopicPartition("t", partition) for partition in assigned}
        self.told: list[dict[int, int]] = []
        self.refuses = False

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    async def commit(self, found: dict[TopicPartition, int]) -> None:
        if self.refuses:
            raise CommitFailedError("rebalanced")
        self.told.append({place.partition: offset for place, offset in found.items()})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("chassis.offsets.time.monotonic", lambda: now[0])
    return now


async def test_the_first_batch_is_told_at_once_and_the_next_ones_together(clock: list[float]) -> None:
    broker, found = Broker(0, 1), Offsets()
    for offset in range(4):
        found.applied([Place("t", 0, offset), Place("t", 1, 10 * offset)])
        await found.tell(broker)
    assert broker.told == [{0: 1, 1: 1}]
    clock[0] += 2 * TELL_EVERY
    await found.tell(broker)
    await found.tell(broker)
    assert broker.told == [{0: 1, 1: 1}, {0: 4, 1: 31}]


async def test_who_stops_tells_all(clock: list[float]) -> None:
    broker, found = Broker(0), Offsets()
    for offset in range(2):
        found.applied([Place("t", 0, offset)])
        await found.tell(broker)
        found.at_once = True
    assert broker.told == [{0: 1}, {0: 2}]


async def test_nothing_is_told_of_what_another_reads_by_now(clock: list[float]) -> None:
    broker, found = Broker(1), Offsets()
    found.applied([Place("t", 0, 7), Place("t", 1, 8)])
    await found.tell(broker)
    broker.assigned.add(TopicPartition("t", 0))
    clock[0] += 2 * TELL_EVERY
    await found.tell(broker)
    assert broker.told == [{1: 9}]


async def test_a_broker_that_refuses_hears_of_it_again(clock: list[float]) -> None:
    broker, found = Broker(0, 1), Offsets()
    broker.refuses = True
    found.applied([Place("t", 0, 7), Place("t", 1, 3)])
    await found.tell(broker)
    broker.refuses = False
    clock[0] += 2 * TELL_EVERY
    found.applied([Place("t", 0, 8)])
    await found.tell(broker)
    assert broker.told == [{0: 9, 1: 4}]
