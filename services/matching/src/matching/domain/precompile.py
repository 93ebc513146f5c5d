"""Compiles every inner loop, so that the first run of a cohort does not wait for the compiler: `python -m matching.domain.precompile`.

Solves small made-up cohorts the way runs are solved, since a loop is compiled for the types it is called with.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from matching.domain.canonical import HashKey
from matching.domain.facts import (
    Background,
    Candidate,
    Direction,
    LanguageLevel,
    PairType,
    ProgramRules,
    Quota,
    Role,
    Snapshot,
    Weights,
    WorkingTime,
)
from matching.domain.run_input import RunInput
from matching.domain.run_matching import match

_PEOPLE = 8
_RULES = ProgramRules(
    pair_type=PairType.REVERSE,
    direction=Direction.GRADE,
    minimum_grade_gap=1,
    minimum_language_level=LanguageLevel.B1,
    minimum_overlap_minutes=60,
    weights=Weights(topics=50, reciprocity=20, distance=15, language=10, hours=5),
)


def precompile(threads: int = 2) -> None:
    """Compile for one and for `threads` threads, for one place and for several, for a fresh run, for one that keeps pairs and for
    one with a quota.
    """
    fresh = _cohort(1)
    key = HashKey(b"precompile")
    for count in sorted({1, threads}):
        match(RunInput(fresh), key=key, threads=count)
    found = match(RunInput(_cohort(3)), key=key, threads=threads)
    previous = frozenset((pair.mentor.participation_id, pair.mentee.participation_id) for pair in found.pairs)
    match(RunInput(replace(_cohort(3), previous=previous)), key=key, threads=threads)
    match(RunInput(replace(_cohort(3), quotas=(Quota(UUID(int=1), _PEOPLE),))), key=key, threads=threads)


def _cohort(places: int) -> Snapshot:
    return Snapshot(
        starts_on=date(2026, 1, 5),
        rules=_RULES,
        mentors=tuple(_candidate(number, Role.MENTOR, places) for number in range(_PEOPLE)),
        mentees=tuple(_candidate(number, Role.MENTEE, places) for number in range(_PEOPLE, 2 * _PEOPLE - 1)),
        lines=(),
    )


def _candidate(number: int, role: Role, places: int) -> Candidate:
    topics = {"technology.ai": 1 + number % 5, "technology": 2, f"trends.{'abc'[number % 3]}": 3}
    return Candidate(
        participation_id=UUID(int=number + 1),
        person_id=UUID(int=number + 1),
        business_unit_id=UUID(int=1 + number % 2),
        role=role,
        employed=True,
        grade_rank=number,
        team=None,
        background=Background(function=f"f{number % 3}"),
        offers=topics,
        asks=topics,
        languages={"en": LanguageLevel.C1},
        working_time=WorkingTime("UTC", 540, 1020, frozenset({1, 2, 3, 4, 5})),
        places=places,
    )


if __name__ == "__main__":
    precompile()
