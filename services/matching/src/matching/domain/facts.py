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


@dataclass(frozen=True, slots=True)
class Background:
    """Where somebody stands in the company, as coarse codes; None where the HR system says nothing."""

    function: str | None = None
    region: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An admitted participation joined with the facts of its person.

    `business_unit_id` is the person's own unit. `grade_rank` is higher for the more senior. `offers` and `asks` map a
    topic code to a level of 1 to 5. `places` is the capacity of the participation; `taken` counts the places held by
    pairs and proposals that stand.
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

    @property
    def free_places(self) -> int:
        """Places a run may fill, never below zero."""
        return max(0, self.places - self.taken)


@dataclass(frozen=True, slots=True)
class Line:
    """To whom a person reports: the manager and the people reached by a dotted line, in any business unit."""

    person_id: UUID
    manager_id: UUID | None
    dotted_line_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the score counts; only their ratios matter. See `matching.domain.scoring`."""

    topics: int
    reciprocity: int
    distance: int
    language: int
    hours: int


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """The settings of the program that decide who may meet whom."""

    pair_type: PairType
    direction: Direction
    minimum_grade_gap: int
    minimum_language_level: LanguageLevel
    minimum_overlap_minutes: int
    weights: Weights


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one run may know. Two snapshots with the same facts in another order are the same snapshot.

    `lines` holds every candidate and everybody above one, at any depth. `earlier_pairs` are (mentor person, mentee
    person) who are or were proposed or paired in this cohort and are not proposed again. `without_facts` are admitted
    participations whose person's place in the organisation is not fully known; they take no part and are reported.
    """

    starts_on: date
    rules: ProgramRules
    mentors: tuple[Candidate, ...]
    mentees: tuple[Candidate, ...]
    lines: tuple[Line, ...]
    earlier_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    without_facts: Mapping[UUID, Role] = field(default_factory=dict)
