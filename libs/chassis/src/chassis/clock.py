"""The rules' clock. Only rules read it; timeouts, tokens and leases use the machine's own clock."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_LOOK_AGAIN_SECONDS = 0.02


class Clock(Protocol):
    """Tells rules what time it is."""

    def now(self) -> datetime:
        """The current time: aware, UTC."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The current time: aware, UTC."""
        return datetime.now(UTC)


class MovableClock:
    """The machine's time plus an offset that a file names: `{"offset_seconds": 86400}`.

    The file is looked at no more than every 20 ms and read again when it has changed. A missing or half-written file
    leaves the last known offset in force. Several processes that share the file share the time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = timedelta()
        self._seen: tuple[int, int, int] | None = None
        self._look_again = 0.0

    def now(self) -> datetime:
        """The current time plus the offset: aware, UTC."""
        tick = time.monotonic()
        if tick >= self._look_again:
            self._look_again = tick + _LOOK_AGAIN_SECONDS
            self._look()
        return datetime.now(UTC) + self._offset

    def _look(self) -> None:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                offset = json.loads(self._path.read_bytes())["offset_seconds"]
                self._offset = timedelta(seconds=float(offset))
                self._seen = seen
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return


class FixedClock:
    """A clock for tests: stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("the clock needs an aware time")
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """The time it was set to: aware, UTC."""
        return self._now

    def move(self, by: timedelta) -> None:
        """Move forward (or, with a negative `by`, back)."""
        self._now += by


def clock_from(path: Path | None) -> Clock:
    """The machine's clock, or the movable one when a clock file is configured."""
    return SystemClock() if path is None else MovableClock(path)
