"""A civil service's own mentoring scheme, 500 a side: everybody covered who can be, against a greedy and a stable matching."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from matching.domain.checker_rows import Rows
from matching.domain.checker_world import World
from matching.domain.facts import Candidate, PairType, Role, Snapshot, Weights
from matching.domain.run_matching import run_matching

from .worlds import RULES, mentee, mentor, snapshot

_DATA = Path(os.environ.get("UPDRAFT_DATA") or Path(__file__).parents[5] / "shared" / "data")
SAMPLE = _DATA / "matching" / "civil_service_sample"
GRADES = ("AA", "AO", "EO", "HEO", "SEO", "Grade 7", "Grade 6", "SCS1", "SCS2", "SCS3", "SCS4")
Score = dict[tuple[int, int], int]


def _people(path: Path, role: Role) -> list[Candidate]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people = []
    for number, row in enumerate(rows, start=1 if role is Role.MENTOR else 10_001):
        topic = {f"profession.{row['profession'].strip().lower()}": 3}
        made = mentor(number, offers=topic) if role is Role.MENTOR else mentee(number, asks=topic)
        unit = UUID(int=sum(row["organisation"].strip().encode()))
        people.append(replace(made, grade_rank=1 + GRADES.index(row["grade"].strip()), business_unit_id=unit))
    return people


def _cohort(folder: Path) -> Snapshot:
    rules = replace(
        RULES,
        pair_type=PairType.TRADITIONAL,
        minimum_grade_gap=2,
        weights=Weights(topics=50, reciprocity=20, distance=15, language=10, hours=5),
    )
    mentors = _people(folder / "large_mentors.csv", Role.MENTOR)
    return snapshot(*mentors, *_people(folder / "large_mentees.csv", Role.MENTEE), rules=rules)


def _scores(world: Snapshot) -> Score:
    rows = Rows(World(world))
    found = {}
    for place in range(len(rows.mentors)):
        allowed, scores = rows.row(place)
        found.update({(place, int(column)): int(scores[column]) for column in np.flatnonzero(allowed)})
    return found


def _greedy(scores: Score) -> list[tuple[int, int]]:
    """The best pair that is left, again and again."""
    taken: list[tuple[int, int]] = []
    busy: tuple[set[int], set[int]] = (set(), set())
    for row, column in sorted(scores, key=lambda pair: (-scores[pair], pair)):
        if row not in busy[0] and column not in busy[1]:
            taken.append((row, column))
            busy[0].add(row)
            busy[1].add(column)
    return taken


def _stable(scores: Score) -> list[tuple[int, int]]:
    """Deferred acceptance (Gale and Shapley 1962): mentees propose in the order of their scores, mentors keep the best."""
    wishes: dict[int, list[int]] = {}
    for row, column in sorted(scores, key=lambda pair: (scores[pair], -pair[0])):
        wishes.setdefault(column, []).append(row)
    holds: dict[int, int] = {}
    free = sorted(wishes)
    while free:
        column = free.pop()
        while wishes[column]:
            row = wishes[column].pop()
            other = holds.get(row)
            if other is None or (scores[row, column], -column) > (scores[row, other], -other):
                holds[row] = column
                if other is not None:
                    free.append(other)
                break
    return sorted(holds.items())


@pytest.mark.requirement("N4", "R0-31")
@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the data made by others is not here: set UPDRAFT_DATA")
def test_more_people_are_covered_than_by_greed_or_stability() -> None:
    world = _cohort(SAMPLE)
    assert (len(world.mentors), len(world.mentees)) == (500, 500)
    outcome = run_matching(world)
    scores = _scores(world)
    ours = {"pairs": len(outcome.pairs), "score": sum(pair.score.total for pair in outcome.pairs)}
    assert outcome.proven
    assert outcome.certificate.body["checked"]["every_pair"]
    for name, pairs in (("greedy", _greedy(scores)), ("stable", _stable(scores))):
        theirs = {"pairs": len(pairs), "score": sum(scores[pair] for pair in pairs)}
        assert ours["pairs"] > theirs["pairs"], (name, ours, theirs)
        assert ours["score"] > theirs["score"], (name, ours, theirs)
