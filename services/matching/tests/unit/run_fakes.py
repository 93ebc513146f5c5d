"""What runs leave behind, in memory; and a whole run without a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from matching.application.execute_run import ClaimedRun, begin_run, finish_run, solve_run
from matching.application.ports import Report
from matching.application.release_run import ReleaseRun, release_run
from matching.application.start_run import StartRun, start_run
from matching.domain.canonical import HashKey
from matching.domain.explanation import Unmatched
from matching.domain.match_run import MatchRun, RunResult
from matching.domain.run_input import RunInput, unpacked
from matching.domain.run_matching import Outcome, match

KEY = HashKey(b"a key of tests")


class FakeRunRecords:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.held: dict[tuple[UUID, str], bytes] = {}
        self.unmatched: dict[UUID, list[Unmatched]] = {}

    async def clear(self, run_id: UUID) -> None:
        self.held = {key: content for key, content in self.held.items() if key[0] != run_id}
        self.unmatched.pop(run_id, None)
        pairs = self.uow.pairs
        pairs.held = {key: pair for key, pair in pairs.held.items() if pair.run_id != run_id}

    async def put(self, run: MatchRun, name: str, content: bytes) -> None:
        self.held[(run.run_id, name)] = content

    async def get(self, run_id: UUID, name: str) -> bytes | None:
        kept = self.held.get((run_id, name))
        return None if kept is None else unpacked(kept)

    async def erase(self, people: Collection[UUID]) -> None:
        seen = {run_id for run_id, known in self.uow.runs.people.items() if not set(people).isdisjoint(known)}
        self.held = {key: content for key, content in self.held.items() if key[0] not in seen}

    async def add_unmatched(self, run: MatchRun, unmatched: Sequence[Unmatched]) -> None:
        self.unmatched[run.run_id] = list(unmatched)


def matched(given: RunInput, deadline_seconds: int | None = None, start: bytes | None = None) -> Outcome:
    """The certified result of an input; with a deadline of 0 or less time is up at once."""
    up = None if deadline_seconds is None else (lambda: deadline_seconds <= 0)
    return match(given, key=KEY, deadline=up, start=start)


def transactions(uow: Any) -> Any:
    """The unit of work as one that is opened many times."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        yield uow

    return opened


async def claim(uow: Any) -> ClaimedRun:
    """Take the one run that is due on."""
    claimed = await begin_run(uow)
    assert claimed is not None
    return claimed


async def solve(claimed: ClaimedRun, uow: Any, report: Report | None = None) -> RunResult:
    """What the solving process does."""
    return await solve_run(claimed, transactions(uow), matched, report)


async def completed(uow: Any, cohort: UUID, **how: Any) -> MatchRun:
    """A run from the request to its result."""
    run = await start_run(StartRun(cohort, **how), uow)
    claimed = await claim(uow)
    assert await finish_run(claimed, await solve(claimed, uow), uow)
    return run


async def released(uow: Any, cohort: UUID) -> MatchRun:
    """A run from the request to its released proposals."""
    return await release_run(ReleaseRun((await completed(uow, cohort)).run_id), uow)
