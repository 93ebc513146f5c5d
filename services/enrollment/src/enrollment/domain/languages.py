"""Languages with a level, time zones and working hours: what two people need in common to meet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from chassis.ports import InvalidInput

MOST_LANGUAGES = 12
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class LanguageLevel(StrEnum):
    """Levels of the Common European Framework, ascending; a native speaker is C2."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"


@dataclass(frozen=True, slots=True, order=True)
class LanguageSkill:
    """A language by its ISO 639 code, two or three lower-case letters, and how well it is spoken."""

    language: str
    level: LanguageLevel

    def __post_init__(self) -> None:
        if not _LANGUAGE.fullmatch(self.language):
            raise InvalidInput("a language is an ISO 639 code", field="languages", remedy="write en, fr, deu")


def language_skills(skills: Iterable[LanguageSkill]) -> tuple[LanguageSkill, ...]:
    """The skills sorted by language. Raises InvalidInput when a language is named twice or there are more than 12."""
    ordered = tuple(sorted(skills))
    if len({skill.language for skill in ordered}) != len(ordered) or len(ordered) > MOST_LANGUAGES:
        raise InvalidInput(
            f"each language once, {MOST_LANGUAGES} at most", field="languages", remedy="name each language once"
        )
    return ordered


def parse_languages(text: str) -> tuple[LanguageSkill, ...]:
    """Read `en:C2;fr:B1`. Raises InvalidInput when a part is not a language code and a level."""
    skills = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        code, _, level = part.partition(":")
        try:
            skills.append(LanguageSkill(code.strip().lower(), LanguageLevel(level.strip().upper())))
        except ValueError:
            raise InvalidInput(
                "languages are written en:C2;fr:B1", field="languages", remedy="levels are A1 to C2"
            ) from None
    return language_skills(skills)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def is_time_zone(name: str) -> bool:
    """Whether `name` is a zone of the IANA database, written Area/Place, or UTC."""
    return name in _zones()


def check_time_zone(name: str, field: str = "time_zone") -> str:
    """Return `name`; raises InvalidInput when the IANA database has no such zone."""
    if not is_time_zone(name):
        raise InvalidInput(
            "no such time zone", field=field, remedy="name it as the IANA database does, such as Europe/London"
        )
    return name


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When a person can meet, in local time: from `start` to `end` on `days` (1 Monday to 7 Sunday, ascending).

    An end before the start lies on the next day.
    """

    start: time
    end: time
    days: tuple[int, ...] = (1, 2, 3, 4, 5)

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise InvalidInput(
                "working hours have a length", field="working_hours", remedy="let them end after they start"
            )
        if not self.days or list(self.days) != sorted(set(self.days)) or not set(self.days) <= set(range(1, 8)):
            raise InvalidInput(
                "working days are 1 (Monday) to 7 (Sunday), each once",
                field="working_days",
                remedy="send [1, 2, 3, 4, 5]",
            )
