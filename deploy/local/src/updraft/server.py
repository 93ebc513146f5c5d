"""What the three embedded servers share: how they are started, awaited, stopped, killed and started again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from updraft.errors import DeploymentError
from updraft.processes import Child, wait_until

_TRIES = 4


class Server(ABC):
    """A server run as a child process. Subclasses say how to spawn it and how to tell that it serves."""

    __slots__ = ("_child",)

    NAME: ClassVar[str]
    """The role's name in logs and in the state of the stack."""
    TITLE: ClassVar[str]
    """What messages call it."""
    GRACE: ClassVar[float]
    """Seconds that a graceful stop may take."""
    PATIENCE: ClassVar[float]
    """Seconds that a start may take."""

    state_dir: Path
    port: int | None
    _child: Child | None

    @property
    def name(self) -> str:
        """The role's name in logs and in the state of the stack."""
        return self.NAME

    @property
    def child(self) -> Child | None:
        """The running process, if started."""
        return self._child

    @property
    def run_dir(self) -> Path:
        """Where the note about the running process lies."""
        return self.state_dir / "run"

    @abstractmethod
    def prepare(self) -> None:
        """Make what a first start needs on disk; repeatable."""

    @abstractmethod
    def spawn(self) -> None:
        """Start the process and return at once; `wait_ready` follows. Raises `PortTaken` when a named port is in use."""

    @abstractmethod
    def serves(self) -> bool:
        """Whether the living process answers."""

    @abstractmethod
    def try_again(self, attempt: int) -> bool:
        """After start number `attempt` (from 0) failed: whether another may succeed. Makes room for it, such as a free port."""

    def is_ready(self) -> bool:
        """Whether it serves. Raises `DeploymentError` with the end of its log when it has died."""
        child = self._running()
        if child.poll() is not None:
            raise DeploymentError(f"{self.TITLE} ended while starting:\n{child.tail()}")
        return self.serves()

    def wait_ready(self, seconds: float | None = None) -> None:
        """Wait until it serves; a start that failed for a passing reason is repeated. Raises `DeploymentError`."""
        patience = seconds or self.PATIENCE
        for attempt in range(_TRIES):
            try:
                if not wait_until(self.is_ready, patience, every=0.05):
                    raise DeploymentError(
                        f"{self.TITLE} did not become ready in {patience:.0f} s:\n{self._running().tail()}"
                    )
            except DeploymentError:
                if attempt + 1 == _TRIES or not self.try_again(attempt):
                    raise
                time.sleep(0.2 * (attempt + 1))
                self.spawn()
            else:
                return

    def start(self) -> None:
        """Prepare, start and wait until it serves."""
        self.prepare()
        self.spawn()
        self.wait_ready()

    def stop(self) -> None:
        """Graceful stop; what it keeps on disk stays."""
        if self._child is not None:
            self._child.stop(self.GRACE)
            self._child = None

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        self._running().kill()

    def restart(self) -> None:
        """Start again on the same port, after `kill` or while running."""
        self.stop()
        self.spawn()
        self.wait_ready()

    def _running(self) -> Child:
        if self._child is None:
            raise DeploymentError(f"{self.TITLE} has not been started")
        return self._child
