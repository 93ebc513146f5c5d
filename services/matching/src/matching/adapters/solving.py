"""Solving in processes of its own: a run takes seconds of processor time, and the event loop must keep its heartbeat."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from matching.application.ports import SolverDied
from matching.domain.facts import Snapshot
from matching.domain.run_matching import Outcome, run_matching


class SolverPool:
    """Processes that solve, started when the first run comes, gone with the process that owns them."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def solve(self, snapshot: Snapshot) -> Outcome:
        """The certified optimum. Raises SolverDied when the process is gone; the next call starts another."""
        if self._pool is None:
            # Forking a process that runs threads may copy a held lock.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, context, _end_with_the_parent)
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, run_matching, snapshot)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._pool = None
            pool.shutdown(wait=False, cancel_futures=True)
            raise SolverDied from error

    async def aclose(self) -> None:
        """End the processes, also in the midst of a run."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # Python 3.14 has terminate_workers(); before it there is no public way.
        running = list((pool._processes or {}).values())
        for process in running:
            process.terminate()
        await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


def _end_with_the_parent() -> None:
    """In a solving process: end when the parent is killed; its own end of the queue's pipe would keep it waiting for
    ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
