"""A unit of work in memory. Repositories hold aggregates themselves: what a use case changes is changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.ports import Principal
from chassis.testing import UnitOfWorkInMemory
from matching.application.ports import (
    KnownCohort,
    KnownPair,
    KnownParticipation,
    KnownPerson,
    KnownProgram,
    StandingPair,
)
from matching.domain.facts import LanguageLevel, Role
from matching.domain.match_run import MatchRun, RunState
from matching.domain.pair import Pair, PairState

from .governance_fakes import FakeAuditGroups, FakePacks
from .guard_fakes import FakeBooks, FakeConflicts, FakeNotices, FakeWaivers
from .mode_fakes import ModeFakes
from .run_fakes import FakeRunRecords
from .worlds import OFFICE, RULES, START, UNIT, participation, person

COHORT, PROGRAM = UUID(int=0xC0), UUID(int=0xD0)
NOW = datetime(2025, 2, 3, 9, tzinfo=UTC)
MANAGER = Principal("manager", None, UNIT, frozenset({"program_manager"}))


def participant(number: int) -> Principal:
    return Principal(f"person-{number}", person(number), UNIT, frozenset({"participant"}))


class FakeRuns:
    def __init__(self, uow: FakeUnitOfWork) -> None:
        self.uow = uow
        self.held: dict[UUID, MatchRun] = {}
        self.leases: dict[UUID, float] = {}
        self.people: dict[UUID, set[UUID]] = {}
        self.marks: dict[UUID, int] = {}
        self.progress: dict[UUID, tuple[str, int]] = {}
        self.waited = 999.0

    async def of_cohort(self, cohort_id: UUID) -> Sequence[MatchRun]:
        return sorted((run for run in self.held.values() if run.cohort_id == cohort_id), key=lambda run: run.run_id)[
            ::-1
        ]

    async def get(self, run_id: UUID) -> MatchRun | None:
        return self.held.get(run_id)

    async def due(self, limit: int) -> Sequence[tuple[MatchRun, float]]:
        due = [
            run
            for run in self.held.values()
            if run.state is RunState.QUEUED
            or (run.state in (RunState.RUNNING, RunState.RELEASING) and self.leases[run.run_id] <= 0)
        ]
        return [(run, self.waited) for run in due[:limit]]

    async def lease(self, run: MatchRun, seconds: float) -> None:
        self.leases[run.run_id] = seconds

    async def keep(self, run_id: UUID, attempt: int, seconds: float, progress: tuple[str, int]) -> bool:
        if not self.held[run_id].held_by(attempt):
            return False
        self.leases[run_id], self.progress[run_id] = seconds, progress
        return True

    async def remember_facts(self, run_id: UUID, people: Collection[UUID], mark: int) -> None:
        self.people[run_id], self.marks[run_id] = set(people), mark

    async def facts_changed(self, run_id: UUID) -> bool:
        known = self.uow.known_people.held
        return sum(known[one].sequence for one in self.people[run_id]) != self.marks[run_id]

    async def facts_missing(self, cohort_id: UUID) -> bool:
        admitted = [one for one in await self.uow.known_participations.of_cohort(cohort_id) if one.may_be_matched]
        people = {one.person_id for one in admitted}
        known = {one.person_id: one for one in await self.uow.known_people.with_superiors(people)}
        superiors = {up for one in known.values() for up in (one.manager_id, *one.dotted_line_ids) if up is not None}
        return not (people | superiors <= known.keys()) or any(one.working_time is None for one in admitted)

    def add(self, run: MatchRun) -> None:
        self.held[run.run_id] = run

    def save(self, run: MatchRun) -> None:
        assert self.held[run.run_id] is run

    async def outdate(self, people: Collection[UUID]) -> None:
        for run in self.held.values():
            seen = self.people.get(run.run_id, set())
            if run.state in (RunState.RUNNING, RunState.COMPLETED) and not set(people).isdisjoint(seen):
                run.outdated = True

    async def restart(self, people: Collection[UUID]) -> None:
        for run in self.held.values():
            seen = self.people.get(run.run_id, set())
            if run.state is RunState.RUNNING and (not seen or not set(people).isdisjoint(seen)):
                run.state = RunState.QUEUED


class FakePairs:
    def __init__(self, uow: FakeUnitOfWork) -> None:
        self.uow = uow
        self.held: dict[UUID, Pair] = {}

    async def get(self, pair_id: UUID) -> Pair | None:
        return self.held.get(pair_id)

    async def of_run(self, run_id: UUID) -> Sequence[Pair]:
        return sorted((pair for pair in self.held.values() if pair.run_id == run_id), key=lambda pair: pair.pair_id)

    async def proposed_by(self, run_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        return [
            (pair.mentor.participation_id, pair.mentee.participation_id)
            for pair in await self.of_run(run_id)
            if pair.state is PairState.PROPOSED
        ]

    async def release_all(self, run_id: UUID, released_at: datetime, expires_at: datetime) -> int:
        proposed = [pair for pair in await self.of_run(run_id) if pair.state is PairState.PROPOSED]
        for pair in proposed:
            pair.release(released_at, (expires_at - released_at).days)
        return len(proposed)

    async def standing(self, cohort_id: UUID) -> Sequence[StandingPair]:
        ended = {pair.pair_id for pair in self.uow.known_pairs.held.values() if pair.ended}
        return [
            StandingPair(
                pair.mentor.participation_id,
                pair.mentee.participation_id,
                pair.mentor.person_id,
                pair.mentee.person_id,
                holds_places=pair.state is PairState.RELEASED
                or (pair.state in (PairState.FORMED, PairState.QUARANTINED) and pair.pair_id not in ended),
            )
            for pair in self.held.values()
            if pair.cohort_id == cohort_id and pair.state not in (PairState.PROPOSED, PairState.WITHDRAWN)
        ]

    async def late(self, now: datetime, limit: int) -> Sequence[Pair]:
        return [
            pair
            for pair in self.held.values()
            if pair.state is PairState.RELEASED and pair.expires_at is not None and pair.expires_at <= now
        ][:limit]

    async def abandoned(self, limit: int) -> Sequence[Pair]:
        gone = {one.participation_id for one in self.uow.known_participations.held.values() if not one.may_be_matched}
        return [
            pair
            for pair in self.held.values()
            if pair.state is PairState.RELEASED and {pair.mentor.participation_id, pair.mentee.participation_id} & gone
        ][:limit]

    async def add_all(self, pairs: Sequence[Pair]) -> None:
        self.held.update({pair.pair_id: pair for pair in pairs})

    def save(self, pair: Pair) -> None:
        assert self.held[pair.pair_id] is pair

    async def save_all(self, pairs: Sequence[Pair]) -> None:
        for pair in pairs:
            self.save(pair)


class FakePeople:
    def __init__(self) -> None:
        self.held: dict[UUID, KnownPerson] = {}

    async def with_superiors(self, people: Collection[UUID]) -> Sequence[KnownPerson]:
        frontier, found = list(people), {}
        while frontier:
            known = self.held.get(frontier.pop())
            if known is not None and known.person_id not in found:
                found[known.person_id] = known
                frontier += [*known.dotted_line_ids, *([known.manager_id] if known.manager_id else [])]
        return list(found.values())

    async def put_all(self, people: Sequence[KnownPerson]) -> Sequence[UUID]:
        changed = []
        for one in people:
            held = self.held.get(one.person_id)
            if held is not None and held.sequence >= one.sequence:
                continue
            if held is not None and replace(held, sequence=one.sequence) != one:
                changed.append(one.person_id)
            self.held[one.person_id] = one
        return changed


class FakeProjection:
    """Rows by id; an older sequence never overwrites."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.held: dict[UUID, Any] = {}

    async def get(self, key: UUID) -> Any:
        return self.held.get(key)

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Any]:
        return [row for row in self.held.values() if row.cohort_id == cohort_id]

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[Any]:
        return [self.held[key] for key in ids if key in self.held]

    async def cadence_floors(self, cohort_id: UUID) -> dict[UUID, int]:
        of_cohort = await self.of_cohort(cohort_id)
        return {row.participation_id: row.cadence_floor_days for row in of_cohort if row.cadence_floor_days is not None}

    def put(self, row: Any) -> None:
        held = self.held.get(getattr(row, self.key))
        if held is None or held.sequence < row.sequence:
            self.held[getattr(row, self.key)] = row


class FakeUnitOfWork(UnitOfWorkInMemory, ModeFakes):
    """See matching.application.ports.MatchingUnitOfWork."""

    def __init__(self) -> None:
        super().__init__(NOW, MANAGER)
        self.runs = FakeRuns(self)
        self.run_records = FakeRunRecords(self)
        self.pairs = FakePairs(self)
        self.conflicts = FakeConflicts(self)
        self.waivers = FakeWaivers()
        self.guard = FakeBooks(self)
        self.notices = FakeNotices()
        self.hold_modes()
        self.known_people = FakePeople()
        self.known_programs = FakeProjection("program_id")
        self.known_cohorts = FakeProjection("cohort_id")
        self.known_participations = FakeProjection("participation_id")
        self.known_pairs = FakeProjection("pair_id")
        self.known_audit_groups = FakeAuditGroups()
        self.governance = FakePacks(self)

    def named(self, name: str) -> list[Any]:
        """The events of one type published so far."""
        return [published.event for published in self.published if type(published.event).__name__ == name]

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


def known_person(number: int, **changes: Any) -> KnownPerson:
    made = KnownPerson(
        person_id=person(number), business_unit_id=UNIT, employed=True, grade_rank=2, manager_id=None,
        dotted_line_ids=(), team=f"{number:016x}", function=None, region=None, country=None, sequence=1,
    )  # fmt: skip
    return replace(made, **changes)


def known_participation(number: int, role: Role, **changes: Any) -> KnownParticipation:
    mentor = role is Role.MENTOR
    made = KnownParticipation(
        participation_id=participation(number), cohort_id=COHORT, person_id=person(number), business_unit_id=UNIT,
        named_unit_ids=(UNIT,), home_unit_id=UNIT, role=role, state="admitted",
        offers={"technology.ai": 5} if mentor else {}, asks={} if mentor else {"technology.ai": 3},
        languages={"en": LanguageLevel.C1}, working_time=OFFICE, capacity=1, cadence_floor_days=None, sequence=1,
    )  # fmt: skip
    return replace(made, **changes)


def cohort_of(mentors: int, mentees: int, **changes: Any) -> FakeUnitOfWork:
    """A cohort being matched: mentors 1, 2, ... of rank 2 and mentees 101, 102, ... of rank 8, everybody allowed."""
    uow = FakeUnitOfWork()
    uow.known_programs.put(KnownProgram(PROGRAM, UNIT, 1, RULES, 14, (), 1))
    cohort = KnownCohort(COHORT, PROGRAM, UNIT, (UNIT,), "matching", START, 1)
    uow.known_cohorts.put(replace(cohort, **changes))
    for number in range(1, mentors + 1):
        uow.known_people.held[person(number)] = known_person(number)
        uow.known_participations.put(known_participation(number, Role.MENTOR))
    for number in range(101, mentees + 101):
        uow.known_people.held[person(number)] = known_person(number, grade_rank=8)
        uow.known_participations.put(known_participation(number, Role.MENTEE))
    return uow


def ended(pair: Pair, sequence: int = 9) -> KnownPair:
    return KnownPair(pair.pair_id, pair.business_unit_id, pair.named_unit_ids, ended=True, sequence=sequence)
