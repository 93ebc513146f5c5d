"""Many who want something scarce at once, some of whom change their mind while they wait or hold it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any


async def impatient_clients(
    use: Callable[[], Coroutine[Any, Any, None]], refusal: type[Exception], chance: random.Random
) -> None:
    """Thirty clients that `use` it sixty times each, often cancelled; AssertionError when one fails by anything but `refusal`."""

    async def client() -> None:
        for _ in range(60):
            task = asyncio.create_task(use())
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.004)
                task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or isinstance(task.exception(), (refusal, type(None)))

    await asyncio.gather(*(client() for _ in range(30)))
