"""What the use cases need of the world: repositories that load for update and stage changes, projections of others'
facts, and somebody who solves.

Nothing is written before the mechanism commits the unit of work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from chassis.ports import UnitOfWork

from matching.application.governance_ports import AuditGroupsKnown, GovernancePacks
from matching.application.guard_ports import ConflictRegister, GuardBooks, NoticeRepository, WaiverRepository
from matching.application.mode_ports import (
    Places,
    PreferenceRepository,
    QuotaRepository,
    RequestRepository,
    ReviewRepository,
    SearchRepository,
    Verdicts,
    WhatIfRepository,
)
from matching.domain.explanation import Unmatched
from matching.domain.facts import LanguageLevel, Line, ProgramRules, Role, Snapshot, WorkingTime
from matching.domain.match_request import AskingSide
from matching.domain.match_run import MatchRun
from matching.domain.pair import Pair
from matching.domain.run_matching import Outcome

Result = TypeVar("Result")
_NOBODY: frozenset[UUID] = frozenset()
"""One for all: an empty set takes 216 bytes."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What matching keeps of a person: where they stand in the organisation. `sequence` is the version it was read
    from.

    `project_codes` are opaque, equal for people of one project; `reviewer_ids` review the person's performance; both
    ascending. `tenure_band` is how long they have worked for the company, as a band of years; None: not said.
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
    project_codes: tuple[str, ...] = ()
    reviewer_ids: tuple[UUID, ...] = ()
    tenure_band: str | None = None

    @property
    def line(self) -> Line:
        """To whom the person reports, and who reviews them."""
        dotted = frozenset(self.dotted_line_ids) if self.dotted_line_ids else _NOBODY
        reviewers = frozenset(self.reviewer_ids) if self.reviewer_ids else _NOBODY
        return Line(self.person_id, self.manager_id, dotted, reviewers)


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """What matching keeps of a program: the settings that decide who may meet whom, and who matches.

    `mode` is `hr_run`, `self` or `hybrid`. A new pair tries for `trial_days` whether it fits (0: no trial). A request of
    one person to another waits `request_days`, with a reminder after `request_reminder_days`. A mentee may have
    `mentors_per_mentee` mentors, 1 or 2. `asking_side` says whose requests begin a pair in mode `self`; see `may_ask`.
    Nothing is told of fewer than `suppression_threshold` people; runs are audited by `audit_dimensions` alone.
    """

    program_id: UUID
    business_unit_id: UUID
    settings_version: int
    rules: ProgramRules
    acceptance_days: int
    facilitator_ids: tuple[UUID, ...]
    sequence: int
    mode: str = "hr_run"
    trial_days: int = 0
    request_days: int = 14
    request_reminder_days: int = 7
    mentors_per_mentee: int = 1
    asking_side: AskingSide | None = None
    suppression_threshold: int = 5
    audit_dimensions: tuple[str, ...] = ("age_band", "disability", "ethnicity", "gender")


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

    `business_unit_id` is the cohort's owner, `home_unit_id` the person's own unit. `values` are codes of what matters to
    the person, `style` places on axes of working style (1 to 5), `channels` media they like; `background_codes` are opaque
    codes of life experience, empty without a consent that stands; all ascending. `priority` is the class in which they
    are covered, 1 before 2 before 3.
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
    values: tuple[str, ...] = ()
    style: Mapping[str, int] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    background_codes: tuple[str, ...] = ()
    priority: int = 2

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

    async def keep(self, run_id: UUID, attempt: int, seconds: float, progress: tuple[str, int]) -> bool:
        """Renew the lease and note how far the worker is: the stage, and how much of it is done, of 1000.

        False, and nothing is changed, when the run is not held in this attempt any more.
        """

    async def remember_facts(self, run_id: UUID, people: Collection[UUID], mark: int) -> None:
        """Note who is in the snapshot, superiors included, and the sum of the sequences they were read with."""

    async def facts_changed(self, run_id: UUID) -> bool:
        """Whether anything was published since about somebody in the snapshot."""

    async def facts_missing(self, cohort_id: UUID) -> bool:
        """Whether facts of somebody admitted, or of somebody above them, have not arrived."""

    def add(self, run: MatchRun) -> None:
        """Stage a new run."""

    def save(self, run: MatchRun) -> None:
        """Stage what has changed of a run that was loaded."""

    async def outdate(self, people: Collection[UUID]) -> None:
        """Mark every running or completed run that is not released, with one of these people in its snapshot."""

    async def restart(self, people: Collection[UUID]) -> None:
        """Put every running run with one of these people in its snapshot, or that is just reading it, back into the queue."""


class RunRecordRepository(Protocol):
    """What a run leaves behind besides its proposals."""

    async def clear(self, run_id: UUID) -> None:
        """Remove what an attempt that was not finished has written: records, unmatched, proposals."""

    async def put(self, run: MatchRun, name: str, content: bytes) -> None:
        """Keep the run's `input`, `proof` or `start`, packed (`domain.run_input`)."""

    async def get(self, run_id: UUID, name: str) -> bytes | None:
        """The run's `input`, `proof` or `start`, unpacked; None when there is none (any more)."""

    async def erase(self, people: Collection[UUID]) -> None:
        """Remove the records of every run with one of these people in its snapshot, and what is said of them.

        Such a run can be replayed no more.
        """

    async def add_unmatched(self, run: MatchRun, unmatched: Sequence[Unmatched]) -> None:
        """Write for whom the run found no pair, and why."""


class PairRepository(Protocol):
    """Pairs and proposals. What is loaded here is locked until the end of the transaction."""

    async def get(self, pair_id: UUID) -> Pair | None:
        """The pair, or None when there is none the transaction's business unit may see."""

    async def of_run(self, run_id: UUID) -> Sequence[Pair]:
        """The pairs a run proposed that no program manager has rejected, in the order of their ids."""

    async def proposed_by(self, run_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        """What a run proposes and nobody has released: (mentor participation, mentee participation), not locked."""

    async def release_all(self, run_id: UUID, released_at: datetime, expires_at: datetime) -> int:
        """Release all proposals of a run at once; how many there were."""

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

    async def by_ids(self, participation_ids: Collection[UUID]) -> Sequence[KnownParticipation]:
        """These participations, as far as they are known."""

    async def cadence_floors(self, cohort_id: UUID) -> Mapping[UUID, int]:
        """The least days between meetings of everybody in a cohort who has set any."""

    def put(self, participation: KnownParticipation) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownPairs(Protocol):
    """Formed pairs as engagement has published them."""

    def put(self, pair: KnownPair) -> None:
        """Stage it; what a higher sequence has written stays."""


Report = Callable[[str, int], None]
"""Hears how far something is: the stage, and how much of it is done, of 1000."""


class Solver(Protocol):
    """Somebody who solves outside of the event loop."""

    async def solve(self, snapshot: Snapshot) -> Outcome:
        """The certified optimum. Raises what `run_matching` raises, and SolverDied."""

    async def watched(self, report: Report | None, task: Callable[..., Result], *arguments: Any) -> Result:
        """What `task(report, *arguments)` returns in a process of its own; `report` hears how far it is.

        Cancelled, the process is killed. Raises what the task raises, and SolverDied.
        """


class SolverDied(Exception):
    """The process that solved is gone; trying again may succeed."""


class MatchingUnitOfWork(UnitOfWork, Protocol):
    """One transaction of one use case, with this service's repositories."""

    @property
    def runs(self) -> RunRepository:
        """Match runs."""

    @property
    def run_records(self) -> RunRecordRepository:
        """What runs leave behind."""

    @property
    def pairs(self) -> PairRepository:
        """Proposals and pairs."""

    @property
    def conflicts(self) -> ConflictRegister:
        """Registered conflicts of interest."""

    @property
    def waivers(self) -> WaiverRepository:
        """Waivers."""

    @property
    def guard(self) -> GuardBooks:
        """What the guard has still to judge."""

    @property
    def notices(self) -> NoticeRepository:
        """Notices to people."""

    @property
    def places(self) -> Places:
        """Who holds which place."""

    @property
    def searches(self) -> SearchRepository:
        """Searches for people to ask or rank."""

    @property
    def requests(self) -> RequestRepository:
        """Requests of people to people."""

    @property
    def preferences(self) -> PreferenceRepository:
        """Whom people would like to meet."""

    @property
    def quotas(self) -> QuotaRepository:
        """Limits that cohorts have set."""

    @property
    def reviews(self) -> ReviewRepository:
        """Verdicts about proposed pairs."""

    @property
    def locks(self) -> Verdicts:
        """Pairs that stay in later runs."""

    @property
    def rejections(self) -> Verdicts:
        """Pairs that are not proposed again."""

    @property
    def what_ifs(self) -> WhatIfRepository:
        """What-ifs of runs."""

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
    def known_audit_groups(self) -> AuditGroupsKnown:
        """What people consented to have counted in audits."""

    @property
    def governance(self) -> GovernancePacks:
        """Packs of released runs."""

    @property
    def known_pairs(self) -> KnownPairs:
        """Formed pairs heard of."""
