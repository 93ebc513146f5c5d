from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chassis.clock import FixedClock, MovableClock, SystemClock, clock_from

YEAR = timedelta(days=365)


def near(actual: datetime, expected: datetime) -> bool:
    return abs(actual - expected) < timedelta(seconds=5)


def test_without_a_file_it_is_the_machines_time(tmp_path: Path) -> None:
    assert isinstance(clock_from(None), SystemClock)
    now = clock_from(None).now()
    assert now.tzinfo is UTC
    assert near(now, datetime.now(UTC))
    assert isinstance(clock_from(tmp_path / "clock.json"), MovableClock)


def test_the_file_moves_it_and_faults_leave_it_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = [0.0]
    monkeypatch.setattr("chassis.clock.time.monotonic", lambda: tick[0])
    path = tmp_path / "clock.json"
    clock = MovableClock(path)

    def after(content: str | None, milliseconds: float = 21) -> timedelta:
        if content is not None:
            path.write_text(content)
        tick[0] += milliseconds / 1000
        return timedelta(days=round((clock.now() - datetime.now(UTC)) / timedelta(days=1)))

    assert after(None) == timedelta()
    assert after(json.dumps({"offset_seconds": YEAR.total_seconds()})) == YEAR
    for broken in ("", "{", "[]", '{"offset_seconds": "soon"}', '{"offset_seconds": 1e300}'):
        assert after(broken) == YEAR
    path.unlink()
    assert after(None) == YEAR
    assert after(json.dumps({"offset_seconds": -86400})) == timedelta(days=-1)


def test_the_file_is_not_looked_at_at_every_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = [0.0]
    monkeypatch.setattr("chassis.clock.time.monotonic", lambda: tick[0])
    path = tmp_path / "clock.json"
    path.write_text('{"offset_seconds": 0}')
    clock = MovableClock(path)
    assert near(clock.now(), datetime.now(UTC))
    path.write_text(json.dumps({"offset_seconds": YEAR.total_seconds()}))
    tick[0] += 0.01
    assert near(clock.now(), datetime.now(UTC))
    tick[0] += 0.011
    assert near(clock.now(), datetime.now(UTC) + YEAR)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.move(timedelta(hours=1))
    assert clock.now() == datetime(2026, 3, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 3, 1))  # noqa: DTZ001
