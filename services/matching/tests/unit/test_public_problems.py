"""Problems whose optimum is known without a solver: planted prices, and files in the format of the OR-Library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matching.domain.graph import Edges, ListedEdges, Side
from matching.domain.objective import Optimum
from matching.domain.solver import optimise

from .assignment_files import read, write


def side(places: np.ndarray, seed: int) -> Side:
    names = np.random.default_rng(seed).integers(0, 2**63, len(places)).astype(np.uint64)
    size = len(places)
    return Side(places.astype(np.int32), np.ones(size, np.bool_), np.ones(size, np.int8), names)


def by_scores(mentors: Side, mentees: Side, edges: Edges) -> Optimum:
    """The most people, then the highest sum of scores: a re-match without pairs to keep knows no floor."""
    return optimise(mentors, mentees, ListedEdges(mentors, mentees, edges), rematch=True)


def planted(size: int, seed: int, most: int) -> tuple[Side, Side, Edges, int]:
    """A problem with a matching that fills all places, and prices at which its edges are worth just what they cost and no
    other edge is worth more: so it is optimal, with the value that the prices give.
    """
    draw = np.random.default_rng(seed)
    places = draw.integers(1, most + 1, size)
    of_mentors, of_mentees = draw.integers(100, 450, size), draw.integers(100, 450, size)
    order = draw.permutation(size)
    rows, columns = [], []
    for shift in range(most):
        # The pairs of one shift form a permutation of those with more than `shift` places, turned so that none repeats.
        members = np.flatnonzero(places > shift)
        rows.append(members)
        columns.append(order[np.roll(members, shift)])
    mentor, mentee = np.concatenate(rows), np.concatenate(columns)
    mentee_places = np.bincount(mentee, minlength=size)
    value = int((of_mentors[mentor] + of_mentees[mentee]).sum())
    keys = np.unique(mentor << 32 | mentee)
    assert len(keys) == len(mentor)
    others = np.setdiff1d(draw.integers(0, size, 30 * size) << 32 | draw.integers(0, size, 30 * size), keys)
    near, away = others >> 32, others & 0xFFFFFFFF
    worse = of_mentors[near] + of_mentees[away] - draw.integers(0, 60, len(others))
    edges = Edges.of(
        np.concatenate([mentor, near]),
        np.concatenate([mentee, away]),
        np.concatenate([of_mentors[mentor] + of_mentees[mentee], np.maximum(1, worse)]),
    )
    return side(places, seed), side(mentee_places, seed + 1), edges, value


@pytest.mark.parametrize("most", [1, 3])
def test_planted_prices_at_20_000_a_side(most: int) -> None:
    mentors, mentees, edges, value = planted(20_000, 7, most)
    optimum = by_scores(mentors, mentees, edges)
    assert optimum.values[:3] == (40_000, 0, value)
    assert optimum.status == "optimal"


def file_of_known_optimum(path: Path, size: int, seed: int) -> int:
    """Write costs of 1 to 100 that dual prices bound from below, with one permutation on the bound; its cost."""
    draw = np.random.default_rng(seed)
    rows, columns = draw.integers(1, 25, size), draw.integers(0, 25, size)
    lowest = rows[:, None] + columns[None, :]
    costs = lowest + draw.integers(0, 51, (size, size))
    order = draw.permutation(size)
    costs[np.arange(size), order] = lowest[np.arange(size), order]
    write(path, costs)
    return int(rows.sum() + columns.sum())


@pytest.mark.parametrize("size", [100, 200, 400])
def test_files_in_the_format_of_the_or_library(tmp_path: Path, size: int) -> None:
    path = tmp_path / f"assign{size}.txt"
    lowest = file_of_known_optimum(path, size, size)
    costs = read(path)
    mentor, mentee = np.divmod(np.arange(size * size), size)
    one = np.ones(size, np.int64)
    optimum = by_scores(side(one, 1), side(one, 2), Edges.of(mentor, mentee, 101 - costs.ravel()))
    assert optimum.values[:3] == (2 * size, 0, 101 * size - lowest)


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assign.txt"
    path.write_text("3\n1 2 3 4\n")
    with pytest.raises(ValueError, match="square"):
        read(path)
