"""What logging a meeting costs the database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ..events import World
from ..running import Engagement

pytestmark = pytest.mark.integration


async def test_logging_a_meeting_takes_one_select_and_one_statement_of_effects(engagement: Engagement) -> None:
    world = await engagement.active(World())
    sent: list[str] = []

    def sends(record: Any) -> None:
        sent.append(record.query)

    # Requests come one at a time, so all of them are served by the one connection there is.
    connections = engagement.api.database.connections
    connection = await connections.take()
    connections.give(connection)
    connection.driver.add_query_logger(sends)
    body = {"held_at": engagement.clock.now().isoformat(), "minutes": 45, "channel": "video"}
    logged = await engagement.mentee(world).post(f"/v1/pairs/{world.pair}/meetings/log", body)
    # The driver tells its loggers at the loop's next turn.
    await asyncio.sleep(0.01)
    connection.driver.remove_query_logger(sends)
    assert logged.status_code == 201, logged.text

    opening, select, effects, commit = sent
    assert select.startswith("SELECT pairs.")
    assert select.rstrip().endswith("FOR UPDATE")
    assert opening.startswith("BEGIN; SET LOCAL app.business_unit")
    assert [table for table in ("idempotency_keys", "meetings", "pairs", "outbox") if table in effects] == [
        "idempotency_keys",
        "meetings",
        "pairs",
        "outbox",
    ]
    assert commit == "COMMIT"
