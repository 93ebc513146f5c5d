"""Roles of the running stack, and the watch that starts a dead one again: after a short while first, then ever longer ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from updraft.errors import DeploymentError
from updraft.processes import Child

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
# A role that ran this long has recovered: the next death counts as the first again.
STEADY_SECONDS = 30.0


@dataclass(slots=True)
class Role:
    """One program of the stack. `start` spawns it and returns at once; `ready` asks whether it can work."""

    name: str
    start: Callable[[], Child]
    ready: Callable[[], bool]
    port: int | None = None
    child: Child | None = None
    restarts: int = 0
    started_at: float = 0.0
    due: float | None = None
    """When it will be started again (monotonic seconds), while it is down."""
    held: bool = False
    """Kept down on purpose."""
    _deaths_in_a_row: int = field(default=0)

    def spawn(self) -> None:
        """Start it now."""
        self.child = self.start()
        self.started_at = time.monotonic()
        self.due = None

    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.child is not None and self.child.poll() is None

    def is_ready(self) -> bool:
        """Whether it runs and says that it can work."""
        if not self.is_running():
            return False
        with suppress(DeploymentError):
            return self.ready()
        return False

    def note_death(self, now: float) -> float:
        """Plan the restart. Returns the pause in seconds: doubled with each death in a row, up to the longest."""
        if now - self.started_at > STEADY_SECONDS:
            self._deaths_in_a_row = 0
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._deaths_in_a_row)
        self._deaths_in_a_row += 1
        self.due = now + pause
        return float(pause)

    @property
    def state(self) -> str:
        """One word for people: running, restarting, held or down."""
        if self.is_running():
            return "running"
        if self.held:
            return "held"
        return "restarting" if self.due is not None else "down"


class Watch:
    """Looks after roles in a thread of its own from `begin` to `end`; `changed` is called when a role dies or is started again."""

    def __init__(self, roles: Iterable[Role], *, log: Path, changed: Callable[[], None], every: float = 0.1) -> None:
        self._roles = list(roles)
        self._log = log
        self._changed = changed
        self._every = every
        self._over = threading.Event()
        # Whoever kills, holds or starts a role by hand keeps the watch from doing so at the same moment.
        self.lock = threading.RLock()
        self._thread = threading.Thread(target=self._turn_until_over, name="updraft-watch", daemon=True)

    def begin(self) -> None:
        """Start watching."""
        self._thread.start()

    def end(self) -> None:
        """Stop watching; nothing is started again after this returns."""
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _turn_until_over(self) -> None:
        while not self._over.wait(self._every):
            for role in self._roles:
                with self.lock:
                    if not self._over.is_set():
                        self._look_after(role)

    def _look_after(self, role: Role) -> None:
        now = time.monotonic()
        if role.held or role.is_running():
            return
        if role.due is None:
            code = None if role.child is None else role.child.kill()
            pause = role.note_death(now)
            self.say(f"{role.name} ended with code {code}; it is started again in {pause:.1f} s")
            self._changed()
        elif now >= role.due:
            role.restarts += 1
            try:
                role.spawn()
            except (DeploymentError, OSError) as problem:
                pause = role.note_death(now)
                self.say(f"{role.name} could not be started again: {problem}; next try in {pause:.1f} s")
            else:
                self.say(
                    f"{role.name} was started again, for the {role.restarts}. time, as process {role.child and role.child.pid}"
                )
            self._changed()

    def say(self, text: str) -> None:
        """Add a line to the supervisor's log."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n")
