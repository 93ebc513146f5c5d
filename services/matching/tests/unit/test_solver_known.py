"""Where the solver still looks for edges: nowhere that it knows all of them, and everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from matching.domain.graph import Edges
from matching.domain.objective import HIGHEST_SCORE
from matching.domain.solver_known import Known, Search

UNIT = 2**20
SIZE = 40


def looked_at(search: Search | None) -> np.ndarray:
    looks = np.zeros((SIZE, SIZE), np.bool_)
    if search is not None:
        if search.rows is None or search.columns is None:
            looks[:] = True
        else:
            looks[search.rows] = True
            looks[:, search.columns] = True
    return looks


def drawn(seed: int) -> tuple[Known, list[np.ndarray], list[np.ndarray], np.random.Generator]:
    """What is known after a pass over everything, its prices and later ones: of three levels, whole groups at a time."""
    draw = np.random.default_rng(seed)
    known = Known(np.ones(SIZE, np.bool_), np.ones(SIZE, np.bool_), UNIT)
    first = [UNIT * draw.integers(-1, 2, SIZE) + draw.integers(100, 400, SIZE) for _ in range(2)]
    known.learn(Search(), Edges.none(), (first[0], first[1]), slack=20, margin=0, most=9)
    later = [side + draw.integers(-30, 31, SIZE) * (draw.random(SIZE) < 0.3) for side in first]
    return known, first, later, draw


@pytest.mark.parametrize("seed", range(60))
def test_edges_that_may_be_missing_are_looked_for(seed: int) -> None:
    known, first, later, _ = drawn(seed)
    margin = 1 + 8 * (seed % 2)
    search = known.wanted((later[0], later[1]), margin)
    lowest = np.add.outer(later[0], later[1]) - margin
    highest_unknown = np.minimum(HIGHEST_SCORE, np.add.outer(first[0] - 20, first[1]))
    missing = highest_unknown > np.maximum(0, lowest)
    assert looked_at(search)[missing].all()
    assert (search is None) <= (not missing.any())


def test_levels_that_cannot_meet_are_not_looked_at() -> None:
    known = Known(np.ones(SIZE, np.bool_), np.ones(SIZE, np.bool_), UNIT)
    rows = np.where(np.arange(SIZE) < 20, UNIT, -UNIT) + 300
    columns = np.where(np.arange(SIZE) < 20, -UNIT, UNIT) + 300
    known.learn(Search(), Edges.none(), (rows, columns), slack=20, margin=0, most=9)
    up, down = np.where(np.arange(SIZE) < 20, 15, -15), np.where(np.arange(SIZE) < 20, -15, 15)
    # With the other half both fall by 30, but its prices are far above every score, or known to be below all.
    assert known.wanted((rows + up, columns + down), 9) is None
    found = known.wanted((rows + up - 30 * (np.arange(SIZE) == 3), columns + down), 9)
    assert found is not None
    assert found.rows is not None
    assert found.columns is not None
    assert (found.rows.tolist(), found.columns.tolist()) == ([3], [])


@pytest.mark.parametrize("seed", range(40))
def test_missing_edges_between_two_groups_are_looked_for(seed: int) -> None:
    known, first, _, draw = drawn(seed)
    mentors, mentees = draw.random(SIZE) < 0.3, draw.random(SIZE) < 0.3
    least = (1, 300, 700)[seed % 3]
    search = known.between(mentors, mentees, least)
    missing = (np.add.outer(first[0] - 20, first[1]) >= least) & np.logical_and.outer(mentors, mentees)
    assert looked_at(search)[missing].all()
    assert (search is None) == (not missing.any())


def test_an_edge_of_just_the_least_score_is_looked_for() -> None:
    everybody = np.ones(SIZE, np.bool_)
    known = Known(everybody, everybody, UNIT)
    prices = np.full(SIZE, 200), np.full(SIZE, 150)
    known.learn(Search(), Edges.none(), prices, slack=0, margin=0, most=9)
    assert known.between(everybody, everybody, 350) is not None
    assert known.between(everybody, everybody, 351) is None
