"""What people may declare about themselves beyond topics and times: values, working style, channels, confidence.

Everything is chosen from published lists, so that no free text and nothing of a special category can get in.

`VALUES` follow the twelve scales of Super's Work Values Inventory, revised (Zytowski 2006), in plainer words. `STYLE_AXES` are four
ways of working that differ between people and between places, and over which pairs of different seniority stumble:
pace after the activist and the reflector of Honey and Mumford's learning styles (1982), structure after monochronic and polychronic
time (Hall, The Dance of Life, 1983), directness after low and high context (Hall, Beyond Culture, 1976), formality after power distance
(Hofstede, Culture's Consequences, 1980). None of them measures anybody: people place themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chassis.ports import InvalidInput

MOST_VALUES = 5
LOWEST_PLACE, HIGHEST_PLACE = 1, 5
LOW_CONFIDENCE = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a published list: its code and what it means, in English."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of working style and what its ends mean."""

    code: str
    lowest: str
    highest: str


class Channel(StrEnum):
    """The medium of a meeting."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"
    CHAT = "chat"


VALUES: tuple[Choice, ...] = (
    Choice("achievement", "Seeing what my work has brought about"),
    Choice("colleagues", "Getting on well with the people I work with"),
    Choice("creativity", "Trying out new ideas"),
    Choice("income", "Earning well"),
    Choice("independence", "Deciding myself how I work"),
    Choice("balance", "Having time for life beside work"),
    Choice("challenge", "Hard problems to think about"),
    Choice("recognition", "Being respected for what I do"),
    Choice("security", "Knowing that the work will last"),
    Choice("fair_leadership", "Being led by somebody fair"),
    Choice("variety", "Doing different things"),
    Choice("surroundings", "A good place to work in"),
)
STYLE_AXES: tuple[Axis, ...] = (
    Axis("pace", "Thinks before acting", "Acts and then thinks"),
    Axis("structure", "Takes things as they come", "Plans ahead"),
    Axis("directness", "Hints", "Says it plainly"),
    Axis("formality", "First names, no agenda", "Titles and an agenda"),
)
_VALUES = frozenset(choice.code for choice in VALUES)
_AXES = frozenset(axis.code for axis in STYLE_AXES)


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a person declares, all of it optional: at most five `values`, a place of 1 to 5 on each axis of `style`, `channels`.

    `confidence` says how much they trust themself to find a partner on their own, 1 to 5 (R0-32); it is asked for the program's choice of
    who matches and never leaves enrollment. Raises InvalidInput naming the field that breaks a rule.
    """

    values: tuple[str, ...] = ()
    style: tuple[tuple[str, int], ...] = ()
    channels: tuple[Channel, ...] = ()
    confidence: int | None = None

    @staticmethod
    def of(
        values: Iterable[str] = (),
        style: Mapping[str, int] | None = None,
        channels: Iterable[Channel] = (),
        confidence: int | None = None,
    ) -> Declarations:
        """The declarations in the one order that equal ones have. Raises InvalidInput when something is said twice."""
        values, channels = tuple(values), tuple(channels)
        if len(set(values)) != len(values) or len(set(channels)) != len(channels):
            raise InvalidInput(
                "each value and each channel once", field="values", remedy="leave out what is said twice"
            )
        return Declarations(
            tuple(sorted(values)), tuple(sorted((style or {}).items())), tuple(sorted(channels)), confidence
        )

    def __post_init__(self) -> None:
        if not set(self.values) <= _VALUES or len(self.values) > MOST_VALUES:
            raise InvalidInput(
                f"at most {MOST_VALUES} values of the list",
                field="values",
                remedy="choose from GET /v1/declarations",
            )
        for axis, place in self.style:
            if axis not in _AXES:
                raise InvalidInput(
                    "no such axis of working style",
                    field="working_style",
                    remedy="choose from GET /v1/declarations",
                )
            if not LOWEST_PLACE <= place <= HIGHEST_PLACE:
                raise InvalidInput(
                    "a place on an axis is 1 to 5", field=f"working_style.{axis}", remedy="choose 1 to 5"
                )
        if self.confidence is not None and not LOWEST_PLACE <= self.confidence <= HIGHEST_PLACE:
            raise InvalidInput("confidence is 1 to 5", field="confidence", remedy="choose 1 to 5, or leave it out")


def recommends_hr_run(answers: int, low: int) -> bool:
    """Whether HR should match (R0-32): when a third or more of those who were asked trust themselves little (1 or 2) to find a partner.

    In the other modes such people are the ones who stay without a pair, because nobody is asked for them.
    """
    return answers > 0 and 3 * low >= answers
