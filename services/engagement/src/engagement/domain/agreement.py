"""What two people agree on: clauses from a versioned template, terms they fill in, and which terms a program requires.

Terms are pair-private: they never enter an event, a log line or a view of anybody but the two people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chassis.ports import InvalidInput

from engagement.domain.rhythm import cadence_bounds
from engagement.domain.vocabulary import AgreementField, Channel, Formality

SHORTEST_DURATION_MONTHS = 1
LONGEST_DURATION_MONTHS = 24

REQUIRED_FIELDS: Mapping[Formality, tuple[AgreementField, ...]] = MappingProxyType(
    {
        Formality.LIGHT: (),
        Formality.STANDARD: (
            AgreementField.GOAL_TOPICS,
            AgreementField.CADENCE_DAYS,
            AgreementField.MEDIUM,
            AgreementField.NUMBER_ONE_OUTCOME,
        ),
        Formality.STRUCTURED: tuple(AgreementField),
    }
)
"""The terms that must be filled in before anybody can sign.

The clauses of the template come on top, in every formality.
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the two people fill in.

    `cadence_days` is None in a light program; `goal_topics` are codes of the topic tree.
    """

    duration_months: int
    cadence_days: int | None = None
    boundaries: str | None = None
    goal_topics: tuple[str, ...] = ()
    medium: Channel | None = None
    place: str | None = None
    number_one_outcome: str | None = None

    def missing(self, formality: Formality) -> tuple[AgreementField, ...]:
        """The required terms that are still empty, in the order in which the agreement lists them."""
        return tuple(field for field in REQUIRED_FIELDS[formality] if not getattr(self, field.value))


@dataclass(frozen=True, slots=True)
class Clause:
    """A passage of the template that both accept as it stands."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template in one language for one formality; what was signed stays readable word for word."""

    version: int
    formality: Formality
    language: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of a pair's agreement: the template it was drafted from and the terms as they then stood."""

    template: Template
    terms: Terms


def check_terms(terms: Terms, *, formality: Formality, cadence_floor_days: int | None) -> None:
    """Refuse terms no pair may agree on; `InvalidInput` names the field. Empty terms are no error until somebody signs.

    :raises InvalidInput: a cadence outside its bounds or below the floor, a cadence in a light program, a duration
        outside 1 to 24 months.
    """
    if not SHORTEST_DURATION_MONTHS <= terms.duration_months <= LONGEST_DURATION_MONTHS:
        raise InvalidInput(
            f"a pair lasts {SHORTEST_DURATION_MONTHS} to {LONGEST_DURATION_MONTHS} months", field="duration_months"
        )
    if terms.cadence_days is None:
        return
    if formality is Formality.LIGHT:
        raise InvalidInput(
            "a light program has no cadence",
            field="cadence_days",
            remedy="leave the cadence out and meet when you like",
        )
    shortest, longest = cadence_bounds(cadence_floor_days)
    if not shortest <= terms.cadence_days <= longest:
        raise InvalidInput(
            f"this pair may meet every {shortest} to {longest} days",
            field="cadence_days",
            remedy=f"agree on a cadence of {shortest} to {longest} days",
        )
