"""Solving in processes of its own: a run takes seconds of processor time, and the event loop must keep its heartbeat.

A process is kept for the next call, so that compiled code stays loaded; one that has grown large is let go. What waits
for a process waits in a thread, and neither side sends the other more than it must.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Concatenate, ParamSpec, TypeVar

from matching.application.ports import Report, SolverDied
from matching.domain.facts import Snapshot
from matching.domain.run_matching import Outcome, run_matching

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_LARGE_KILOBYTES = 400 * 1024
_REPORT_SECONDS = 0.2
_GOODBYE_SECONDS = 5.0
_M_MMAP_THRESHOLD = -3
_MAPPED_BYTES = 2 * 1024 * 1024


@dataclass(slots=True)
class _Worker:
    """A process and this side of the pipe to it."""

    process: SpawnProcess
    connection: Connection

    def end(self) -> None:
        """End it, whatever it does. A thread that listens hears the end of the pipe, which must stay open until then."""
        self.process.kill()


class SolverPool:
    """Processes that solve, started when a call finds none free, gone with the process that owns them."""

    def __init__(self, processes: int = 1) -> None:
        self._free = asyncio.Semaphore(processes)
        self._threads = ThreadPoolExecutor(processes, "solving")
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    async def solve(self, snapshot: Snapshot) -> Outcome:
        """The certified optimum of a snapshot. Raises what `run_matching` raises, and SolverDied."""
        return await self.call(_solve, snapshot)

    async def call(
        self,
        task: Callable[Concatenate[Report, _Arguments], _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result:
        """What `task(report, ...)` returns in another process, as does what it raises; `task` has a name in a module.

        Cancelled, the process is killed. Raises SolverDied when it is gone; the next call starts another.
        """
        return await self.watched(None, task, *arguments, **named)

    async def watched(
        self,
        report: Report | None,
        task: Callable[Concatenate[Report, _Arguments], _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result:
        """As `call`; `report` hears here, at most five times a second, how far the task says it is."""
        loop = asyncio.get_running_loop()

        def heard(stage: str, share: int) -> None:
            if report is not None:
                loop.call_soon_threadsafe(report, stage, share)

        async with self._free:
            worker = await loop.run_in_executor(self._threads, self._hired)
            self._busy.append(worker)
            keep = False
            try:
                done, value, keep = await loop.run_in_executor(
                    self._threads, _converse, worker.connection, (task, arguments, named), heard
                )
            except (EOFError, OSError) as error:
                raise SolverDied from error
            finally:
                self._busy.remove(worker)
                if keep:
                    self._idle.append(worker)
                else:
                    worker.end()
        if not done:
            raise value
        result: _Result = value
        return result

    async def aclose(self) -> None:
        """End the processes, also in the midst of a run."""
        ending = [*self._busy, *self._idle]
        self._idle.clear()
        for worker in ending:
            worker.process.kill()
        for worker in ending:
            await asyncio.to_thread(worker.process.join, _GOODBYE_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hired(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.end()
        # Forking a process that runs threads may copy a held lock.
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, mine)


def _solve(report: Report, snapshot: Snapshot) -> Outcome:
    return run_matching(snapshot, report=report)


def _converse(connection: Connection, call: Any, heard: Report) -> tuple[bool, Any, bool]:
    """Whether the task has returned, what it returned or raised, and whether the process can be kept."""
    connection.send(call)
    while True:
        kind, *said = connection.recv()
        if kind == "progress":
            heard(*said)
        else:
            value, keep = said
            return kind == "done", value, keep


def _serve(connection: Connection) -> None:
    """In a solving process: do one task after the other."""
    _end_with_the_parent()
    _map_large_arrays()
    while True:
        try:
            task, arguments, named = connection.recv()
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            answer = "done", task(_reporter(connection), *arguments, **named)
        except Exception as error:
            answer = "failed", error
        keep = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < _LARGE_KILOBYTES
        try:
            connection.send((*answer, keep))
        except OSError:
            return
        except Exception as error:
            # What cannot be sent is told by its name.
            connection.send(("failed", RuntimeError(f"{type(error).__name__} about {type(answer[1]).__name__}"), keep))
        if not keep:
            return


def _map_large_arrays() -> None:
    """Have glibc map arrays from `_MAPPED_BYTES` on, always: by default it raises that size with every array that is freed, and
    keeps what lies between the next ones. Another C library goes its own way.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)


def _reporter(connection: Connection) -> Report:
    last = 0.0
    stage_told = ""

    def report(stage: str, share: int) -> None:
        nonlocal last, stage_told
        now = time.monotonic()
        if stage != stage_told or now - last >= _REPORT_SECONDS:
            last, stage_told = now, stage
            with suppress(OSError):
                connection.send(("progress", stage, share))

    return report


def _end_with_the_parent() -> None:
    """End when the parent is killed; its own end of the pipe would keep this process waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
