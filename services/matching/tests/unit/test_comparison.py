"""Greed and deferred acceptance beside the optimum: by their definitions, and never better than it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from matching.domain import comparison
from matching.domain.comparison import TooMany, compare, greedy, stable
from matching.domain.facts import Quota
from matching.domain.graph import Edges
from matching.domain.optimum import solved
from matching.domain.rules import HardRules
from matching.domain.run_input import RunInput, with_locks
from matching.domain.run_matching import run_matching
from matching.domain.solver import optimise
from matching.domain.stability import stability
from matching.domain.ties import pair_rank

from .solver_problems import Problem, drawn, value_of, vector
from .worlds import UNIT, random_snapshot

Ranks = tuple[list[list[int]], list[list[int]]]
NOBODY_RANKED: Ranks = ([[]] * 50, [[]] * 50)
SEEDS = range(150)


def ranked(problem: Problem, seed: int) -> Ranks:
    """Some people rank up to four of the other side."""
    draw = random.Random(seed)
    sizes = len(problem.mentors), len(problem.mentees)

    def rows(own: int, others: int) -> list[list[int]]:
        return [
            draw.sample(range(others), min(others, draw.randint(1, 4))) if draw.random() < 0.6 else []
            for _ in range(own)
        ]

    return rows(*sizes), rows(sizes[1], sizes[0])


def numbers(problem: Problem, taken: Edges) -> list[int]:
    keys = {int(key): number for number, key in enumerate(problem.edges.keys)}
    found = [keys[int(key)] for key in taken.keys]
    assert len(set(found)) == len(found)
    for one, ends in ((problem.mentors, taken.mentor), (problem.mentees, taken.mentee)):
        assert (np.bincount(ends, minlength=len(one)) <= one.places).all()
    return found


def best_left_again_and_again(problem: Problem) -> list[int]:
    """Greed, word by word."""
    free = problem.mentors.places.tolist(), problem.mentees.places.tolist()
    rest = [places for _, _, places in problem.quotas]
    ends = list(zip(problem.edges.mentor.tolist(), problem.edges.mentee.tolist(), strict=True))
    left, taken = set(range(len(ends))), []

    def worth(edge: int) -> tuple[int, int]:
        names = problem.mentors.names[ends[edge][0]], problem.mentees.names[ends[edge][1]]
        return int(problem.edges.score[edge]), int(pair_rank(*names))

    while left:
        edge = max(left, key=worth)
        left.remove(edge)
        row, column = ends[edge]
        counted = [n for n, (who, at, _) in enumerate(problem.quotas) if who[row] and at in {None, column}]
        if free[0][row] and free[1][column] and all(rest[number] for number in counted):
            taken.append(edge)
            free[0][row] -= 1
            free[1][column] -= 1
            for number in counted:
                rest[number] -= 1
    return sorted(taken)


def pairs_who_would_change(problem: Problem, taken: list[int], ranks: Ranks) -> list[int]:
    """Every pair outside who both prefer each other to a place left or to somebody they have, by rank, then score, then ties."""
    ends = list(zip(problem.edges.mentor.tolist(), problem.edges.mentee.tolist(), strict=True))
    places = problem.mentors.places.tolist(), problem.mentees.places.tolist()

    def wish(side: int, edge: int) -> tuple[int, int, int]:
        own, other = ends[edge][side], ends[edge][1 - side]
        row = ranks[side][own]
        names = problem.mentors.names[ends[edge][0]], problem.mentees.names[ends[edge][1]]
        return -(row.index(other) if other in row else 99), int(problem.edges.score[edge]), int(pair_rank(*names))

    def would(side: int, edge: int) -> bool:
        own = ends[edge][side]
        mine = [one for one in taken if ends[one][side] == own]
        if not places[side][own]:
            return False
        return len(mine) < places[side][own] or wish(side, edge) > min(wish(side, one) for one in mine)

    outside = set(range(len(ends))) - set(taken)
    return [edge for edge in sorted(outside) if would(0, edge) and would(1, edge)]


@pytest.mark.requirement("N4", "R0-31")
@pytest.mark.parametrize("seed", SEEDS)
def test_greed_takes_the_best_pair_left_and_never_beats_the_optimum(seed: int) -> None:
    problem = drawn(seed, quotas=seed % 3 == 0)
    taken = numbers(problem, greedy(problem.mentors, problem.mentees, problem.edges, problem.quotas))
    assert taken == best_left_again_and_again(problem)
    best = optimise(problem.mentors, problem.mentees, problem.source, rematch=problem.rematch, quotas=problem.quotas)
    assert vector(problem, taken)[:4] <= value_of(problem, best)[:4]


@pytest.mark.requirement("N3", "R0-31")
@pytest.mark.parametrize("seed", SEEDS)
def test_deferred_acceptance_leaves_no_blocking_pair_and_never_beats_the_optimum(seed: int) -> None:
    problem = drawn(seed)
    ranks = ranked(problem, seed)
    found = stable(problem.mentors, problem.mentees, problem.edges, ranks)
    taken = numbers(problem, found)
    assert pairs_who_would_change(problem, taken, ranks) == []
    assert stability(found, problem.mentors, problem.mentees, ranks, problem.edges).by_preference == ()
    best = optimise(problem.mentors, problem.mentees, problem.source, rematch=problem.rematch)
    assert vector(problem, taken)[:4] <= value_of(problem, best)[:4]


@pytest.mark.parametrize("seed", SEEDS)
def test_where_nobody_ranked_anybody_greed_is_the_only_stable_result(seed: int) -> None:
    problem = drawn(seed)
    found = stable(problem.mentors, problem.mentees, problem.edges, NOBODY_RANKED)
    by_greed = greedy(problem.mentors, problem.mentees, problem.edges)
    assert found.keys.tolist() == by_greed.keys.tolist()
    assert stability(found, problem.mentors, problem.mentees, NOBODY_RANKED, problem.edges).by_score == 0


def test_wishes_come_before_scores() -> None:
    """A mentee who ranked the worse mentor first gets them, and greed gives the better one."""
    mentors = mentees = drawn(0).mentors.__class__(
        np.ones(2, np.int32), np.ones(2, np.bool_), np.ones(2, np.int8), np.arange(2, dtype=np.uint64)
    )
    edges = Edges.of([0, 0, 1, 1], [0, 1, 0, 1], [900, 500, 400, 300])
    ranks: Ranks = ([[], [0]], [[1, 0], []])
    assert stable(mentors, mentees, edges, ranks).keys.tolist() == [1, 1 << 32]
    assert greedy(mentors, mentees, edges).keys.tolist() == [0, (1 << 32) | 1]


@pytest.mark.requirement("N4", "R3-06")
@pytest.mark.parametrize("seed", range(12))
def test_a_run_is_measured_as_its_certificate_says(seed: int) -> None:
    world = random_snapshot(seed, mentors=40, mentees=36)
    outcome = run_matching(world)
    proposed = [(pair.mentor.participation_id, pair.mentee.participation_id) for pair in outcome.pairs]
    found = compare(RunInput(world), outcome.input_hash, proposed)
    body = outcome.certificate.body
    reached = {level["level"]: level["value"] for level in body["objective"]}
    assert found.allowed_pairs == outcome.counts.allowed_pairs > 5
    assert (found.run.pairs, found.run.score) == (len(proposed), reached["score"])
    covered = sum(value for name, value in reached.items() if name.startswith("people_covered"))
    assert found.run.mentors_covered + found.run.mentees_covered == covered
    units = [pair.mentor.business_unit_id != pair.mentee.business_unit_id for pair in outcome.pairs]
    assert found.run.across_units == sum(units)
    assert found.run.blocking_by_score == body["blocking_pairs"]["by_score"]
    assert found.run.blocking_by_preference == len(outcome.blocking)
    rules = HardRules(world)
    allowed = sum(rules.judge(mentor, mentee).allowed for mentor in world.mentors for mentee in world.mentees)
    assert found.allowed_pairs == allowed
    for other in (found.greedy, found.stable):
        assert other is not None
        assert other.mentors_covered + other.mentees_covered <= covered
    assert found.stable is not None
    assert (found.greedy.blocking_by_score, found.stable.blocking_by_preference) == (0, 0)


def test_locked_pairs_hold_their_places_in_all_three() -> None:
    world = next(
        world
        for world in (random_snapshot(seed, mentors=9, mentees=8) for seed in range(50))
        if len(run_matching(world).pairs) > 3
    )
    first = run_matching(world).pairs[0]
    locked = (first.mentor.participation_id, first.mentee.participation_id)
    given = with_locks(world, [locked])
    taken = solved(given.snapshot, "seed").taken
    ids = [sorted(one.participation_id for one in side) for side in (world.mentors, world.mentees)]
    pairs = zip(taken.mentor.tolist(), taken.mentee.tolist(), strict=True)
    proposed = [locked, *((ids[0][row], ids[1][column]) for row, column in pairs)]
    found = compare(given, "seed", proposed)
    assert found.run.pairs == len(proposed) - 1
    assert found.run.score == int(taken.score.sum())
    with pytest.raises(ValueError, match="does not allow"):
        compare(replace(given, locked=()), "seed", proposed)


def test_quotas_bind_greed_and_leave_stability_undefined() -> None:
    world = random_snapshot(3, mentors=40, mentees=36)
    quota = replace(world, quotas=(Quota(UNIT, 0),))
    free, bound = (compare(RunInput(one), "seed", []) for one in (world, quota))
    assert bound.stable is None
    assert free.stable is not None
    assert bound.greedy.pairs < free.greedy.pairs
    assert bound.run.mentors_unmatched == free.run.mentors_unmatched


def test_too_large_a_cohort_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_snapshot(1, mentors=9, mentees=8)
    monkeypatch.setattr(comparison, "MOST_PAIRS", 1)
    with pytest.raises(TooMany):
        compare(RunInput(world), "seed", [])
