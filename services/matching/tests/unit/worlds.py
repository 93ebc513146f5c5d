"""Small made-up cohorts for tests: everything allowed unless a test says otherwise."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any
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
    Weights,
    WorkingTime,
)

START = date(2025, 3, 3)
"""A Monday."""
UNIT, OTHER_UNIT = UUID(int=1), UUID(int=2)
WORKDAYS = frozenset({1, 2, 3, 4, 5})
OFFICE = WorkingTime("Europe/Paris", 9 * 60, 17 * 60, WORKDAYS)
WEIGHTS = Weights(topics=4, reciprocity=1, distance=0, language=0, hours=0)
RULES = ProgramRules(
    pair_type=PairType.REVERSE,
    direction=Direction.GRADE,
    minimum_grade_gap=1,
    minimum_language_level=LanguageLevel.B1,
    minimum_overlap_minutes=120,
    weights=WEIGHTS,
)
TOPICS = ("technology.ai", "technology.cloud", "technology", "social_media.video", "social_media", "trends.esg")


def participation(number: int) -> UUID:
    return UUID(int=0xA000 + number)


def person(number: int) -> UUID:
    return UUID(int=0xB000 + number)


def candidate(number: int, role: Role, **changes: Any) -> Candidate:
    """Candidate `number`: a mentor of rank 2 who offers AI, or a mentee of rank 8 who asks for it."""
    mentor = role is Role.MENTOR
    made = Candidate(
        participation_id=participation(number),
        person_id=person(number),
        business_unit_id=UNIT,
        role=role,
        employed=True,
        grade_rank=2 if mentor else 8,
        team=f"team-{number}",
        background=Background(),
        offers={"technology.ai": 5} if mentor else {},
        asks={} if mentor else {"technology.ai": 3},
        languages={"en": LanguageLevel.C1},
        working_time=OFFICE,
        places=1,
    )
    return replace(made, **changes)


def mentor(number: int, **changes: Any) -> Candidate:
    return candidate(number, Role.MENTOR, **changes)


def mentee(number: int, **changes: Any) -> Candidate:
    return candidate(number, Role.MENTEE, **changes)


def snapshot(
    *candidates: Candidate, rules: ProgramRules = RULES, lines: tuple[Line, ...] = (), **changes: Any
) -> Snapshot:
    """A cohort of these candidates; each reports to nobody unless `lines` says so."""
    said = {line.person_id for line in lines}
    unsaid = sorted({item.person_id for item in candidates} - said)
    made = Snapshot(
        starts_on=START,
        rules=rules,
        mentors=tuple(item for item in candidates if item.role is Role.MENTOR),
        mentees=tuple(item for item in candidates if item.role is Role.MENTEE),
        lines=lines + tuple(Line(person_id, None) for person_id in unsaid),
    )
    return replace(made, **changes)


def random_snapshot(seed: int, mentors: int, mentees: int, **changes: Any) -> Snapshot:
    """A cohort with every kind of conflict in it, the same for the same seed."""
    draw = random.Random(seed)
    candidates = [
        _random_candidate(number, Role.MENTOR if number < mentors else Role.MENTEE, draw)
        for number in range(mentors + mentees)
    ]
    people = sorted({item.person_id for item in candidates}) + [person(900 + number) for number in range(6)]
    lines = tuple(
        Line(
            one,
            draw.choice([*people[place + 1 :], None]) if draw.random() < 0.5 else None,
            frozenset(draw.sample(people, 1)) if draw.random() < 0.15 else frozenset(),
        )
        for place, one in enumerate(people)
    )
    earlier = frozenset(
        (one.person_id, other.person_id)
        for one in candidates
        for other in candidates
        if one.role is Role.MENTOR and other.role is Role.MENTEE and draw.random() < 0.03
    )
    rules = replace(
        RULES,
        pair_type=draw.choice(list(PairType)),
        direction=draw.choice(list(Direction)),
        minimum_grade_gap=draw.randint(0, 2),
        weights=Weights(*(draw.randint(0, 3) for _ in range(5))),
    )
    return replace(snapshot(*candidates, rules=rules, lines=lines, earlier_pairs=earlier), **changes)


def _random_candidate(number: int, role: Role, draw: random.Random) -> Candidate:
    def topics(least: int) -> dict[str, int]:
        return {topic: draw.randint(1, 5) for topic in draw.sample(TOPICS, draw.randint(least, 3))}

    is_mentor = role is Role.MENTOR
    places = draw.randint(0, 3)
    start = draw.randint(6, 11) * 60
    return candidate(
        number,
        role,
        person_id=person(number if draw.random() < 0.95 else 0),
        business_unit_id=draw.choice([UNIT, OTHER_UNIT]),
        employed=draw.random() < 0.95,
        grade_rank=draw.randint(1, 6),
        team=draw.choice([None, "red", "blue", "green", "grey"]),
        background=Background(
            draw.choice([None, "sales", "it"]), draw.choice([None, "emea"]), draw.choice(["FR", "US"])
        ),
        offers=topics(1 if is_mentor else 0),
        asks=topics(0 if is_mentor else 1),
        languages={code: draw.choice(list(LanguageLevel)) for code in draw.sample(["en", "fr", "es"], 2)},
        working_time=WorkingTime(
            draw.choice(["Europe/Paris", "America/New_York", "Asia/Tokyo", "Asia/Dubai"]),
            start,
            (start + draw.randint(4, 12) * 60) % 1440,
            draw.choice([WORKDAYS, frozenset({1, 2, 3, 4, 7}), frozenset({6, 7})]),
        ),
        places=places,
        taken=draw.randint(0, places) if draw.random() < 0.2 else 0,
    )
