"""A unit of work in memory. What is loaded is a copy, so that a change without a save is lost, as it is in a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from uuid import UUID

from chassis.ports import Conflict, Principal
from chassis.testing import UnitOfWorkInMemory
from cryptography.hazmat.primitives.asymmetric import rsa
from evaluation.application.ports import (
    KnownBusinessUnit,
    KnownCohort,
    KnownMeeting,
    KnownParticipation,
    KnownPause,
    KnownProgram,
    KnownRun,
    PairIds,
    PairLifeFact,
    SigningKey,
)
from evaluation.domain.facts import CohortFact
from evaluation.domain.instruments import Role, WaveKind
from evaluation.domain.waves import Wave, WaveState

from ..events import START


@cache
def one_key() -> SigningKey:
    """One real RSA key for all unit tests: making one takes a while."""
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    return SigningKey(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)


@dataclass
class FakeKnown:
    """All projections."""

    units: dict[UUID, KnownBusinessUnit] = field(default_factory=dict)
    programs: dict[UUID, KnownProgram] = field(default_factory=dict)
    cohorts: dict[UUID, KnownCohort] = field(default_factory=dict)
    participations: list[KnownParticipation] = field(default_factory=list)
    formed: list[tuple[PairIds, int, datetime | None, int]] = field(default_factory=list)
    lives: list[PairLifeFact] = field(default_factory=list)
    pauses: list[KnownPause] = field(default_factory=list)
    meetings: list[list[KnownMeeting]] = field(default_factory=list)
    runs: list[KnownRun] = field(default_factory=list)
    asked: dict[UUID, set[UUID]] = field(default_factory=dict)


class FakeUnits:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    def put(self, unit: KnownBusinessUnit) -> None:
        self._known.units[unit.business_unit_id] = unit


class FakePrograms:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    async def get(self, program_id: UUID) -> KnownProgram | None:
        return self._known.programs.get(program_id)

    def put(self, program: KnownProgram) -> None:
        self._known.programs[program.program_id] = program


class FakeCohorts:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    def put(self, cohort: KnownCohort) -> None:
        self._known.cohorts[cohort.cohort_id] = cohort


class FakeParticipations:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    async def put(self, participation: KnownParticipation) -> None:
        self._known.participations.append(participation)

    async def is_invited(self, cohort_id: UUID, person_id: UUID) -> bool:
        return person_id in self._known.asked.get(cohort_id, set())

    async def invited(self, cohort_id: UUID) -> int:
        return len(self._known.asked.get(cohort_id, set()))


class FakePairs:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    async def put_formed(self, ids: PairIds, *, score: int, formed_at: datetime | None, sequence: int) -> None:
        self._known.formed.append((ids, score, formed_at, sequence))

    async def put_life(self, fact: PairLifeFact) -> None:
        self._known.lives.append(fact)


class FakePauses:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    def put(self, pause: KnownPause) -> None:
        self._known.pauses.append(pause)


class FakeMeetings:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    async def put(self, meetings: Sequence[KnownMeeting]) -> None:
        self._known.meetings.append(list(meetings))


class FakeRuns:
    def __init__(self, known: FakeKnown) -> None:
        self._known = known

    def put(self, run: KnownRun) -> None:
        self._known.runs.append(run)


@dataclass
class FakeWaves:
    rows: dict[UUID, Wave] = field(default_factory=dict)

    async def get(self, wave_id: UUID) -> Wave | None:
        return deepcopy(self.rows.get(wave_id))

    async def get_alone(self, wave_id: UUID) -> Wave | None:
        return await self.get(wave_id)

    async def next_due(self, now: datetime) -> Wave | None:
        due = sorted((wave for wave in self.rows.values() if wave.due(now)), key=lambda wave: wave.closes_on)
        return deepcopy(due[0]) if due else None

    async def exists(self, cohort_id: UUID, kind: WaveKind) -> bool:
        return any(wave.cohort_id == cohort_id and wave.kind is kind for wave in self.rows.values())

    def add(self, wave: Wave) -> None:
        assert wave.wave_id not in self.rows
        self.rows[wave.wave_id] = deepcopy(wave)

    async def save(self, wave: Wave) -> None:
        assert wave.wave_id in self.rows
        self.rows[wave.wave_id] = deepcopy(wave)


@dataclass
class FakeKeys:
    rows: dict[UUID, SigningKey] = field(default_factory=dict)

    async def make(self, wave: Wave) -> SigningKey:
        self.rows[wave.wave_id] = one_key()
        return self.rows[wave.wave_id]

    async def get(self, wave_id: UUID) -> SigningKey | None:
        return self.rows.get(wave_id)

    async def drop(self, wave: Wave) -> None:
        del self.rows[wave.wave_id]


@dataclass
class FakeGrants:
    rows: set[tuple[UUID, UUID]] = field(default_factory=set)

    def add(self, wave: Wave, person_id: UUID) -> None:
        if (wave.wave_id, person_id) in self.rows:
            raise Conflict("taken")
        self.rows.add((wave.wave_id, person_id))

    async def remove_all(self, wave: Wave) -> int:
        found = {row for row in self.rows if row[0] == wave.wave_id}
        self.rows -= found
        return len(found)


@dataclass
class FakeResponses:
    spent: set[bytes] = field(default_factory=set)
    rows: list[tuple[UUID, Role, Mapping[str, int]]] = field(default_factory=list)

    def spend(self, wave: Wave, token_hash: bytes) -> None:
        if token_hash in self.spent:
            raise Conflict("used")
        self.spent.add(token_hash)

    async def add(self, wave: Wave, role: Role, answers: Mapping[str, int]) -> None:
        self.rows.append((wave.wave_id, role, dict(answers)))

    async def seal(self, wave: Wave) -> int:
        self.spent.clear()
        return sum(row[0] == wave.wave_id for row in self.rows)


@dataclass
class FakeFacts:
    found: CohortFact | None = None

    async def of(self, cohort_id: UUID) -> CohortFact | None:
        return self.found


@dataclass
class FakeEvaluations:
    rows: dict[UUID, str] = field(default_factory=dict)

    async def exists(self, cohort_id: UUID) -> bool:
        return cohort_id in self.rows

    def add(self, facts: CohortFact, named_unit_ids: Sequence[UUID], evaluated_at: datetime, report: str) -> None:
        self.rows[facts.cohort_id] = report


class FakeUnitOfWork(UnitOfWorkInMemory):
    """Everything in memory; `published` holds (event, sequence), `audited` the names of actions."""

    def __init__(self, now: datetime = START, principal: Principal | None = None) -> None:
        super().__init__(now, principal or Principal("service:evaluation"))
        self.known = FakeKnown()
        self.known_business_units = FakeUnits(self.known)
        self.known_programs = FakePrograms(self.known)
        self.known_cohorts = FakeCohorts(self.known)
        self.known_participations = FakeParticipations(self.known)
        self.known_pairs = FakePairs(self.known)
        self.known_pauses = FakePauses(self.known)
        self.known_meetings = FakeMeetings(self.known)
        self.known_runs = FakeRuns(self.known)
        self.waves = FakeWaves()
        self.signing_keys = FakeKeys()
        self.token_grants = FakeGrants()
        self.responses = FakeResponses()
        self.cohort_facts = FakeFacts()
        self.evaluations = FakeEvaluations()

    @property
    def open_wave(self) -> Wave:
        """The one wave that is open."""
        (found,) = (wave for wave in self.waves.rows.values() if wave.state is WaveState.OPEN)
        return found
