"""The settings of a program: every piece of contradictory advice is a choice here, kept with the program (RX-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from chassis.ports import InvalidInput

from enrollment.domain.audit_groups import DIMENSIONS
from enrollment.domain.languages import LanguageLevel


class ProgramType(StrEnum):
    """Who teaches whom."""

    REVERSE = "reverse"
    TRADITIONAL = "traditional"
    RECIPROCAL = "reciprocal"


class Direction(StrEnum):
    """What makes the mentor of a reverse pair the junior: grade, or who knows the topic. Never age (R0-06)."""

    GRADE = "grade"
    EXPERTISE = "expertise"


class MatchingMode(StrEnum):
    """Who matches."""

    HR_RUN = "hr_run"
    SELF = "self"
    HYBRID = "hybrid"


class Formality(StrEnum):
    """How much of the agreement, which gates and whether a cadence are required. Confidentiality is required in all three."""

    LIGHT = "light"
    STANDARD = "standard"
    STRUCTURED = "structured"


class UnitPolicy(StrEnum):
    """Whether the two of a pair may, must or must not belong to one business unit."""

    ANY = "any"
    ACROSS = "across"
    WITHIN = "within"


class AskingSide(StrEnum):
    """Whose requests begin a pair where people find each other themselves."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """How much each part of a match's score counts, 0 to 100; only their ratios matter. Seniority is not among them.

    Why these defaults: *topics* outweigh everything, for a pair needs a substantive reason (R1-08); *reciprocity* comes next, because both
    sides shall learn (R1-04, R4-10); *distance* is what reverse mentoring is for (R0-05), and *preferences* count as much, because
    having had a say goes with commitment to the pair (Allen, Eby and Lentz 2006). *Values* and *style* come after them: likeness
    below the surface goes with how good mentees find the relationship, while likeness on the surface hardly does (Eby and others 2013).
    *Language*, *hours* and *channel* only tell apart pairs that the hard rules allow anyway. A part that does not apply to a pair drops
    out with its weight, so a preference counts only where people rank each other.
    """

    topics: int = 50
    reciprocity: int = 20
    distance: int = 15
    language: int = 10
    hours: int = 5
    values: int = 10
    style: int = 10
    preferences: int = 15
    channel: int = 5

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= 100:
                raise InvalidInput(
                    "a weight lies between 0 and 100", field=f"score_weights.{each.name}", remedy="choose 0 to 100"
                )
        if self.topics == 0:
            raise InvalidInput(
                "topics must count",
                field="score_weights.topics",
                remedy="a match needs a substantive reason: choose 1 to 100",
            )


DEFAULT_CADENCE_DAYS = 21
RANGES: Mapping[str, tuple[int, int]] = {
    "duration_months": (1, 24),
    "cadence_days": (14, 42),
    "executive_floor_days": (14, 42),
    "acceptance_days": (1, 90),
    "reminder_days": (0, 89),
    "silence_days": (7, 180),
    "survey_days": (1, 60),
    "suppression_threshold": (5, 100),
    "minimum_grade_gap": (0, 100),
    "minimum_overlap_minutes": (30, 480),
    "planned_pairs": (1, 100_000),
    "preference_limit": (1, 10),
    "mentors_per_mentee": (1, 2),
    "trial_days": (0, 60),
    "request_days": (1, 90),
    "request_reminder_days": (0, 89),
    "trial_reminder_days": (0, 14),
}
"""Lowest and highest value of each number that is a setting."""


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """All settings with their defaults; whatever holds one of these is within `RANGES` and consistent.

    `cadence_days` is None exactly when formality is `light`: there only silence is watched. `planned_pairs` decides whether a charter's
    parts may be filled in automatically (R2-10). With `mentors_per_mentee` 2 the second mentor is optional and comes after
    everybody's first. `trial_days` above 0 lets a new pair try whether it fits before it is final (R1-07); both are reminded
    `trial_reminder_days` before it ends, unless that is 0 or the trial is no longer. `asking_side` counts in mode `self`; None
    leaves it to the type: mentees ask (R0-30), in a reciprocal program both. `audit_dimensions` are those that people may declare
    audit groups of; nothing else is audited.
    """

    type: ProgramType = ProgramType.REVERSE
    direction: Direction = Direction.GRADE
    matching_mode: MatchingMode = MatchingMode.HR_RUN
    formality: Formality = Formality.STANDARD
    voluntary: bool = True
    duration_months: int = 12
    cadence_days: int | None = DEFAULT_CADENCE_DAYS
    executive_floor_days: int = 30
    acceptance_days: int = 14
    reminder_days: int = 7
    silence_days: int = 21
    survey_days: int = 14
    suppression_threshold: int = 5
    minimum_grade_gap: int = 1
    minimum_language_level: LanguageLevel = LanguageLevel.B1
    minimum_overlap_minutes: int = 120
    planned_pairs: int = 20
    score_weights: ScoreWeights = field(default_factory=ScoreWeights)
    unit_policy: UnitPolicy = UnitPolicy.ANY
    repeat_pairs: bool = False
    preference_limit: int = 5
    mentors_per_mentee: int = 1
    trial_days: int = 0
    request_days: int = 14
    request_reminder_days: int = 7
    asking_side: AskingSide | None = None
    trial_reminder_days: int = 3
    audit_dimensions: tuple[str, ...] = tuple(sorted(DIMENSIONS))

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InvalidInput(
                    f"{name} lies between {low} and {high}", field=name, remedy=f"choose {low} to {high}"
                )
        if (self.cadence_days is None) is not (self.formality is Formality.LIGHT):
            raise InvalidInput(
                "a light program has no cadence, every other has one",
                field="cadence_days",
                remedy="leave cadence_days out for light; choose 14 to 42 for standard and structured",
            )
        if self.reminder_days >= self.acceptance_days:
            raise InvalidInput(
                "the reminder comes before a proposal expires",
                field="reminder_days",
                remedy="choose fewer days than acceptance_days",
            )
        if not set(self.audit_dimensions) <= set(DIMENSIONS):
            raise InvalidInput(
                "no such dimension of audit groups",
                field="audit_dimensions",
                remedy=f"choose from {', '.join(sorted(DIMENSIONS))}",
            )
        if self.request_reminder_days >= self.request_days:
            raise InvalidInput(
                "the reminder comes before a request expires",
                field="request_reminder_days",
                remedy="choose fewer days than request_days",
            )

    @property
    def training_required(self) -> bool:
        """Training gates a pair's activation in standard and structured programs and is only offered in light ones."""
        return self.formality is not Formality.LIGHT

    def changed(self, changes: Mapping[str, Any]) -> ProgramSettings:
        """These settings with some replaced. Unless the cadence is named too, it follows the formality.

        Raises InvalidInput when the result is out of range or inconsistent.
        """
        completed = dict(changes)
        formality = completed.get("formality", self.formality)
        if "cadence_days" not in completed:
            completed["cadence_days"] = (
                None if formality is Formality.LIGHT else (self.cadence_days or DEFAULT_CADENCE_DAYS)
            )
        differing = {name: value for name, value in completed.items() if getattr(self, name) != value}
        return replace(self, **differing) if differing else self


_SETTINGS = tuple(each.name for each in fields(ProgramSettings))
_WEIGHTS = tuple(each.name for each in fields(ScoreWeights))
_WORDS = tuple(each.name for each in fields(ProgramSettings) if isinstance(each.default, StrEnum))


def differences(before: ProgramSettings, after: ProgramSettings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that differ, as they were and as they are, for the audit: plain numbers, words and maps."""
    names = [each.name for each in fields(ProgramSettings) if getattr(before, each.name) != getattr(after, each.name)]
    return {name: _plain(getattr(before, name)) for name in names}, {
        name: _plain(getattr(after, name)) for name in names
    }


def plain_settings(settings: ProgramSettings) -> dict[str, Any]:
    """All settings as plain numbers, words and maps."""
    plain = {name: getattr(settings, name) for name in _SETTINGS}
    for name in _WORDS:
        plain[name] = plain[name].value
    plain["asking_side"] = _plain(settings.asking_side)
    plain["audit_dimensions"] = list(settings.audit_dimensions)
    plain["score_weights"] = _plain(settings.score_weights)
    return plain


def settings_from(plain: Mapping[str, Any]) -> ProgramSettings:
    """The opposite of `plain_settings`. A setting that was stored before it existed has its default, a weight counts nothing then."""
    weights = dict.fromkeys(_WEIGHTS, 0) | dict(plain["score_weights"])
    return ProgramSettings(
        **{
            **plain,
            "type": ProgramType(plain["type"]),
            "direction": Direction(plain["direction"]),
            "matching_mode": MatchingMode(plain["matching_mode"]),
            "formality": Formality(plain["formality"]),
            "minimum_language_level": LanguageLevel(plain["minimum_language_level"]),
            "unit_policy": UnitPolicy(plain.get("unit_policy", UnitPolicy.ANY)),
            "asking_side": AskingSide(plain["asking_side"]) if plain.get("asking_side") else None,
            "audit_dimensions": tuple(plain.get("audit_dimensions", sorted(DIMENSIONS))),
            "score_weights": ScoreWeights(**weights),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, ScoreWeights):
        return {name: getattr(value, name) for name in _WEIGHTS}
    return value.value if isinstance(value, StrEnum) else value
