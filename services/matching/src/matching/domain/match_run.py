"""A match run: asked for, executed by a worker, released by a person. Its certificate never changes once it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.ports import Conflict

MOST_ATTEMPTS = 3


class RunState(StrEnum):
    """`queued` → `running` → `completed` → `released`, or `failed` after `MOST_ATTEMPTS`."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    RELEASED = "released"
    FAILED = "failed"


class RunOutcome(StrEnum):
    """What a run came to."""

    OPTIMAL = "optimal"
    NOTHING_TO_MATCH = "nothing_to_match"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What is kept of a completed run. `timings` are milliseconds per step; `unmatched` and `proof` are plain
    documents.
    """

    outcome: RunOutcome
    input_hash: str
    certificate: Mapping[str, Any]
    certificate_hash: str
    proof: Mapping[str, Any]
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


@dataclass(slots=True)
class MatchRun:
    """One optimisation of one cohort.

    `attempts` is the fencing token: a worker may store a result only while the run is running in the very attempt it
    claimed. `outdated` says that the organisation round its people has changed since the snapshot. `version` counts
    published events.
    """

    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    requested_at: datetime
    state: RunState = RunState.QUEUED
    attempts: int = 0
    settings_version: int = 1
    people: tuple[UUID, ...] = ()
    outdated: bool = False
    result: RunResult | None = None
    completed_at: datetime | None = None
    released_at: datetime | None = None
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether a worker still has to execute it."""
        return self.state in (RunState.QUEUED, RunState.RUNNING)

    def begin(self, *, settings_version: int, people: Sequence[UUID]) -> None:
        """A worker takes the run on. `people` are all whose facts are in the snapshot, superiors included."""
        self.state = RunState.RUNNING
        self.attempts += 1
        self.settings_version = settings_version
        self.people = tuple(sorted(set(people)))
        self.outdated = False

    def held_by(self, attempt: int) -> bool:
        """Whether the worker that claimed `attempt` still holds the run."""
        return self.state is RunState.RUNNING and self.attempts == attempt

    def complete(self, result: RunResult, now: datetime) -> None:
        """The result is there."""
        self.state = RunState.COMPLETED
        self.result = result
        self.completed_at = now
        self.version += 1

    def fail(self, result: RunResult, now: datetime) -> None:
        """The run has no result and is not tried again."""
        self.state = RunState.FAILED
        self.result = result
        self.completed_at = now
        self.version += 1

    def try_again(self) -> bool:
        """Put the run back into the queue; False when it has been tried often enough."""
        if self.attempts >= MOST_ATTEMPTS:
            return False
        self.state = RunState.QUEUED
        return True

    def release(self, *, newest: bool, now: datetime) -> None:
        """Publish the proposals. `newest` says that the cohort has no younger run.

        :raises Conflict: not completed, released already, overtaken by a younger run, or about an organisation that has
            changed since.
        """
        if self.state is RunState.RELEASED:
            raise Conflict("The run is released already.")
        if self.state is not RunState.COMPLETED:
            raise Conflict(f"The run is {self.state.value}; only a completed run can be released.")
        if not newest:
            raise Conflict("A younger run of the cohort exists.", remedy="Release the youngest run.")
        if self.outdated:
            raise Conflict(
                "Somebody's grade, line, team or employment has changed since the run.", remedy="Start a new run."
            )
        self.state = RunState.RELEASED
        self.released_at = now
        self.version += 1
