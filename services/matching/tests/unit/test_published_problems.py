"""Published assignment and transportation problems: the optimum that its source states is reached, with its proof.

Costs are minimised as scores of `highest cost + 1 - cost`: every optimum takes as many pairs, so the sum of scores tells the cost exactly.
A supplier is a mentor with as many places as it has units, every unit that is asked for a mentee of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from matching.domain.graph import Edges, ListedEdges, Side
from matching.domain.solver import optimise


@dataclass(frozen=True)
class Published:
    """A matrix (rows are mentors), what its source says the optimum is, and whether that is the least or the most."""

    source: str
    matrix: tuple[tuple[int, ...], ...]
    optimum: int
    least: bool = True
    supplies: tuple[int, ...] = ()
    demands: tuple[int, ...] = ()


EULER = (
    (7, 53, 183, 439, 863, 497, 383, 563, 79, 973, 287, 63, 343, 169, 583),
    (627, 343, 773, 959, 943, 767, 473, 103, 699, 303, 957, 703, 583, 639, 913),
    (447, 283, 463, 29, 23, 487, 463, 993, 119, 883, 327, 493, 423, 159, 743),
    (217, 623, 3, 399, 853, 407, 103, 983, 89, 463, 290, 516, 212, 462, 350),
    (960, 376, 682, 962, 300, 780, 486, 502, 912, 800, 250, 346, 172, 812, 350),
    (870, 456, 192, 162, 593, 473, 915, 45, 989, 873, 823, 965, 425, 329, 803),
    (973, 965, 905, 919, 133, 673, 665, 235, 509, 613, 673, 815, 165, 992, 326),
    (322, 148, 972, 962, 286, 255, 941, 541, 265, 323, 925, 281, 601, 95, 973),
    (445, 721, 11, 525, 473, 65, 511, 164, 138, 672, 18, 428, 154, 448, 848),
    (414, 456, 310, 312, 798, 104, 566, 520, 302, 248, 694, 976, 430, 392, 198),
    (184, 829, 373, 181, 631, 101, 969, 613, 840, 740, 778, 458, 284, 760, 390),
    (821, 461, 843, 513, 17, 901, 711, 993, 293, 157, 274, 94, 192, 156, 574),
    (34, 124, 4, 878, 450, 476, 712, 914, 838, 669, 875, 299, 823, 329, 699),
    (815, 559, 813, 459, 522, 788, 168, 586, 966, 232, 308, 833, 251, 631, 107),
    (813, 883, 451, 509, 615, 77, 281, 613, 459, 205, 380, 274, 302, 35, 805),
)
PROBLEMS = (
    Published("Project Euler 345, the problem (2011)", EULER, 13938, least=False),
    Published(
        "Project Euler 345, its example",
        (
            (7, 53, 183, 439, 863),
            (497, 383, 563, 79, 973),
            (287, 63, 343, 169, 583),
            (627, 343, 773, 959, 943),
            (767, 473, 103, 699, 303),
        ),
        3315,
        least=False,
    ),
    Published("SciPy, linear_sum_assignment", ((4, 1, 3), (2, 0, 5), (3, 2, 2)), 5),
    Published(
        "OR-Tools, linear sum assignment",
        ((90, 76, 75, 70), (35, 85, 55, 65), (125, 95, 90, 105), (45, 110, 95, 115)),
        265,
    ),
    Published(
        "OR-Tools, assignment as an integer program: five workers, four tasks",
        ((90, 80, 75, 70), (35, 85, 55, 65), (125, 95, 90, 95), (45, 110, 95, 115), (50, 100, 90, 100)),
        265,
    ),
    Published("The munkres package, its manual", ((5, 9, 1), (10, 3, 2), (8, 7, 4)), 12),
    Published("The munkres package, its tests: square", ((400, 150, 400), (400, 450, 600), (300, 225, 300)), 850),
    Published("The munkres package, its tests: square", ((10, 10, 8), (9, 8, 1), (9, 7, 4)), 18),
    Published(
        "The munkres package, its tests: rectangular", ((400, 150, 400, 1), (400, 450, 600, 2), (300, 225, 300, 3)), 452
    ),
    Published("The munkres package, its tests: rectangular", ((10, 10, 8, 11), (9, 8, 1, 1), (9, 7, 4, 10)), 15),
    Published(
        "HungarianAlgorithm.com, worked example",
        ((82, 83, 69, 92), (77, 37, 49, 92), (11, 69, 5, 86), (8, 9, 98, 23)),
        140,
    ),
    Published(
        "Winston, Operations Research, Powerco",
        ((8, 6, 10, 9), (9, 12, 13, 7), (14, 9, 16, 5)),
        1020,
        supplies=(35, 50, 40),
        demands=(45, 20, 30, 30),
    ),
    Published(
        "Taha, Operations Research, SunRay Transport",
        ((10, 2, 20, 11), (12, 7, 9, 20), (4, 14, 16, 18)),
        435,
        supplies=(15, 25, 10),
        demands=(5, 15, 15, 15),
    ),
    Published(
        "Hillier and Lieberman, Introduction to Operations Research, P & T Company",
        ((464, 513, 654, 867), (352, 416, 690, 791), (995, 682, 388, 685)),
        152_535,
        supplies=(75, 125, 100),
        demands=(80, 65, 70, 85),
    ),
    Published(
        # 153.675 thousand dollars at 90 dollars a case and thousand miles: 1,707.5 thousand miles.
        "Dantzig 1963 and the GAMS tutorial, trnsport, distances in hundreds of miles",
        ((25, 17, 18), (25, 18, 14)),
        17_075,
        supplies=(350, 600),
        demands=(325, 300, 275),
    ),
)


def side(places: np.ndarray, seed: int) -> Side:
    names = np.random.default_rng(seed).integers(0, 2**63, len(places), dtype=np.int64).astype(np.uint64)
    return Side(places.astype(np.int32), np.ones(len(places), np.bool_), np.ones(len(places), np.int8), names)


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: f"{problem.source} = {problem.optimum}")
def test_the_stated_optimum_is_reached(problem: Published) -> None:
    values = np.array(problem.matrix)
    supplies = np.array(problem.supplies or (1,) * len(values))
    units = np.repeat(np.arange(values.shape[1]), problem.demands or (1,) * values.shape[1])
    costs = values[:, units]
    top = int(values.max()) + 1
    scores = top - costs if problem.least else costs
    assert scores.min() >= 1
    assert scores.max() <= 1000
    mentor, mentee = np.divmod(np.arange(costs.size), costs.shape[1])
    mentors, mentees = side(supplies, 1), side(np.ones(len(units), np.int64), 2)
    edges = Edges.of(mentor, mentee, scores.ravel())
    found = optimise(mentors, mentees, ListedEdges(mentors, mentees, edges), rematch=True)
    assert found.status == "optimal"
    assert found.values == found.bounds
    pairs = min(int(supplies.sum()), len(units))
    assert len(found.taken) == pairs
    assert int(costs[found.taken.mentor, found.taken.mentee].sum()) == problem.optimum
    assert dict(zip(found.levels, found.values, strict=True))["score"] == (
        top * pairs - problem.optimum if problem.least else problem.optimum
    )
