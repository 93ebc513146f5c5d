"""Connections go from hand to hand: never more than there may be, in turn, and none is lost to who gave up."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from chassis.connections import Connection, Connections
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .impatience import impatient_clients

pytestmark = pytest.mark.requirement("F11", "F12")


class Driver:
    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class Opened:
    invalidated = False

    def __init__(self) -> None:
        self.driver_connection = Driver()

    async def get_raw_connection(self) -> Opened:
        return self

    async def invalidate(self) -> None:
        self.driver_connection.closed = True

    async def close(self) -> None:
        self.driver_connection.closed = True


class Engine:
    """Counts what is open; `away` makes connecting fail."""

    def __init__(self) -> None:
        self.made: list[Opened] = []
        self.away = False

    async def connect(self) -> Opened:
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionRefusedError
        self.made.append(Opened())
        return self.made[-1]

    async def dispose(self) -> None:
        return None

    @property
    def open(self) -> int:
        return sum(not made.driver_connection.closed for made in self.made)


def pool(size: int = 2, patience: float = 5.0) -> tuple[Connections, Engine]:
    engine: Any = Engine()
    return Connections(engine, size, patience), engine


async def test_what_is_given_back_is_used_again_and_what_was_cut_is_replaced() -> None:
    connections, engine = pool()
    first = await connections.take()
    connections.give(first)
    assert await connections.take() is first
    connections.give(first)
    first.driver.closed = True
    second = await connections.take()
    assert second is not first
    assert second.usable
    assert engine.open == 1


async def test_who_waits_is_served_in_turn_and_not_for_ever() -> None:
    connections, engine = pool(1, patience=0.2)
    held = await connections.take()
    served: list[int] = []

    async def use(number: int) -> None:
        connection = await connections.take()
        served.append(number)
        connections.give(connection)

    waiting = [asyncio.create_task(use(number)) for number in range(3)]
    await asyncio.sleep(0.01)
    connections.give(held)
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2]
    await connections.take()
    with pytest.raises(PoolTimeout):
        await asyncio.wait_for(connections.take(), 5)
    assert engine.open == 1


async def test_a_discarded_or_failed_one_makes_room_for_who_waits() -> None:
    connections, engine = pool(1)
    held = await connections.take()
    waiting = asyncio.create_task(connections.take())
    await asyncio.sleep(0.01)
    await connections.discard(held)
    fresh = await asyncio.wait_for(waiting, 1)
    assert fresh is not held
    engine.away = True
    await connections.discard(fresh)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await connections.take()
    engine.away = False
    assert (await asyncio.wait_for(connections.take(), 1)).usable


async def test_a_closed_pool_keeps_nothing() -> None:
    connections, engine = pool(2)
    one, other = await connections.take(), await connections.take()
    connections.give(one)
    await connections.close()
    assert not one.usable
    connections.give(other)
    assert (other.usable, engine.open) == (False, 0)


async def test_cancelled_and_late_takers_lose_no_connection() -> None:
    """Hundreds that are cancelled, time out, discard or give back at random: never too many, and in the end all can be had."""
    connections, engine = pool(4, patience=0.004)
    chance = random.Random(11)
    held = highest = 0

    async def use() -> None:
        nonlocal held, highest
        connection: Connection = await connections.take()
        held += 1
        highest = max(highest, held, engine.open)
        try:
            await asyncio.sleep(chance.random() * 0.003)
        finally:
            held -= 1
            if chance.random() < 0.1:
                await asyncio.shield(connections.discard(connection))
            else:
                connections.give(connection)

    await impatient_clients(use, PoolTimeout, chance)
    assert highest == 4
    taken = [await asyncio.wait_for(connections.take(), 1) for _ in range(4)]
    assert all(connection.usable for connection in taken)
    with pytest.raises(PoolTimeout):
        await connections.take()
