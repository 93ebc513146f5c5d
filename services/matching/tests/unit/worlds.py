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
    UnitPolicy,
    Weights,
    WorkingTime,
)
from matching.domain.rules import WAIVABLE

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


def random_snapshot(seed: int | random.Random, mentors: int, mentees: int, **changes: Any) -> Snapshot:
    """A cohort in which every rule is broken somewhere and every part of the score counts, with facts missing and rules
    waived here and there; the same for the same seed.
    """
    draw = seed if isinstance(seed, random.Random) else random.Random(seed)
    candidates = [
        _random_candidate(number, Role.MENTOR if number < mentors else Role.MENTEE, draw)
        for number in range(mentors + mentees)
    ]
    pairs = [(one, other) for one in candidates[:mentors] for other in candidates[mentors:]]

    def some(share: float) -> list[tuple[Candidate, Candidate]]:
        return [pair for pair in pairs if draw.random() < share]

    repeat_pairs = draw.random() < 0.2
    rules = replace(
        RULES,
        pair_type=draw.choice(list(PairType)),
        direction=draw.choice(list(Direction)),
        minimum_grade_gap=draw.randint(0, 2),
        minimum_language_level=draw.choice([LanguageLevel.A1, LanguageLevel.B1, LanguageLevel.B2]),
        minimum_overlap_minutes=draw.choice([0, 60, 240]),
        weights=Weights(*(draw.choice([0, 1, 3, 50]) for _ in range(9))),
        unit_policy=draw.choice([UnitPolicy.ANY, UnitPolicy.ANY, *UnitPolicy]),
        repeat_pairs=repeat_pairs,
        preference_limit=draw.randint(1, 4),
    )
    world = snapshot(
        *(_ranking(one, candidates, draw) for one in candidates),
        rules=rules,
        lines=_random_lines(candidates, draw),
        earlier_pairs=frozenset((one.person_id, other.person_id) for one, other in some(0.03)),
        excluded=frozenset(
            (min(one.person_id, other.person_id), max(one.person_id, other.person_id)) for one, other in some(0.03)
        ),
        waived=frozenset(
            (one.person_id, other.person_id, rule.value)
            for one, other in some(0.1)
            for rule in draw.sample(sorted(WAIVABLE), draw.randint(1, len(WAIVABLE)))
        ),
    )
    return replace(world, **changes)


def _random_lines(candidates: list[Candidate], draw: random.Random) -> tuple[Line, ...]:
    people = sorted({item.person_id for item in candidates}) + [person(100_000 + number) for number in range(6)]
    return tuple(
        Line(
            one,
            draw.choice([*people[place + 1 :], *people[:1], None]) if draw.random() < 0.5 else None,
            frozenset(draw.sample(people, 1)) if draw.random() < 0.15 else frozenset(),
            frozenset(draw.sample(people, 2)) if draw.random() < 0.1 else frozenset(),
        )
        for place, one in enumerate(people)
    )


def _ranking(one: Candidate, candidates: list[Candidate], draw: random.Random) -> Candidate:
    others = [other.participation_id for other in candidates if other.role is not one.role]
    if not others or draw.random() < 0.5:
        return one
    return replace(one, ranked=tuple(draw.choices(others, k=draw.randint(1, 6))))


def _random_candidate(number: int, role: Role, draw: random.Random) -> Candidate:
    def topics(least: int) -> dict[str, int]:
        return {topic: draw.randint(1, 5) for topic in draw.sample(TOPICS, draw.randint(least, 3))}

    def some(codes: list[str], most: int) -> frozenset[str]:
        return frozenset(draw.sample(codes, draw.randint(0, most)))

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
        team=draw.choice([None, None, "red", "blue", "green", "grey"]),
        background=Background(
            draw.choice([None, "sales", "it"]),
            draw.choice([None, "emea"]),
            draw.choice(["FR", "US"]),
            draw.choice([None, "under_2_years", "2_to_5_years"]),
            some(["carer", "founder", "veteran"], 3),
        ),
        offers=topics(1 if is_mentor else 0),
        asks=topics(0 if is_mentor else 1),
        languages={code: draw.choice(list(LanguageLevel)) for code in draw.sample(["en", "fr", "es"], 2)},
        working_time=WorkingTime(
            draw.choice(["Europe/Paris", "America/New_York", "Asia/Tokyo", "Asia/Dubai", "Europe/Paris", "No/Where"]),
            start,
            (start + draw.randint(4, 12) * 60) % 1440,
            draw.choice([WORKDAYS, WORKDAYS, frozenset({1, 2, 3, 4, 7}), frozenset({6, 7})]),
        ),
        places=places,
        taken=draw.randint(0, places) if draw.random() < 0.2 else 0,
        projects=some(["apollo", "gemini", "mercury", "soyuz", "vostok", "voskhod"], 1),
        values=some([f"value-{number}" for number in range(70)][:: draw.choice([1, 20])], 3),
        style={axis: draw.randint(1, 5) for axis in sorted(some(["pace", "detail", "words"], 3))},
        channels=some(["video", "phone", "in_person"], 3),
        priority=draw.choice([1, 1, 1, 2]),
    )
