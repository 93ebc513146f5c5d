"""What a match run knows: the snapshot of one cohort. Plain values only, so that it can be hashed, pickled and
replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from uuid import UUID


class Role(StrEnum):
    """The side a participation takes in every pair of its cohort."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class PairType(StrEnum):
    """Whether the junior teaches (reverse), the senior teaches (traditional), or both do (reciprocal)."""

    REVERSE = "reverse"
    TRADITIONAL = "traditional"
    RECIPROCAL = "reciprocal"


class Direction(StrEnum):
    """What makes a pair reverse or traditional: the order of grades, or only who knows what the other asks for."""

    GRADE = "grade"
    EXPERTISE = "expertise"


class LanguageLevel(IntEnum):
    """Level of a language after the Common European Framework; a higher number is a better command."""

    A1 = 1
    A2 = 2
    B1 = 3
    B2 = 4
    C1 = 5
    C2 = 6


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When somebody works: minutes after local midnight in an IANA time zone, on ISO weekdays (Monday 1 to Sunday 7).

    An `end_minute` not after `start_minute` lies on the next local day (a night shift).
    """

    time_zone: str
    start_minute: int
    end_minute: int
    days: frozenset[int]


class UnitPolicy(StrEnum):
    """Whether the two of a pair may, must or must not belong to one business unit."""

    ANY = "any"
    ACROSS = "across"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Background:
    """Where somebody stands in the company, as coarse codes; None where the HR system says nothing.

    `tenure` is a band of years with the company. `life` holds opaque codes of the life experience a person declared and
    consented to compare; equal codes mean equal experience, and nothing else can be read from them. Empty: not consented.
    """

    function: str | None = None
    region: str | None = None
    country: str | None = None
    tenure: str | None = None
    life: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An admitted participation joined with the facts of its person.

    `business_unit_id` is the person's own unit. `grade_rank` is higher for the more senior. `offers` and `asks` map a
    topic code to a level of 1 to 5. `places` is the capacity of the participation; `taken` counts the places held by
    pairs and proposals that stand. `values` are codes of what matters to the person; `style` places them on axes of working
    style (1 to 5); `channels` are the media they prefer. `priority` is the class in which they are covered, 1 before 2.
    `ranked` are the participations of the other side they asked for, the dearest first.
    """

    participation_id: UUID
    person_id: UUID
    business_unit_id: UUID
    role: Role
    employed: bool
    grade_rank: int
    team: str | None
    background: Background
    offers: Mapping[str, int]
    asks: Mapping[str, int]
    languages: Mapping[str, LanguageLevel]
    working_time: WorkingTime
    places: int
    taken: int = 0
    projects: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    style: Mapping[str, int] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    priority: int = 1
    ranked: tuple[UUID, ...] = ()

    @property
    def free_places(self) -> int:
        """Places a run may fill, never below zero."""
        return max(0, self.places - self.taken)


@dataclass(frozen=True, slots=True)
class Line:
    """To whom a person reports: the manager and the people reached by a dotted line, in any business unit; and who reviews
    their performance.
    """

    person_id: UUID
    manager_id: UUID | None
    dotted_line_ids: frozenset[UUID] = frozenset()
    reviewer_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the score counts; only their ratios matter. See `matching.domain.scoring`."""

    topics: int
    reciprocity: int
    distance: int
    language: int
    hours: int
    values: int = 0
    style: int = 0
    preferences: int = 0
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """The settings of the program that decide who may meet whom.

    `repeat_pairs` allows two people who were a pair of the program before. `preference_limit` is how many people somebody may
    rank.
    """

    pair_type: PairType
    direction: Direction
    minimum_grade_gap: int
    minimum_language_level: LanguageLevel
    minimum_overlap_minutes: int
    weights: Weights
    unit_policy: UnitPolicy = UnitPolicy.ANY
    repeat_pairs: bool = False
    preference_limit: int = 5


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `places` places for the mentors of one business unit, in all or (with `mentee`) at one mentee's participation."""

    business_unit_id: UUID
    places: int
    mentee: UUID | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one run may know. Two snapshots with the same facts in another order are the same snapshot.

    `lines` holds every candidate and everybody above one, at any depth. `earlier_pairs` are (mentor person, mentee
    person) who are or were proposed or paired in this cohort and are not proposed again. `without_facts` are admitted
    participations whose person's place in the organisation is not fully known; they take no part and are reported.
    `excluded` are registered conflicts of interest, each as (lower person id, higher person id). `waived` are (mentor person,
    mentee person, rule) that an approver has waived. `previous` are (mentor participation, mentee participation) of proposals a
    re-match should keep where it can; None in a fresh run.
    """

    starts_on: date
    rules: ProgramRules
    mentors: tuple[Candidate, ...]
    mentees: tuple[Candidate, ...]
    lines: tuple[Line, ...]
    earlier_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    without_facts: Mapping[UUID, Role] = field(default_factory=dict)
    excluded: frozenset[tuple[UUID, UUID]] = frozenset()
    waived: frozenset[tuple[UUID, UUID, str]] = frozenset()
    quotas: tuple[Quota, ...] = ()
    previous: frozenset[tuple[UUID, UUID]] | None = None
