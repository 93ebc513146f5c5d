"""A large cohort of a multinational, as a match run sees it: cheap to make, the same for the same numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from matching.domain.facts import (
    Background,
    Candidate,
    Direction,
    LanguageLevel,
    Line,
    PairType,
    ProgramRules,
    Role,
    Snapshot,
    UnitPolicy,
    Weights,
    WorkingTime,
)

STARTS_ON = date(2026, 3, 2)
"""A Monday, a week before North America changes its clocks and four before Europe does."""
WEEK = frozenset({1, 2, 3, 4, 5})
ZONES = (
    *(("Europe/London", 6), ("Europe/Paris", 8), ("Europe/Berlin", 8), ("Europe/Madrid", 5), ("Europe/Warsaw", 5)),
    *(("America/New_York", 12), ("America/Chicago", 6), ("America/Los_Angeles", 8), ("America/Sao_Paulo", 5)),
    *(("Asia/Kolkata", 12), ("Asia/Tokyo", 5), ("Asia/Singapore", 5), ("Asia/Dubai", 4), ("Australia/Sydney", 4)),
    *(("Africa/Johannesburg", 4), ("America/Mexico_City", 3)),
)
"""Where people work, with their shares."""
OWN_LANGUAGE = {
    "Europe/Paris": "fr", "Europe/Berlin": "de", "Europe/Madrid": "es", "Europe/Warsaw": "pl", "America/Sao_Paulo": "pt",
    "Asia/Kolkata": "hi", "Asia/Tokyo": "ja", "Asia/Singapore": "zh", "Asia/Dubai": "ar", "America/Mexico_City": "es",
}  # fmt: skip
ROOTS = ("technology", "social_media", "trends", "culture", "markets", "data", "work", "sustainability")
TOPICS = tuple(
    topic for root in ROOTS for topic in (root, *(f"{root}.{branch}" for branch in ("a", "b", "c", "d", "e")))
)
WEIGHTS = Weights(50, 20, 15, 10, 5, values=10, style=10, preferences=10, channel=5)
RULES = ProgramRules(
    pair_type=PairType.REVERSE,
    direction=Direction.GRADE,
    minimum_grade_gap=2,
    minimum_language_level=LanguageLevel.B1,
    minimum_overlap_minutes=120,
    weights=WEIGHTS,
    unit_policy=UnitPolicy.ANY,
    preference_limit=5,
)


def participation(number: int) -> UUID:
    """The participation of candidate `number`; ids are scattered, so that their order says nothing."""
    return UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + 0xA0) & (2**128 - 1))


def person(number: int) -> UUID:
    """Person `number` of the company."""
    return UUID(int=(0xB << 64) + number)


def large_snapshot(size: int, classes: int, *, seed: int = 11, places: Sequence[int] = (1,)) -> Snapshot:
    """`size` junior mentors and `size` executives with about `classes` classes of working time and languages on each side.

    Everything is there that a rule or a part of the score reads: a hierarchy ten levels deep with dotted lines, teams,
    projects, reviewers, conflicts, earlier pairs, wishes with levels in a tree of 48 topics, backgrounds with gaps,
    values, working style, channels and ranked preferences. `places` are the capacities, drawn evenly.
    """
    draw = random.Random(seed)
    kinds = _kinds(classes, draw)
    mentors = [_candidate(number, Role.MENTOR, size, kinds, places, draw) for number in range(size)]
    mentees = [_candidate(size + number, Role.MENTEE, size, kinds, places, draw) for number in range(size)]
    pairs = [(draw.randrange(size), size + draw.randrange(size)) for _ in range(size // 10)]
    return Snapshot(
        starts_on=STARTS_ON,
        rules=RULES,
        mentors=tuple(mentors),
        mentees=tuple(mentees),
        lines=tuple(_lines(size, draw)),
        earlier_pairs=frozenset((person(one), person(other)) for one, other in pairs[::2]),
        excluded=frozenset((person(one), person(other)) for one, other in pairs[1::2]),
    )


def _kinds(classes: int, draw: random.Random) -> list[tuple[WorkingTime, dict[str, LanguageLevel]]]:
    """Distinct working times with languages, as many as asked for."""
    zones, shares = [zone for zone, _ in ZONES], [share for _, share in ZONES]
    found: dict[tuple[WorkingTime, tuple[tuple[str, LanguageLevel], ...]], None] = {}
    while len(found) < classes:
        zone = draw.choices(zones, shares)[0]
        start = draw.choice([420, 450, 480, 510, 540, 570, 600])
        working = WorkingTime(zone, start, start + draw.choice([420, 480, 510, 540]), WEEK)
        languages = {"en": LanguageLevel(draw.choices([0, 2, 3, 4, 5, 6], [20, 8, 22, 25, 15, 10])[0] or 1)}
        if zone in OWN_LANGUAGE:
            languages[OWN_LANGUAGE[zone]] = LanguageLevel.C2
        if draw.random() < 0.2:
            languages[draw.choice(["fr", "de", "es", "pt", "zh"])] = LanguageLevel(draw.randint(2, 5))
        found[working, tuple(sorted(languages.items()))] = None
    return [(working, dict(languages)) for working, languages in found]


def _candidate(
    number: int,
    role: Role,
    size: int,
    kinds: list[tuple[WorkingTime, dict[str, LanguageLevel]]],
    places: Sequence[int],
    draw: random.Random,
) -> Candidate:
    mentor = role is Role.MENTOR
    working, languages = kinds[int(len(kinds) * draw.random())]
    unit = int(12 * draw.random())
    return Candidate(
        participation_id=participation(number),
        person_id=person(number),
        business_unit_id=UUID(int=(0xC << 64) + unit),
        role=role,
        employed=draw.random() > 0.005,
        grade_rank=1 + int(8 * draw.random()) if mentor else 6 + int(8 * draw.random()),
        team=f"team {(number % size) // 8}",
        background=Background(
            _unless(0.03, f"function {int(14 * draw.random())}", draw),
            _unless(0.03, f"region {int(5 * draw.random())}", draw),
            working.time_zone,
            _unless(0.1, f"band {int(5 * draw.random())}", draw),
            _some(LIFE, 2, draw) if draw.random() < 0.4 else frozenset(),
        ),
        offers=_topics(1, 4, draw) if mentor or draw.random() < 0.6 else {},
        asks=_topics(1, 4, draw) if not mentor or draw.random() < 0.5 else {},
        languages=languages,
        working_time=working,
        places=places[int(len(places) * draw.random())],
        projects=frozenset((f"project {int(size / 10 * draw.random())}",)) if draw.random() < 0.5 else frozenset(),
        values=_some(VALUES, 5, draw) if draw.random() < 0.7 else frozenset(),
        style={axis: 1 + int(5 * draw.random()) for axis in AXES} if draw.random() < 0.7 else {},
        channels=_some(CHANNELS, 3, draw) if draw.random() < 0.8 else frozenset(),
        ranked=_ranked(mentor, size, draw) if draw.random() < 0.3 else (),
    )


LIFE = tuple(f"life {number}" for number in range(24))
VALUES = tuple(f"value {number}" for number in range(30))
CHANNELS = ("video", "phone", "in_person", "chat")
AXES = ("pace", "detail", "debate", "structure")


def _unless(share: float, value: str, draw: random.Random) -> str | None:
    return None if draw.random() < share else value


def _some(codes: Sequence[str], most: int, draw: random.Random) -> frozenset[str]:
    return frozenset(codes[int(len(codes) * draw.random())] for _ in range(1 + int(most * draw.random())))


def _topics(least: int, most: int, draw: random.Random) -> dict[str, int]:
    count = least + int((most - least + 1) * draw.random())
    return {TOPICS[int(len(TOPICS) * draw.random())]: 1 + int(5 * draw.random()) for _ in range(count)}


def _ranked(mentor: bool, size: int, draw: random.Random) -> tuple[UUID, ...]:
    first = size if mentor else 0
    return tuple(participation(first + int(size * draw.random())) for _ in range(5))


def _lines(size: int, draw: random.Random) -> list[Line]:
    """Executives report to executives, four each on average; every mentor to an executive; every hundredth has a dotted
    line.
    """
    lines = []
    for number in range(2 * size):
        mentee = number >= size
        place = number - size if mentee else number
        manager = (None if place == 0 else (place - 1) // 4) if mentee else int(size * draw.random())
        dotted = frozenset((person(size + int(size * draw.random())),)) if draw.random() < 0.01 else frozenset()
        reviewers = frozenset((person(size + int(size * draw.random())),)) if draw.random() < 0.3 else frozenset()
        lines.append(Line(person(number), None if manager is None else person(size + manager), dotted, reviewers))
    return lines
