"""Who plays in the demonstration: people out of the imported organisation, with seeded applications and temperaments.

Everything here is synthetic: topics, languages, hours and how regularly somebody meets are drawn from a seed, and the report
says so. The people, their grades and their reporting lines are those of the imported file.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

Role = Literal["mentor", "mentee"]
Temper = Literal["steady", "cancels", "falls_silent", "leaves"]

JUNIOR_KNOWLEDGE = (
    "technology.ai",
    "technology.data",
    "technology.automation",
    "technology.collaboration_tools",
    "social_media.video",
    "social_media.networks",
    "social_media.communities",
    "social_media.listening",
    "trends.customer_insight",
    "trends.flexible_work",
    "trends.consumer_habits",
    "trends.esg",
)
SENIOR_KNOWLEDGE = ("trends.leadership", "trends.career", "trends.innovative_thinking", "trends.culture")
_SPOKEN = {
    "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "ES": "es", "MX": "es", "AR": "es", "BR": "pt", "PT": "pt",
    "IT": "it", "NL": "nl", "PL": "pl", "SE": "sv", "JP": "ja", "CN": "zh", "IN": "hi", "KR": "ko", "TR": "tr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the imported organisation."""

    person_id: UUID
    unit_id: UUID
    grade: str
    grade_rank: int
    country: str
    time_zone: str


@dataclass(slots=True)
class Player:
    """A person who takes part; `participation_id` is known after the application. `groups` are what they declare for audits, if they do."""

    person: Person
    role: Role
    application: Mapping[str, Any]
    participation_id: UUID | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """The next meeting of a couple and what will come of it; without `meeting_id` it is only logged afterwards."""

    day: int
    outcome: Literal["held", "cancelled", "missed"]
    meeting_id: str | None


@dataclass(slots=True)
class Couple:
    """A pair as it is played: how it behaves and what it has promised and been promised."""

    pair_id: UUID
    mentor: Player
    mentee: Player
    temper: Temper
    score: int
    why: str
    meetings: list[UUID] = field(default_factory=list)
    silent_from: int = 10_000
    """The day (from the first of the cohort) on which it stops meeting, and the day on which it starts again."""
    silent_until: int = 10_000
    leaves_on: int = 10_000
    has_left: bool = False
    next_on: int = 0
    planned: Planned | None = None


def declare(players: Sequence[Player], *, seed: int) -> None:
    """Four of five consent to audits and declare a gender, as a rule, and an age band; invented, deterministic for a seed."""
    draw = random.Random(f"{seed} groups")  # noqa: S311  plays, guards nothing
    for player in players:
        if draw.random() < 0.8:
            bands = ("under_35", "from_35_to_49") if player.role == "mentor" else ("from_35_to_49", "from_50")
            player.groups = {"gender": draw.choice(("woman", "man")), "age_band": draw.choice(bands)}


def choose(people: Sequence[Person], *, mentees: int, mentors: int, seed: int) -> tuple[list[Player], list[Player]]:
    """Mentees from the most senior grades, mentors from the lower half, spread over the units; deterministic for a seed."""
    draw = random.Random(f"{seed} cast")  # noqa: S311  plays, guards nothing
    by_unit: dict[UUID, list[Person]] = {}
    for person in sorted(people, key=lambda person: person.person_id):
        by_unit.setdefault(person.unit_id, []).append(person)
    seniors: list[list[Person]] = []
    juniors: list[list[Person]] = []
    for members in by_unit.values():
        ranks = sorted({person.grade_rank for person in members})
        low, high = ranks[len(ranks) // 2], ranks[-max(1, len(ranks) // 3)]
        upper = [person for person in members if person.grade_rank >= high]
        lower = [person for person in members if person.grade_rank < low]
        draw.shuffle(upper)
        draw.shuffle(lower)
        seniors.append(upper)
        juniors.append(lower)
    return (
        [Player(person, "mentee", _application("mentee", person, draw)) for person in _in_turn(seniors, mentees)],
        [Player(person, "mentor", _application("mentor", person, draw)) for person in _in_turn(juniors, mentors)],
    )


def _in_turn(groups: Sequence[list[Person]], number: int) -> list[Person]:
    chosen: list[Person] = []
    while len(chosen) < number and any(groups):
        for group in groups:
            if group and len(chosen) < number:
                chosen.append(group.pop())
    return chosen


def _application(role: Role, person: Person, draw: random.Random) -> dict[str, Any]:
    known, wanted = (JUNIOR_KNOWLEDGE, SENIOR_KNOWLEDGE) if role == "mentor" else (SENIOR_KNOWLEDGE, JUNIOR_KNOWLEDGE)
    start = draw.choice((8 * 60, 8 * 60 + 30, 9 * 60, 9 * 60 + 30))
    languages = [{"language": "en", "level": draw.choice(("B2", "C1", "C2"))}]
    if (spoken := _SPOKEN.get(person.country)) is not None:
        languages.append({"language": spoken, "level": "C2"})
    return {
        "role": role,
        "offers": _levels(draw.sample(known, draw.randint(2, min(5, len(known)))), (3, 4, 5), draw),
        "asks": _levels(draw.sample(wanted, draw.randint(2, min(4, len(wanted)))), (1, 2, 3), draw),
        "languages": languages,
        "time_zone": person.time_zone,
        "working_hours": {"start": _clock(start), "end": _clock(start + 8 * 60 + 30)},
        "capacity": 2 if role == "mentor" and draw.random() < 0.1 else 1,
    }


def _levels(topics: Sequence[str], levels: Sequence[int], draw: random.Random) -> list[dict[str, Any]]:
    return [{"topic": topic, "level": draw.choice(levels)} for topic in sorted(topics)]


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def give_tempers(couples: Sequence[Couple], *, seed: int) -> None:
    """One couple in seven falls silent and is to be rescued, one in twelve leaves, some executives cancel now and then."""
    draw = random.Random(f"{seed} tempers")  # noqa: S311  plays, guards nothing
    order = list(couples)
    draw.shuffle(order)
    silent = max(1, len(order) // 7)
    leaving = max(1, len(order) // 12) if len(order) > 6 else 0
    for place, couple in enumerate(order):
        couple.next_on = draw.randint(3, 14)
        if place < silent:
            couple.temper = "falls_silent"
            couple.silent_from = draw.randint(70, 150)
            couple.silent_until = couple.silent_from + draw.randint(60, 90)
        elif place < silent + leaving:
            couple.temper = "leaves"
            couple.leaves_on = draw.randint(90, 200)
        elif place % 4 == 0:
            couple.temper = "cancels"
        else:
            couple.temper = "steady"


def answers(
    items: Sequence[Mapping[str, Any]], *, closing: bool, kept: float, draw: random.Random
) -> dict[str, int | None]:
    """A seeded answer from 1 to 5 to each item: at the end higher, the more so the more of the meetings were kept."""
    mood = draw.gauss(0, 0.6)
    result: dict[str, int | None] = {}
    for item in items:
        if draw.random() < 0.03:
            result[str(item["code"])] = None
            continue
        lift = 0.9 * kept if closing else 0.0
        sign = -1 if item["family"] == "improvement" else 1
        result[str(item["code"])] = min(5, max(1, round(3.1 + mood + sign * lift + draw.gauss(0, 0.7))))
    if all(value is None for value in result.values()) and result:
        result[next(iter(result))] = 3
    return result
