"""A match run: asked for, executed by a worker, released by a person. Its certificate never changes once it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.ports import Conflict

MOST_FAILURES = 3
RELEASED_AT_ONCE = 500
"""Proposals that are released within the request; the release of more is carried out by a worker."""


class RunState(StrEnum):
    """`queued` → `running` → `completed` → (`releasing` →) `released`; or `cancelled`, or `failed` after `MOST_FAILURES`."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    RELEASING = "releasing"
    RELEASED = "released"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RunOutcome(StrEnum):
    """What a run came to. `bounded`: the deadline came before the proof; how far it may be from the optimum is proven."""

    OPTIMAL = "optimal"
    BOUNDED = "bounded"
    NOTHING_TO_MATCH = "nothing_to_match"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What is kept of a completed run. `timings` are milliseconds per step; `unmatched` are the first of them, as plain
    documents, and `unmatched_mentors` and `unmatched_mentees` count all; `blocking` are the first pairs of participations who
    ranked each other above what they got.
    """

    outcome: RunOutcome
    input_hash: str
    certificate: Mapping[str, Any]
    certificate_hash: str
    unmatched: Sequence[Mapping[str, Any]]
    timings: Mapping[str, int]
    mentors: int
    mentees: int
    possible_pairs: int
    allowed_pairs: int
    excluded: Mapping[str, int]
    proposals: int
    unmatched_mentors: int
    unmatched_mentees: int
    objective: tuple[int, ...]
    blocking: Sequence[Sequence[str]] = ()


@dataclass(slots=True)
class MatchRun:
    """One optimisation of one cohort.

    `attempts` is the fencing token: a worker may store a result, or release it, only in the very attempt it claimed.
    `failures` counts the attempts without a result. `outdated` says that the organisation round its people has changed
    since the snapshot. `keep_run_id` names the run whose proposals a re-match keeps where it can. `version` counts
    published events. Subjects (`requested_by`, `approved_by`, `released_by`) are those of tokens.
    """

    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    requested_at: datetime
    requested_by: str = ""
    keep_run_id: UUID | None = None
    deadline_seconds: int | None = None
    state: RunState = RunState.QUEUED
    attempts: int = 0
    failures: int = 0
    settings_version: int = 1
    outdated: bool = False
    result: RunResult | None = None
    completed_at: datetime | None = None
    approved_by: str | None = None
    released_by: str | None = None
    released_at: datetime | None = None
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether a worker still has something to do with it."""
        return self.state in (RunState.QUEUED, RunState.RUNNING, RunState.RELEASING)

    def begin(self, *, settings_version: int) -> None:
        """A worker takes the run on."""
        self.state = RunState.RUNNING
        self.attempts += 1
        self.settings_version = settings_version
        self.outdated = False

    def held_by(self, attempt: int) -> bool:
        """Whether the worker that claimed `attempt` still holds the run."""
        return self.state in (RunState.RUNNING, RunState.RELEASING) and self.attempts == attempt

    def complete(self, result: RunResult, now: datetime, *, outdated: bool = False) -> None:
        """The result is there. `outdated`: what it was made of has changed while it was being solved."""
        self.state = RunState.COMPLETED
        self.result = result
        self.completed_at = now
        self.outdated = self.outdated or outdated
        self.version += 1

    def fail(self, result: RunResult, now: datetime) -> None:
        """The run has no result and is not tried again."""
        self.state = RunState.FAILED
        self.result = result
        self.completed_at = now
        self.version += 1

    def try_again(self) -> bool:
        """Put the run back into the queue; False when it has been tried often enough."""
        self.failures += 1
        if self.failures >= MOST_FAILURES:
            return False
        self.state = RunState.QUEUED
        return True

    def cancel(self) -> bool:
        """Give the run up before it has a result; False when it was cancelled before. Nobody was told of it yet.

        :raises Conflict: it has a result, or has failed.
        """
        if self.state is RunState.CANCELLED:
            return False
        if self.state not in (RunState.QUEUED, RunState.RUNNING):
            raise Conflict(f"The run is {self.state.value}; only a queued or running run can be cancelled.")
        self.state = RunState.CANCELLED
        return True

    def approve(self, subject: str) -> bool:
        """Somebody approves that a bounded run is released; False when it was approved before.

        :raises Conflict: the run needs no approval: it is not completed, or its optimum is proven.
        """
        if self.state is not RunState.COMPLETED or self.result is None:
            raise Conflict(f"The run is {self.state.value}; only a completed run can be approved.")
        if self.result.outcome is not RunOutcome.BOUNDED:
            raise Conflict("The run's optimum is proven; it can be released without an approval.")
        if self.approved_by is not None:
            return False
        self.approved_by = subject
        return True

    def release(self, *, newest: bool, now: datetime, subject: str = "") -> None:
        """Publish the proposals, or begin to when they are more than `RELEASED_AT_ONCE`: then `released_in_full` must
        follow. `newest` says that the cohort has no younger run.

        :raises Conflict: not completed, released already, overtaken by a younger run, about an organisation that has
            changed since, or bounded and not approved by somebody else.
        """
        if self.state in (RunState.RELEASED, RunState.RELEASING):
            raise Conflict("The run is released already.")
        if self.state is not RunState.COMPLETED:
            raise Conflict(f"The run is {self.state.value}; only a completed run can be released.")
        if not newest:
            raise Conflict("A younger run of the cohort exists.", remedy="Release the youngest run.")
        if self.outdated:
            raise Conflict(
                "Somebody's grade, line, team or employment has changed since the run.", remedy="Start a new run."
            )
        self._check_approval(subject)
        self.released_by = subject
        self.released_at = now
        if self.result is not None and self.result.proposals > RELEASED_AT_ONCE:
            self.state = RunState.RELEASING
        else:
            self.state = RunState.RELEASED
            self.version += 1

    def begin_release(self) -> None:
        """A worker takes the release on."""
        self.attempts += 1

    def released_in_full(self) -> None:
        """Every proposal of a large run is published."""
        self.state = RunState.RELEASED
        self.version += 1

    def release_refused(self) -> None:
        """A large run cannot be released: somebody has changed, takes part no more or has no free place left."""
        self.state = RunState.COMPLETED
        self.outdated = True
        self.released_by = self.released_at = None

    def _check_approval(self, subject: str) -> None:
        if self.result is None or self.result.outcome is not RunOutcome.BOUNDED:
            return
        if self.approved_by is None:
            raise Conflict(
                "The run ended at its deadline, before the optimum was proven.",
                remedy="Have a second program manager approve it, or start a run without a deadline.",
            )
        if self.approved_by == subject:
            raise Conflict("You have approved this run.", remedy="Let a second program manager release it.")
