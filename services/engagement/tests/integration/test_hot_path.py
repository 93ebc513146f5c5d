"""What logging a meeting costs the database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from ..events import World
from ..running import Engagement

pytestmark = pytest.mark.integration


async def test_logging_a_meeting_takes_one_select_and_one_statement_of_effects(engagement: Engagement) -> None:
    world = await engagement.active(World())
    queried: list[str] = []
    sent: list[str] = []

    def queries(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queried.append(statement)

    def sends(record: Any) -> None:
        sent.append(record.query)

    # Requests come one at a time, so all of them are served by the pool's one connection. SQLAlchemy runs queries as
    # prepared statements, which the driver's logger does not see; everything else goes to the driver directly.
    engine = engagement.api.database.engine
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.add_query_logger(sends)
    event.listen(engine.sync_engine, "before_cursor_execute", queries)
    body = {"held_at": engagement.clock.now().isoformat(), "minutes": 45, "channel": "video"}
    logged = await engagement.mentee(world).post(f"/v1/pairs/{world.pair}/meetings/log", body)
    event.remove(engine.sync_engine, "before_cursor_execute", queries)
    driver.remove_query_logger(sends)
    assert logged.status_code == 201, logged.text

    (select,) = queried
    assert select.startswith("SELECT pairs.")
    assert select.rstrip().endswith("FOR UPDATE")
    opening, effects, commit = sent
    assert opening.startswith("BEGIN; SET LOCAL app.business_unit")
    assert [table for table in ("idempotency_keys", "meetings", "pairs", "outbox") if table in effects] == [
        "idempotency_keys",
        "meetings",
        "pairs",
        "outbox",
    ]
    assert commit == "COMMIT"
