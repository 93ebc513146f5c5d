"""Questionnaires: versioned, the same items for both roles, worded for each.

An item's `code` and its `wording` version together say what was asked; two waves are compared on an item only when both
agree.
Every instrument asks in both mandatory families: what is being learned, and how the relationship could be improved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from chassis.ports import InvalidInput, NotVisible

LOWEST_ANSWER = 1
HIGHEST_ANSWER = 5
#: From this answer on a person agrees; shares that agree are reported next to means, as published studies do.
LOWEST_AGREEING_ANSWER = 4


class Role(StrEnum):
    """The part a person plays in a cohort. In a reverse program the mentor is the junior of the pair."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class WaveKind(StrEnum):
    """Before the relationship has had an effect, and after its agreed duration."""

    BASELINE = "baseline"
    CLOSING = "closing"


class Family(StrEnum):
    """What an item is about."""

    LEARNING = "learning"
    IMPROVEMENT = "improvement"
    CONFIDENCE = "confidence"
    INTENT_TO_STAY = "intent_to_stay"
    CONNECTEDNESS = "connectedness"
    DECISIONS = "decisions"


MANDATORY_FAMILIES = frozenset({Family.LEARNING, Family.IMPROVEMENT})


@dataclass(frozen=True, slots=True)
class Item:
    """One statement, answered from 1 (disagree strongly) to 5 (agree strongly), or skipped.

    `higher_is_better` says how a change is read: a wish for more time is not a success when it grows.
    """

    code: str
    family: Family
    wording: int
    to_mentor: str
    to_mentee: str
    about: str
    higher_is_better: bool = True

    def text_for(self, role: Role) -> str:
        """The statement as the role reads it."""
        return self.to_mentor if role is Role.MENTOR else self.to_mentee


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire of one kind and version. A published version never changes; a new wording is a new version."""

    kind: WaveKind
    version: int
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        missing = MANDATORY_FAMILIES - {item.family for item in self.items}
        if missing:
            raise InvalidInput(
                f"an instrument asks in every mandatory family; missing: {', '.join(sorted(missing))}",
                field="items",
                remedy="add at least one item of each mandatory family",
            )
        if len({item.code for item in self.items}) != len(self.items):
            raise InvalidInput("an instrument asks each item once", field="items")

    def validate(self, answers: Mapping[str, int | None]) -> Mapping[str, int]:
        """The given answers, skipped items left out.

        Every item is named, so that a form cannot lose one unnoticed; skipping is said with null.

        Raises:
            InvalidInput: an item is unknown, missing or out of range, or nothing was answered at all.
        """
        known = {item.code for item in self.items}
        for code in answers:
            if code not in known:
                raise InvalidInput("this item is not asked in this wave", field=f"answers.{code}")
        given: dict[str, int] = {}
        for item in self.items:
            if item.code not in answers:
                raise InvalidInput(
                    "this item has no answer", field=f"answers.{item.code}", remedy="send null to skip an item"
                )
            answer = answers[item.code]
            if answer is None:
                continue
            if not LOWEST_ANSWER <= answer <= HIGHEST_ANSWER:
                raise InvalidInput(
                    f"an answer is a whole number from {LOWEST_ANSWER} to {HIGHEST_ANSWER}",
                    field=f"answers.{item.code}",
                )
            given[item.code] = answer
        if not given:
            raise InvalidInput("all items are skipped", field="answers", remedy="answer at least one item")
        return MappingProxyType(given)


_BOTH_WAVES = (
    Item(
        "learning_named",
        Family.LEARNING,
        1,
        "I can name what I am learning from people far above my own grade.",
        "I can name what I am learning from people far below my own grade.",
        "Can name what is being learned",
    ),
    Item(
        "learning_used",
        Family.LEARNING,
        1,
        "In the last month I used something I learned from somebody at another level.",
        "In the last month I used something I learned from somebody at another level.",
        "Used something learned across levels",
    ),
    Item(
        "improve_time",
        Family.IMPROVEMENT,
        1,
        "More time reserved for our conversations would improve the relationship.",
        "More time reserved for our conversations would improve the relationship.",
        "Would be improved by more time",
        higher_is_better=False,
    ),
    Item(
        "improve_goals",
        Family.IMPROVEMENT,
        1,
        "Clearer goals would improve the relationship.",
        "Clearer goals would improve the relationship.",
        "Would be improved by clearer goals",
        higher_is_better=False,
    ),
    Item(
        "improve_openness",
        Family.IMPROVEMENT,
        1,
        "Speaking more openly with each other would improve the relationship.",
        "Speaking more openly with each other would improve the relationship.",
        "Would be improved by more openness",
        higher_is_better=False,
    ),
    Item(
        "confidence",
        Family.CONFIDENCE,
        1,
        "I am confident telling a senior person what I really think.",
        "I am confident asking a junior person about what I do not know.",
        "Confidence across levels",
    ),
    Item(
        "intent_to_stay",
        Family.INTENT_TO_STAY,
        1,
        "I intend to be working here two years from now.",
        "I intend to be working here two years from now.",
        "Intent to stay two years",
    ),
    Item(
        "connectedness",
        Family.CONNECTEDNESS,
        1,
        "I feel connected to people at other levels and in other parts of the company.",
        "I feel connected to people at other levels and in other parts of the company.",
        "Connectedness",
    ),
    Item(
        "decisions_informed",
        Family.DECISIONS,
        1,
        "I understand how decisions at the top are taken.",
        "When I decide, I know how people at other levels see the matter.",
        "Decisions seen from other levels",
    ),
)

_CLOSING_ONLY = (
    Item(
        "decisions_improved",
        Family.DECISIONS,
        1,
        "Decisions I took or influenced were better because of this relationship.",
        "Decisions I took were better because of this relationship.",
        "Decisions were better",
    ),
    Item(
        "performance_improved",
        Family.DECISIONS,
        1,
        "I did my own work better because of this relationship.",
        "I did my own work better because of this relationship.",
        "Own work was better",
    ),
)

_PUBLISHED: Mapping[tuple[WaveKind, int], Instrument] = MappingProxyType(
    {
        (instrument.kind, instrument.version): instrument
        for instrument in (
            Instrument(WaveKind.BASELINE, 1, _BOTH_WAVES),
            Instrument(WaveKind.CLOSING, 1, (*_BOTH_WAVES, *_CLOSING_ONLY)),
        )
    }
)


def instrument(kind: WaveKind, version: int) -> Instrument:
    """The published instrument.

    Raises:
        NotVisible: no such version was ever published.
    """
    found = _PUBLISHED.get((kind, version))
    if found is None:
        raise NotVisible("no such instrument")
    return found


def current_instrument(kind: WaveKind) -> Instrument:
    """The newest published instrument of the kind."""
    return max((i for i in _PUBLISHED.values() if i.kind is kind), key=lambda i: i.version)


def comparable_items(before: Instrument, after: Instrument) -> tuple[Item, ...]:
    """The items that were asked in the same words in both, in the order of the later one."""
    asked_before = {(item.code, item.wording) for item in before.items}
    return tuple(item for item in after.items if (item.code, item.wording) in asked_before)
