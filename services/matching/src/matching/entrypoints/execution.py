"""What the solving processes of matching do: each task runs in a process of its own, with connections of its own.

A run is read, solved and written there, so that neither a hundred thousand rows nor fifty thousand proposals pass through
the event loop of the worker.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

from chassis.service import Service

from matching.application.execute_run import ClaimedRun, solve_run
from matching.application.ports import Report
from matching.application.release_run import release_all
from matching.bootstrap import bootstrap, hash_key_of
from matching.domain.comparison import Comparison, TooMany, compare
from matching.domain.counterfactual import WhyNot, why_not
from matching.domain.match_run import RunResult
from matching.domain.precompile import precompile
from matching.domain.relaxation import Relaxations, relaxations_of
from matching.domain.run_input import RunInput, input_of, unpacked
from matching.domain.run_matching import Outcome, match
from matching.domain.would_change import WouldChange, would_change
from matching.settings import Settings

_Result = TypeVar("_Result")


def execute(report: Report, settings: Settings, claimed: ClaimedRun) -> RunResult | None:
    """Solve a claimed run and write its proposals, or carry out a release; the result, None of a release."""
    return _in_peace(_execute(report, settings, claimed))


def awake(_report: Report) -> None:
    """Load what the other tasks need, compiled."""
    precompile(_threads())


def certified(_report: Report, settings: Settings, content: bytes) -> bytes:
    """The bytes of the certificate of an input as it is kept, solved once more."""
    given = input_of(unpacked(content))
    return match(given, key=hash_key_of(settings), threads=_threads()).certificate.content


def answer_why_not(
    _report: Report, content: bytes, proof: bytes, seed: str, pair: tuple[UUID, UUID], exact: bool
) -> WhyNot:
    """Why a run did not propose a pair; see `why_not`."""
    given, prices = input_of(unpacked(content)), unpacked(proof)
    return why_not(given, prices, seed, pair, exact=exact, threads=_threads())


def answer_would_change(
    _report: Report, content: bytes, proof: bytes, seed: str, pair: tuple[UUID, UUID]
) -> WouldChange:
    """What would change that a run proposes a pair; see `would_change`."""
    return would_change(input_of(unpacked(content)), unpacked(proof), seed, pair, threads=_threads())


def answer_relaxations(_report: Report, content: bytes, participation: UUID, own_only: bool) -> Relaxations:
    """What somebody without a pair could relax; see `relaxations_of`."""
    return relaxations_of(input_of(unpacked(content)), participation, own_only=own_only, threads=_threads())


def answer_comparison(
    _report: Report, content: bytes, seed: str, proposed: Sequence[tuple[UUID, UUID]]
) -> Comparison | None:
    """What greed and deferred acceptance would have made of a run's cohort; None of too large a one. See `compare`."""
    try:
        return compare(input_of(unpacked(content)), seed, proposed, threads=_threads())
    except TooMany:
        return None


async def _execute(report: Report, settings: Settings, claimed: ClaimedRun) -> RunResult | None:
    began = time.monotonic()
    report("reading", 0)
    service: Service = bootstrap("worker", settings.model_copy(update={"worker_pool_size": 1}))
    try:
        if claimed.releasing:
            await release_all(claimed, service.committed)
            return None

        def matching(given: RunInput, deadline_seconds: int | None, start: bytes | None) -> Outcome:
            ends = None if deadline_seconds is None else began + deadline_seconds
            return match(
                given,
                key=hash_key_of(settings),
                threads=_threads(),
                deadline=None if ends is None else lambda: time.monotonic() >= ends,
                report=report,
                start=start,
            )

        result = await solve_run(claimed, service.committed, matching, report)
    finally:
        await service.database.close()
    return result


def _in_peace(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end without collecting garbage: what is made here has no cycles, and looking for them takes seconds."""
    gc.disable()
    try:
        return asyncio.run(work)
    finally:
        gc.enable()


def _threads() -> int:
    return max(1, len(os.sched_getaffinity(0)))
