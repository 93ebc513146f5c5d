"""The checker's own reading of a snapshot agrees with the published rules and scores, pair by pair."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matching.domain.checker_rows import Rows
from matching.domain.checker_world import World
from matching.domain.facts import Background
from matching.domain.rules import HardRules

from .worlds import random_snapshot


@pytest.mark.requirement("R1-08", "R3-25", "N3")
def test_two_readings_of_one_world_agree() -> None:
    assert sum(_agreeing(seed) for seed in range(40)) > 300


def _agreeing(seed: int) -> int:
    """Compares every pair of a world; how many are allowed."""
    world = random_snapshot(seed, 14, 16)
    hard, reading, rows = HardRules(world), World(world), Rows(World(world))
    allowed_pairs = 0
    for place, mentor in enumerate(rows.mentors):
        allowed, scores = rows.row(place)
        for column, mentee in enumerate(rows.mentees):
            verdict = hard.judge(mentor, mentee)
            pair = (seed, place, column)
            assert reading.faults(mentor, mentee) == {rule.value for rule in verdict.broken}, pair
            assert bool(allowed[column]) is verdict.allowed, pair
            if verdict.allowed:
                allowed_pairs += 1
                assert reading.score(mentor, mentee) == scores[column] == verdict.score.total, pair
    return allowed_pairs


def test_a_person_without_background_is_read() -> None:
    world = random_snapshot(1, 3, 3)
    bare = replace(world, mentors=tuple(replace(one, background=Background()) for one in world.mentors))
    hard, reading = HardRules(bare), World(bare)
    for mentor in bare.mentors:
        for mentee in bare.mentees:
            assert reading.faults(mentor, mentee) == {rule.value for rule in hard.judge(mentor, mentee).broken}
