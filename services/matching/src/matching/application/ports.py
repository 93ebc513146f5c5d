"""What the use cases need of the world: repositories that load for update and stage changes, projections of others'
facts, and somebody who solves.

Nothing is written before the mechanism commits the unit of work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import UnitOfWork

from matching.domain.facts import LanguageLevel, Line, ProgramRules, Role, Snapshot, WorkingTime
from matching.domain.match_run import MatchRun
from matching.domain.pair import Pair
from matching.domain.run_matching import Outcome


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What matching keeps of a person: where they stand in the organisation. `sequence` is the version it was read
    from.
    """

    person_id: UUID
    business_unit_id: UUID
    employed: bool
    grade_rank: int
    manager_id: UUID | None
    dotted_line_ids: tuple[UUID, ...]
    team: str | None
    function: str | None
    region: str | None
    country: str | None
    sequence: int

    @property
    def line(self) -> Line:
        """To whom the person reports."""
        return Line(self.person_id, self.manager_id, frozenset(self.dotted_line_ids))


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """What matching keeps of a program: the settings that decide who may meet whom."""

    program_id: UUID
    business_unit_id: UUID
    settings_version: int
    rules: ProgramRules
    acceptance_days: int
    facilitator_ids: tuple[UUID, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownCohort:
    """What matching keeps of a cohort: its owner, who else is named on it, its state as enrollment publishes it."""

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    state: str
    starts_on: date
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownParticipation:
    """What matching keeps of a participation. `working_time` is None until the person has applied.

    `business_unit_id` is the cohort's owner, `home_unit_id` the person's own unit.
    """

    participation_id: UUID
    cohort_id: UUID
    person_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    home_unit_id: UUID
    role: Role
    state: str
    offers: Mapping[str, int]
    asks: Mapping[str, int]
    languages: Mapping[str, LanguageLevel]
    working_time: WorkingTime | None
    capacity: int
    cadence_floor_days: int | None
    sequence: int

    @property
    def may_be_matched(self) -> bool:
        """Whether the person was admitted and still takes part."""
        return self.state in ("admitted", "matched", "active")


@dataclass(frozen=True, slots=True)
class KnownPair:
    """What engagement says of a formed pair: whether it has ended. No version older than `sequence` counts."""

    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    ended: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class StandingPair:
    """A pair of a cohort as far as places and repetition go: `holds_places` while it waits for answers or lives."""

    mentor_participation_id: UUID
    mentee_participation_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    holds_places: bool


class RunRepository(Protocol):
    """Match runs. What is loaded here is locked until the end of the transaction."""

    async def of_cohort(self, cohort_id: UUID) -> Sequence[MatchRun]:
        """All runs of a cohort, the youngest first, without their results. Whoever holds them keeps others out."""

    async def get(self, run_id: UUID) -> MatchRun | None:
        """The run, or None when there is none the transaction's business unit may see."""

    async def due(self, limit: int) -> Sequence[tuple[MatchRun, float]]:
        """Runs no worker is busy with, the oldest first, and the seconds of real time since each was asked for.

        Queued, or running with a lease that has run out. Those another transaction holds are left out.
        """

    async def lease(self, run: MatchRun, seconds: float) -> None:
        """Keep other workers off a running run, in real time, from now on."""

    def add(self, run: MatchRun) -> None:
        """Stage a new run."""

    def save(self, run: MatchRun) -> None:
        """Stage what has changed of a run that was loaded."""

    async def outdate(self, people: Collection[UUID]) -> None:
        """Mark every completed, unreleased run with one of these people in its snapshot."""


class PairRepository(Protocol):
    """Pairs and proposals. What is loaded here is locked until the end of the transaction."""

    async def get(self, pair_id: UUID) -> Pair | None:
        """The pair, or None when there is none the transaction's business unit may see."""

    async def of_run(self, run_id: UUID) -> Sequence[Pair]:
        """All pairs a run proposed, in the order of their ids."""

    async def standing(self, cohort_id: UUID) -> Sequence[StandingPair]:
        """All pairs of a cohort that were ever released, not locked."""

    async def late(self, now: datetime, limit: int) -> Sequence[Pair]:
        """Released proposals whose time has passed by `now`; those another transaction holds are left out."""

    async def abandoned(self, limit: int) -> Sequence[Pair]:
        """Released proposals of somebody who takes part no more; those another transaction holds are left out."""

    async def add_all(self, pairs: Sequence[Pair]) -> None:
        """Write new pairs at once."""

    def save(self, pair: Pair) -> None:
        """Stage what has changed of a pair that was loaded."""

    async def save_all(self, pairs: Sequence[Pair]) -> None:
        """Write what has changed of many pairs at once."""


class KnownPeople(Protocol):
    """People and their lines as enrollment has published them."""

    async def with_superiors(self, people: Collection[UUID]) -> Sequence[KnownPerson]:
        """These people and everybody above one of them at any depth, as far as they are known."""

    async def put_all(self, people: Sequence[KnownPerson]) -> Sequence[UUID]:
        """Write them; what a higher sequence has written stays. Returns whose facts have changed."""


class KnownPrograms(Protocol):
    """Programs as enrollment has published them."""

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """The program, or None while nothing has been heard of it."""

    def put(self, program: KnownProgram) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownCohorts(Protocol):
    """Cohorts as enrollment has published them."""

    async def get(self, cohort_id: UUID) -> KnownCohort | None:
        """The cohort, or None when there is none the transaction's business unit may see."""

    def put(self, cohort: KnownCohort) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownParticipations(Protocol):
    """Participations as enrollment has published them."""

    async def of_cohort(self, cohort_id: UUID) -> Sequence[KnownParticipation]:
        """All participations of a cohort."""

    def put(self, participation: KnownParticipation) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownPairs(Protocol):
    """Formed pairs as engagement has published them."""

    def put(self, pair: KnownPair) -> None:
        """Stage it; what a higher sequence has written stays."""


class Solver(Protocol):
    """Somebody who solves outside of the event loop."""

    async def solve(self, snapshot: Snapshot) -> Outcome:
        """The certified optimum. Raises what `run_matching` raises, and SolverDied."""


class SolverDied(Exception):
    """The process that solved is gone; trying again may succeed."""


class MatchingUnitOfWork(UnitOfWork, Protocol):
    """One transaction of one use case, with this service's repositories."""

    @property
    def runs(self) -> RunRepository:
        """Match runs."""

    @property
    def pairs(self) -> PairRepository:
        """Proposals and pairs."""

    @property
    def known_people(self) -> KnownPeople:
        """People heard of."""

    @property
    def known_programs(self) -> KnownPrograms:
        """Programs heard of."""

    @property
    def known_cohorts(self) -> KnownCohorts:
        """Cohorts heard of."""

    @property
    def known_participations(self) -> KnownParticipations:
        """Participations heard of."""

    @property
    def known_pairs(self) -> KnownPairs:
        """Formed pairs heard of."""
