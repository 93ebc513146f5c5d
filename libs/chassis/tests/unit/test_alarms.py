"""Alarms: raised above their threshold and not at it, said by health and metrics, and no reason to be unready."""

from __future__ import annotations

import json

import pytest
from chassis import metrics
from chassis.alarms import ALARMS, Alarm, raised
from chassis.health import Progress, answer


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
async def test_an_alarm_is_raised_above_its_threshold_and_leaves_the_process_ready(alarm: Alarm) -> None:
    """Both accounts say the same, and a probe of liveness says nothing of it."""
    try:
        alarm.gauge.set(alarm.threshold)
        assert raised() == []
        alarm.gauge.set(alarm.threshold + 0.1)
        assert raised() == [alarm.name]
        status, _, body = await answer(Progress(), "/health/ready") or (0, "", b"")
        assert (status, json.loads(body)) == (200, {"status": "ok", "alarms": [alarm.name]})
        assert f'updraft_alarm{{alarm="{alarm.name}"}} 1.0' in metrics.exposition().decode()
        _, _, body = await answer(Progress(), "/health/live") or (0, "", b"")
        assert json.loads(body) == {"status": "ok"}
    finally:
        alarm.gauge.set(0)
    assert f'updraft_alarm{{alarm="{alarm.name}"}} 0.0' in metrics.exposition().decode()
