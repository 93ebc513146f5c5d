"""What the use cases need of the world: waves and their secrets, anonymous answers, projections of others' facts.

Nothing is written before the mechanism commits the unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import UnitOfWork

from evaluation.domain.facts import CohortFact, PairEnd, Stage
from evaluation.domain.instruments import Role, WaveKind
from evaluation.domain.report import SettingValue
from evaluation.domain.waves import Wave


@dataclass(frozen=True, slots=True)
class KnownBusinessUnit:
    """A business unit by its code."""

    business_unit_id: UUID
    code: str
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """What evaluation keeps of a program: who may facilitate it and the settings its cohorts are evaluated under."""

    program_id: UUID
    business_unit_id: UUID
    facilitator_ids: tuple[UUID, ...]
    suppression_threshold: int
    survey_days: int
    evaluation_design: str | None
    settings_version: int
    settings: Mapping[str, SettingValue]
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownCohort:
    """A cohort as enrollment has published it."""

    cohort_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    program_id: UUID
    state: str
    settings_version: int
    starts_on: date
    ends_on: date
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownParticipation:
    """One event about a participation. `reached` is the stage this event stands for, None when it stands for none."""

    participation_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    cohort_id: UUID
    person_id: UUID
    role: Role
    state: str
    reached: Stage | None
    sequence: int


@dataclass(frozen=True, slots=True)
class PairIds:
    """What both services say of a pair: where it belongs and who is in it."""

    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID


@dataclass(frozen=True, slots=True)
class PairLifeFact:
    """What engagement says of a pair. `recovered_stalls` counts the stalls that were over when it said so."""

    ids: PairIds
    state: str
    health: str
    cadence_days: int | None
    activated_at: datetime | None
    ends_on: date
    ended_at: datetime | None
    ended: PairEnd | None
    stalls: int
    recovered_stalls: int
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownPause:
    """A pair began to stand still for a check, or ceased to, at `changed_at`."""

    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    cohort_id: UUID
    paused: bool
    changed_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownMeeting:
    """A meeting as engagement has published it; `changed_at` is when the event happened."""

    meeting_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    pair_id: UUID
    cohort_id: UUID
    state: str
    scheduled_for: datetime | None
    held_at: datetime | None
    minutes: int | None
    channel: str | None
    changed_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A released match run: what it looked at and what its hard rules excluded."""

    run_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    cohort_id: UUID
    possible_pairs: int
    allowed_pairs: int
    proposals: int
    excluded: Mapping[str, int]
    sequence: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The RSA key of one wave: modulus, public and private exponent."""

    n: int
    e: int
    d: int


class KnownBusinessUnits(Protocol):
    """Business units as enrollment has published them."""

    def put(self, unit: KnownBusinessUnit) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownPrograms(Protocol):
    """Programs as enrollment has published them."""

    async def get(self, program_id: UUID) -> KnownProgram | None:
        """The newest version, or None while nothing has been heard of it."""

    def put(self, program: KnownProgram) -> None:
        """Stage the program, and its settings under their version; what a higher sequence has written stays."""


class KnownCohorts(Protocol):
    """Cohorts as enrollment has published them."""

    def put(self, cohort: KnownCohort) -> None:
        """Stage it; what a higher sequence has written stays."""


class KnownParticipations(Protocol):
    """Participations as enrollment has published them."""

    async def put(self, participation: KnownParticipation) -> None:
        """Write it: the newest state stays, stages that were reached add up, in whatever order events arrive."""

    async def is_invited(self, cohort_id: UUID, person_id: UUID) -> bool:
        """Whether the person was ever matched in the cohort. Who left early is asked too: their answers count most."""

    async def invited(self, cohort_id: UUID) -> int:
        """How many people were ever matched in the cohort."""


class KnownPairs(Protocol):
    """Pairs as matching and engagement have published them; each service's sequence is kept apart."""

    async def put_formed(self, ids: PairIds, *, score: int, formed_at: datetime | None, sequence: int) -> None:
        """Write what matching says."""

    async def put_life(self, fact: PairLifeFact) -> None:
        """Write what engagement says: the newest state stays, recovered stalls only grow."""


class KnownPauses(Protocol):
    """When pairs stood still, as matching has published it: one row a change."""

    def put(self, pause: KnownPause) -> None:
        """Stage it, once."""


class KnownMeetings(Protocol):
    """Meetings as engagement has published them."""

    async def put(self, meetings: Sequence[KnownMeeting]) -> None:
        """Write all in one statement, each unless a higher sequence has; a pair nobody has spoken of becomes a stub."""


class KnownRuns(Protocol):
    """Released match runs."""

    def put(self, run: KnownRun) -> None:
        """Stage it; what a higher sequence has written stays."""


class WaveRepository(Protocol):
    """Survey waves."""

    async def get(self, wave_id: UUID) -> Wave | None:
        """The wave, kept from closing until the end of the transaction; None when there is none to be seen."""

    async def get_alone(self, wave_id: UUID) -> Wave | None:
        """The wave, locked against everybody else until the end of the transaction; None when there is none to be seen."""

    async def next_due(self, now: datetime) -> Wave | None:
        """A wave whose time has come, locked; one that another transaction holds is left out."""

    async def exists(self, cohort_id: UUID, kind: WaveKind) -> bool:
        """Whether the cohort has this wave."""

    def add(self, wave: Wave) -> None:
        """Stage a new wave."""

    async def save(self, wave: Wave) -> None:
        """Write what has changed of a wave that was loaded, so that later reads of this transaction see it."""


class SigningKeys(Protocol):
    """The private halves of the waves' keys, each kept only while its wave is open."""

    async def make(self, wave: Wave) -> SigningKey:
        """A fresh RSA key of 2048 bits for the wave, made off the event loop and staged."""

    async def get(self, wave_id: UUID) -> SigningKey | None:
        """The key, or None when the wave has closed."""

    async def drop(self, wave: Wave) -> None:
        """Remove it for good."""


class TokenGrants(Protocol):
    """Who has taken a token. Kept apart from every answer, without a time, and removed when the wave closes."""

    def add(self, wave: Wave, person_id: UUID) -> None:
        """Stage that the person has; a second time is a Conflict at commit."""

    async def remove_all(self, wave: Wave) -> int:
        """Forget who it was; returns how many."""


class Responses(Protocol):
    """Anonymous answers: no person, no time, no order of arrival."""

    def spend(self, wave: Wave, token_hash: bytes) -> None:
        """Stage that a token is used up; a second time is a Conflict at commit."""

    async def add(self, wave: Wave, role: Role, answers: Mapping[str, int]) -> None:
        """Write the answers in among others of the wave, all of which are rewritten in a random order."""

    async def seal(self, wave: Wave) -> int:
        """Rewrite the whole wave in a random order, forget its used tokens; returns how many answered."""


class CohortFacts(Protocol):
    """Everything known of a cohort, gathered for its report."""

    async def of(self, cohort_id: UUID) -> CohortFact | None:
        """The facts, answers of closed waves included; None when there is no such cohort to be seen."""


class Evaluations(Protocol):
    """Final reports, written once."""

    async def exists(self, cohort_id: UUID) -> bool:
        """Whether the cohort was evaluated."""

    def add(self, facts: CohortFact, named_unit_ids: Sequence[UUID], evaluated_at: datetime, report: str) -> None:
        """Stage the final report, as JSON text."""


class EvaluationUnitOfWork(UnitOfWork, Protocol):
    """One transaction of one use case, with this service's repositories."""

    @property
    def known_business_units(self) -> KnownBusinessUnits:
        """Business units heard of."""

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
        """Pairs heard of."""

    @property
    def known_pauses(self) -> KnownPauses:
        """Pauses of pairs heard of."""

    @property
    def known_meetings(self) -> KnownMeetings:
        """Meetings heard of."""

    @property
    def known_runs(self) -> KnownRuns:
        """Released match runs heard of."""

    @property
    def waves(self) -> WaveRepository:
        """Survey waves."""

    @property
    def signing_keys(self) -> SigningKeys:
        """Private keys of open waves."""

    @property
    def token_grants(self) -> TokenGrants:
        """Who has taken a token."""

    @property
    def responses(self) -> Responses:
        """Anonymous answers."""

    @property
    def cohort_facts(self) -> CohortFacts:
        """Facts for a report."""

    @property
    def evaluations(self) -> Evaluations:
        """Final reports."""
