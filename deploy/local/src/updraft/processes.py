"""Processes that the deployment starts: each in a group of its own, noted in a file, and never outliving who started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from updraft import lifeline
from updraft.errors import DeploymentError


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system user a process runs as."""

    name: str
    uid: int
    gid: int


class _Lifeline:
    """Writes to the process that ends our children when we die; started with the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: IO[bytes] | None = None
        self._owner = 0

    def note(self, group: int, number: int) -> None:
        self._send(f"+ {group} {number}\n")

    def forget(self, group: int) -> None:
        self._send(f"- {group}\n")

    def _send(self, line: str) -> None:
        with self._lock:
            if self._pipe is None or self._owner != os.getpid():
                guard = subprocess.Popen(
                    [sys.executable, "-I", "-S", lifeline.__file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                )
                self._pipe, self._owner = guard.stdin, os.getpid()
                # The guard ends by itself when the pipe closes at our exit; nobody has to wait for it.
                guard.returncode = 0
            if self._pipe is not None:
                with suppress(BrokenPipeError):
                    self._pipe.write(line.encode())
                    self._pipe.flush()


_LIFELINE = _Lifeline()


class Child:
    """A running program: its process group, its log and the file that remembers it after a crash of ours."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], *, log: Path, note: Path, stop_signal: int) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._note = note
        self._stop_signal = stop_signal

    @property
    def pid(self) -> int:
        """The process id, which is the process group's id too."""
        return self._popen.pid

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._popen.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the program itself, if it still runs."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def begin_stop(self) -> None:
        """Ask for a graceful end and return at once."""
        self.signal(self._stop_signal)

    def stop(self, grace: float = 10.0) -> int:
        """Ask for a graceful end, kill the group after `grace` seconds. Returns the exit code."""
        self.begin_stop()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace)
        return self.kill()

    def kill(self) -> int:
        """Kill -9 the whole group and wait until the program is gone. Returns the exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        _LIFELINE.forget(self.pid)
        self._note.unlink(missing_ok=True)
        return code

    def tail(self, lines: int = 12) -> str:
        """The last lines of the log, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    run_dir: Path,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    stop_signal: int = signal.SIGTERM,
    orphan_signal: int = signal.SIGKILL,
) -> Child:
    """Start a program in a group of its own, its output appended to `log`.

    `run_dir` holds the note by which a later start finds and ends it if we crash. `orphan_signal` is what it gets when we are killed.
    """
    end_leftover(name, run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    _LIFELINE.note(popen.pid, orphan_signal)
    note = run_dir / f"{name}.json"
    note.write_text(json.dumps({"pid": popen.pid, "started": _started(popen.pid)}))
    return Child(name, popen, log=log, note=note, stop_signal=stop_signal)


def run(
    command: Sequence[str | Path],
    *,
    doing: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    timeout: float = 120.0,
) -> str:
    """Run a program to its end and return what it said. Raises `DeploymentError` naming `doing` when it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if env is None else dict(env),
            timeout=timeout,
            check=False,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise DeploymentError(f"{doing} failed: {problem}") from problem
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise DeploymentError(f"{doing} failed with code {done.returncode}:\n{output.strip()[-2000:]}")
    return output


def _started(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def noted_pid(name: str, run_dir: Path) -> int | None:
    """The id of the program last started under `name`, if that very process still runs (its start time is compared)."""
    try:
        note = json.loads((run_dir / f"{name}.json").read_text())
    except (OSError, ValueError):
        return None
    pid, started = note["pid"], note["started"]
    now = _started(pid)
    if started is None or now is None or abs(now - started) > 0.5:
        return None
    with suppress(psutil.Error):
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
    return int(pid)


def end_leftover(name: str, run_dir: Path, number: int = signal.SIGKILL) -> bool:
    """End what an earlier run left behind under `name`. Returns whether there was something."""
    pid = noted_pid(name, run_dir)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        gone = wait_until(lambda: noted_pid(name, run_dir) is None, 10.0)
        if not gone:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            wait_until(lambda: noted_pid(name, run_dir) is None, 10.0)
    (run_dir / f"{name}.json").unlink(missing_ok=True)
    return pid is not None


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Poll until the condition holds or the time is over. Returns whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
