"""Moves the clock of the services' rules, for tests and the demonstration; tokens, leases and timeouts follow real time."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MovedClock:
    """The file `{"offset_seconds": float}` that the services' clocks read; a change counts within 20 ms in all processes."""

    file: Path

    def offset(self) -> timedelta:
        """How far the clock is ahead of real time."""
        try:
            return timedelta(seconds=float(json.loads(self.file.read_text())["offset_seconds"]))
        except FileNotFoundError:
            return timedelta()

    def now(self) -> datetime:
        """What the rules take for the current time: aware, UTC."""
        return datetime.now(UTC) + self.offset()

    def move_to(self, moment: datetime) -> None:
        """Set the clock to an aware time; it goes on from there. Raises ValueError for a naive one."""
        if moment.tzinfo is None:
            raise ValueError("the clock needs an aware time")
        self._write((moment - datetime.now(UTC)).total_seconds())

    def move_by(self, step: timedelta) -> None:
        """Move the clock forward (or, with a negative step, back)."""
        self._write((self.offset() + step).total_seconds())

    def reset(self) -> None:
        """Back to real time."""
        self._write(0.0)

    def _write(self, offset_seconds: float) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        staged = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        staged.write_text(json.dumps({"offset_seconds": offset_seconds}))
        staged.replace(self.file)
