"""The process that runs the stack: started by `updraft up`, told to end by `updraft down`, Ctrl-C or a signal.

While it starts it says on standard output, one JSON document a line, what it does; the last line is `{"ready": true}` or
`{"failed": "..."}`. After that it is silent and writes to the log folder only.

    python -m updraft.supervisor <state folder> [options as JSON]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

from updraft.errors import DeploymentError
from updraft.places import named_port
from updraft.processes import wait_until
from updraft.stack import Report, Stack
from updraft.stack_state import read_state, sweep

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOP_SECONDS = 60.0


class ToldToStop(BaseException):
    """A signal asks the supervisor to end while the stack still starts."""


def options_from_environment() -> dict[str, Any]:
    """What people name in the environment: outside servers, ports, the share of traces to record."""
    options: dict[str, Any] = {
        "postgres_dsn": os.environ.get("UPDRAFT_POSTGRES") or None,
        "kafka_bootstrap": os.environ.get("UPDRAFT_KAFKA") or None,
        "postgres_port": named_port("UPDRAFT_POSTGRES_PORT"),
        "kafka_port": named_port("UPDRAFT_KAFKA_PORT"),
        "gateway_port": named_port("UPDRAFT_GATEWAY_PORT"),
    }
    if ratio := os.environ.get("UPDRAFT_TRACE_RATIO"):
        options["trace_ratio"] = float(ratio)
    return options


def supervise(stack: Stack, *, ready: Callable[[Stack], None]) -> None:
    """Run a stack until a signal says to end it. `ready` is called once everything works.

    The first signal ends the stack in order; nothing it started is left when this returns or raises.
    """
    told = threading.Event()
    started = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        told.set()
        if not started:
            raise ToldToStop

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        stack.start()
        started = True
        ready(stack)
        told.wait()
    except ToldToStop:
        return
    finally:
        started = True
        stack.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def start_detached(
    state_dir: Path,
    report: Report,
    options: Mapping[str, Any] | None = None,
    *,
    opened: Callable[[int], None] | None = None,
) -> None:
    """Start a supervisor of its own session and return when its stack is ready.

    `opened` is told its process id at once. Raises `DeploymentError` with the supervisor's reason when the stack does not start;
    when this process is interrupted meanwhile, the supervisor is ended.
    """
    log = state_dir / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "updraft.supervisor", str(state_dir), json.dumps(dict(options or {}))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
        )
    if opened is not None:
        opened(process.pid)
    try:
        _follow(process, report, log)
    except BaseException:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
        raise
    # It lives on by itself from here; `stop_running` ends it.
    process.returncode = 0


def _follow(process: subprocess.Popen[str], report: Report, log: Path) -> None:
    for line in _lines(process.stdout):
        if line.get("ready"):
            return
        if "failed" in line:
            process.wait(_STOP_SECONDS)
            raise DeploymentError(str(line["failed"]))
        report(str(line["step"]), str(line["state"]))
    code = process.wait(_STOP_SECONDS)
    if code == 0:
        raise DeploymentError("the stack was told to stop while it started")
    said = log.read_text(errors="replace").splitlines()[-10:]
    raise DeploymentError(f"the supervisor ended with code {code}:\n" + "\n".join(said))


def _lines(stream: IO[str] | None) -> Iterator[dict[str, Any]]:
    for line in stream or ():
        yield json.loads(line)


def stop_running(state_dir: Path) -> bool:
    """End the stack that runs in `state_dir`, and what a killed one left. Returns whether there was anything.

    Raises `DeploymentError` when the supervisor does not end.
    """
    found = read_state(state_dir)
    if found is not None:
        pid = int(found["pid"])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not wait_until(lambda: read_state(state_dir) is None, _STOP_SECONDS, every=0.1):
            raise DeploymentError(f"the stack's supervisor, process {pid}, does not end; see {state_dir / 'logs'}")
    return bool(sweep(state_dir)) or found is not None


def _main(state_dir: Path, options: Mapping[str, Any]) -> int:
    output = os.fdopen(os.dup(1), "w", buffering=1)
    writing = threading.Lock()

    def tell(line: Mapping[str, Any]) -> None:
        with writing, suppress(BrokenPipeError, ValueError):
            output.write(json.dumps(line) + "\n")

    def ready(_stack: Stack) -> None:
        tell({"ready": True})
        # Whoever waited goes away now; nothing may block on a pipe that nobody reads.
        with writing:
            output.close()
            with (state_dir / "logs" / "supervisor.log").open("ab") as log:
                os.dup2(log.fileno(), 1)

    try:
        stack = Stack(state_dir, report=lambda step, state: tell({"step": step, "state": state}), **options)
        supervise(stack, ready=ready)
    except DeploymentError as problem:
        tell({"failed": str(problem)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}))
