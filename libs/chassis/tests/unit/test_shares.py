"""Fair shares: nobody takes all, nobody waits for ever, and nothing that was given up stays taken."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from chassis.shares import Claim, Shares, ShareTaken

from .impatience import impatient_clients

pytestmark = pytest.mark.requirement("F12", "F22")


def claims(*names: str, times: int = 2) -> tuple[Claim, ...]:
    return tuple(Claim(name, times) for name in names)


async def _hold_all(shares: Shares, *names: str, times: int = 2) -> int:
    """Take as much as can be had at once."""
    held = 0
    with suppress(ShareTaken):
        while True:
            await shares.take(claims(*names, times=times))
            held += 1
    return held


@pytest.mark.parametrize(("places", "times", "most"), [(1, 1, 1), (2, 2, 2), (4, 1, 2), (10, 1, 5), (10, 2, 7)])
async def test_one_name_gets_much_and_leaves_the_rest(places: int, times: int, most: int) -> None:
    shares = Shares(places, patience=0.01, longest_queue=1)
    assert await _hold_all(shares, "storm", times=times) == most


async def test_three_that_want_all_leave_something_and_its_place_stays_with_the_quiet() -> None:
    shares = Shares(10, patience=0.01, longest_queue=1)
    assert [await _hold_all(shares, f"storm {number}", times=1) for number in range(3)] == [5, 3, 1]
    for _ in range(5):
        await shares.take(claims("quiet", times=1))
        shares.give_back(claims("quiet", times=1))
        assert [await _hold_all(shares, f"storm {number}", times=1) for number in range(3)] == [0, 0, 0]


async def test_what_is_given_back_goes_to_those_who_have_least() -> None:
    shares = Shares(10, patience=5, longest_queue=20)
    held = {"early": await _hold_all(Shares(10, patience=0.01, longest_queue=1), "early", times=1), "late": 0}
    for _ in range(held["early"]):
        await shares.take(claims("early", times=1))
    waiting = {name: [asyncio.create_task(shares.take(claims(name, times=1))) for _ in range(9)] for name in held}
    for _ in range(20):
        await asyncio.sleep(0.001)
        shares.give_back(claims("early", times=1))
        held["early"] -= 1
        await asyncio.sleep(0.001)
        taken = {name: sum(task.done() for task in tasks) for name, tasks in waiting.items()}
        if held["early"] + taken["early"] <= 3:
            break
    assert abs(held["early"] + taken["early"] - taken["late"]) <= 1
    for task in [*waiting["early"], *waiting["late"]]:
        task.cancel()
    await asyncio.gather(*waiting["early"], *waiting["late"], return_exceptions=True)


async def test_who_waits_for_one_name_holds_nothing_of_the_other() -> None:
    shares = Shares(10, patience=5, longest_queue=10)
    for _ in range(7):
        await shares.take(claims("locked", times=2))
    waiting = [asyncio.create_task(shares.take(claims("unit", "locked"))) for _ in range(9)]
    await asyncio.sleep(0.01)
    await asyncio.wait_for(shares.take(claims("unit", "open")), 1)
    assert not any(task.done() for task in waiting)
    for _ in range(7):
        shares.give_back(claims("locked"))
    await asyncio.sleep(0.01)
    assert sum(task.done() for task in waiting) > 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_waiting_ends_in_time_and_a_long_queue_ends_at_once() -> None:
    shares = Shares(1, patience=0.05, longest_queue=1)
    await shares.take(claims("a"))
    patient = asyncio.create_task(shares.take(claims("a")))
    await asyncio.sleep(0)
    with pytest.raises(ShareTaken):
        await asyncio.wait_for(shares.take(claims("a")), 0.04)
    with pytest.raises(ShareTaken):
        await asyncio.wait_for(patient, 5)
    shares.give_back(claims("a"))
    await asyncio.wait_for(shares.take(claims("a")), 1)


async def test_those_who_wait_are_served_in_turn_among_the_names() -> None:
    shares = Shares(1, patience=5, longest_queue=10)
    served: list[str] = []

    async def want(unit: str) -> None:
        await shares.take(claims(unit, "route"))
        served.append(unit)
        shares.give_back(claims(unit, "route"))

    await shares.take(claims("first", "route"))
    waiting = [asyncio.create_task(want(unit)) for unit in ("a", "a", "a", "b", "c")]
    await asyncio.sleep(0.01)
    shares.give_back(claims("first", "route"))
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    assert served == ["a", "b", "c", "a", "a"]


async def test_cancelled_and_late_ones_leave_nothing_taken() -> None:
    """Hundreds of takers that are cancelled, time out or finish at random never exceed what there is and never leak a place."""
    shares = Shares(6, patience=0.004, longest_queue=5)
    chance = random.Random(4)
    held = highest = 0

    async def use() -> None:
        nonlocal held, highest
        mine = claims(f"unit {chance.randrange(3)}", f"route {chance.randrange(2)}")
        await shares.take(mine)
        held += 1
        highest = max(highest, held)
        try:
            await asyncio.sleep(chance.random() * 0.003)
        finally:
            held -= 1
            shares.give_back(mine)

    await impatient_clients(use, ShareTaken, chance)
    assert highest in (5, 6)
    assert await _hold_all(shares, "anybody", times=100) == 6
