"""What watches a consumer ends with it, even when a cancellation gets lost on the way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from chassis.consumer import Consumer


@pytest.mark.requirement("F20")
async def test_a_swallowed_cancellation_does_not_keep_a_stopped_consumer() -> None:
    measuring = asyncio.Event()

    async def measured(_consumer: object) -> None:
        measuring.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    watched: Any = SimpleNamespace(
        _stopped=asyncio.Event(),
        _working=asyncio.Lock(),
        _subscriber=SimpleNamespace(consumer=object(), tasks=[]),
        _measure=measured,
        _retried=float("inf"),
        _parked_retry=60.0,
    )
    task = asyncio.create_task(Consumer.watch(watched))
    await measuring.wait()
    watched._stopped.set()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
