"""What is known of a cohort when it is evaluated: facts out of all services' events, and the anonymous answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from evaluation.domain.instruments import Role, WaveKind


class Stage(StrEnum):
    """How far a person came, in order. A stage counts for whoever reached it, whatever happened afterwards."""

    APPLIED = "applied"
    SCREENED = "screened"
    ADMITTED = "admitted"
    MATCHED = "matched"
    ACTIVE = "active"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class ParticipationFact:
    """One person in the cohort, without the person."""

    role: Role
    reached: frozenset[Stage]


class MeetingOutcome(StrEnum):
    """What became of a meeting whose date has come."""

    HELD = "held"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class MeetingFact:
    """A meeting and when it was held or had been scheduled for."""

    outcome: MeetingOutcome
    at: datetime | None


class PairEnd(StrEnum):
    """How a pair ended."""

    COMPLETED = "completed"
    DISSOLVED = "dissolved"


@dataclass(frozen=True, slots=True)
class PauseFact:
    """The days on which a pair began to stand still for a check and went on; `ended_on` is None while it lasts."""

    began_on: date
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class PairFact:
    """One pair, without its people.

    Attributes:
        score: the match's score out of 1000; None while only engagement has spoken of the pair.
        cadence_days: days between meetings as the two agreed; None without a cadence.
        stalls: how often it fell silent; `recovered_stalls` of these ended with a meeting.
        ended: how it ended; None while it goes on.
        pauses: when it stood still for a check, in order.
    """

    score: int | None
    activated_at: datetime | None
    ends_on: date | None
    ended_at: datetime | None
    ended: PairEnd | None
    cadence_days: int | None
    stalls: int
    recovered_stalls: int
    meetings: tuple[MeetingFact, ...] = ()
    pauses: tuple[PauseFact, ...] = ()

    def count(self, outcome: MeetingOutcome) -> int:
        """How many of its meetings had the outcome."""
        return sum(meeting.outcome is outcome for meeting in self.meetings)


@dataclass(frozen=True, slots=True)
class Answers:
    """One anonymous response: a role and the items that were answered, 1 to 5."""

    role: Role
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WaveFact:
    """A closed wave with its answers. An open wave is never given: a growing count would point at who just answered."""

    kind: WaveKind
    instrument_version: int
    suppression_threshold: int
    opened_on: date
    closed_on: date
    invited: int
    answers: tuple[Answers, ...]


@dataclass(frozen=True, slots=True)
class MatchingFact:
    """What the released match runs looked at. `excluded` counts combinations a hard rule forbade, by rule."""

    possible_pairs: int
    allowed_pairs: int
    proposals: int
    excluded: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CohortFact:
    """Everything a report is made of.

    Attributes:
        settings: the program's settings in the version this cohort runs under; None where the viewer's unit does not
            own the program.
        planned_design: the evaluation design registered in the program's charter.
    """

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    unit_code: str | None
    state: str
    starts_on: date | None
    ends_on: date | None
    suppression_threshold: int
    planned_design: str | None
    settings_version: int | None
    settings: Mapping[str, str | int | float | bool | None] | None
    participations: tuple[ParticipationFact, ...] = ()
    pairs: tuple[PairFact, ...] = ()
    waves: tuple[WaveFact, ...] = ()
    matching: MatchingFact | None = None
