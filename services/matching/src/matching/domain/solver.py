"""The exact optimum by minimum-cost circulation, in stages: each stage moves only on the optimal face of the one
before.

The network has one root, a node per mentor and a node per mentee. Flow runs root, mentor, mentee, root. A candidate's
places are two parallel arcs: the covering place earns the weight of a person, the further places earn nothing; as the
first is never worse than the second the sum is concave and the flow exact. The prices are shortest distances in the
residual network of the optimum: that they exist proves the optimum, because only a negative cycle could improve it and
would leave no finite distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import ortools
from ortools.graph.python import min_cost_flow

from matching.domain.problem import Integers, Levels, Prices, Problem, Seats, Solution, integers, people_weight

SOLVER_NAME = "ortools-simple-min-cost-flow"
SOLVER_VERSION = str(ortools.__version__)
# OR-Tools scales costs by the number of nodes in 64 bits and refuses larger ones.
COST_LIMIT = 5 * 10**13


class Unsolvable(Exception):
    """The solver gave no optimum, or one that its own prices do not prove."""


@dataclass(frozen=True, slots=True)
class _Network:
    """Arcs as arrays: the covering and further places of mentors, the edges, the places of mentees, in this order."""

    nodes: int
    tails: Integers
    heads: Integers
    capacities: Integers
    covering: Integers
    first_edge: int
    edges: int


@dataclass(slots=True)
class _Face:
    """The bounds of each arc's flow; a stage narrows them to its optimal face."""

    lower: Integers
    upper: Integers


def solve(problem: Problem) -> Solution:
    """The optimum of `problem` in coverage, score and ties, the same for the same arrays. Raises Unsolvable, never a
    guess.
    """
    network = _network(problem)
    weight = people_weight(problem.most_pairs, int(problem.scores.max(initial=0)))
    if weight > COST_LIMIT:
        raise Unsolvable(f"{problem.most_pairs} pairs need costs above {COST_LIMIT}")
    edges = slice(network.first_edge, network.first_edge + network.edges)
    fit = -weight * network.covering
    fit[edges] -= problem.scores
    ties = np.zeros_like(fit)
    ties[edges] -= problem.ties

    face = _Face(np.zeros_like(network.capacities), network.capacities.copy())
    flow, fit_distances = _stage(network, face, fit)
    _narrow(network, face, flow, fit, fit_distances)
    flow, tie_distances = _stage(network, face, ties)

    taken = np.flatnonzero(flow[edges])
    packed = -int(np.dot(flow, fit))
    value = Levels(packed // weight, packed % weight, int(problem.ties[taken].sum()))
    prices = (_prices(problem, fit_distances), _prices(problem, tie_distances))
    bound = _bound(problem, weight, prices)
    if bound != value:
        raise Unsolvable(f"the prices prove {bound}, the flow reaches {value}")
    return Solution(tuple(int(edge) for edge in taken), value, bound, weight, prices)


def _network(problem: Problem) -> _Network:
    mentors, mentees = len(problem.mentors), len(problem.mentees)
    mentor_nodes = np.arange(1, mentors + 1, dtype=np.int64)
    mentee_nodes = np.arange(mentors + 1, mentors + mentees + 1, dtype=np.int64)
    root_of_mentors, root_of_mentees = np.zeros_like(mentor_nodes), np.zeros_like(mentee_nodes)
    edges = len(problem.scores)
    covering, further = _places(problem.mentors)
    covering_mentees, further_mentees = _places(problem.mentees)
    return _Network(
        nodes=1 + mentors + mentees,
        tails=np.concatenate([root_of_mentors, root_of_mentors, problem.mentor_of + 1, mentee_nodes, mentee_nodes]),
        heads=np.concatenate(
            [mentor_nodes, mentor_nodes, problem.mentee_of + 1 + mentors, root_of_mentees, root_of_mentees]
        ),
        capacities=np.concatenate(
            [covering, further, np.ones(edges, dtype=np.int64), covering_mentees, further_mentees]
        ),
        covering=np.concatenate(
            [
                np.ones(mentors, dtype=np.int64),
                np.zeros(mentors + edges, dtype=np.int64),
                np.ones(mentees, dtype=np.int64),
                np.zeros(mentees, dtype=np.int64),
            ]
        ),
        first_edge=2 * mentors,
        edges=edges,
    )


def _places(side: tuple[Seats, ...]) -> tuple[Integers, Integers]:
    return integers([seats.covering for seats in side]), integers([seats.further for seats in side])


def _stage(network: _Network, face: _Face, costs: Integers) -> tuple[Integers, Integers]:
    """The cheapest circulation within the face, and the distances in its residual network."""
    free = np.flatnonzero(face.upper > face.lower)
    supplies = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(supplies, network.heads, face.lower)
    np.subtract.at(supplies, network.tails, face.lower)
    flow = face.lower.copy()
    if len(free):
        flow[free] += _circulate(network, free, face, costs, supplies)
    elif supplies.any():
        raise Unsolvable("the face holds no circulation")
    return flow, _distances(network, face, flow, costs)


def _circulate(network: _Network, free: Integers, face: _Face, costs: Integers, supplies: Integers) -> Integers:
    solver: Any = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        network.tails[free], network.heads[free], face.upper[free] - face.lower[free], costs[free]
    )
    solver.set_nodes_supplies(np.arange(network.nodes), supplies)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise Unsolvable(f"{SOLVER_NAME} {SOLVER_VERSION} answered {status}")
    flows: Integers = np.asarray(solver.flows(arcs), dtype=np.int64)
    return flows


def _distances(network: _Network, face: _Face, flow: Integers, costs: Integers) -> Integers:
    """Shortest distances to every node in the residual network, from a source joined to all at cost 0 (Bellman and
    Ford).
    """
    forward, backward = flow < face.upper, flow > face.lower
    tails = np.concatenate([network.tails[forward], network.heads[backward]])
    heads = np.concatenate([network.heads[forward], network.tails[backward]])
    lengths = np.concatenate([costs[forward], -costs[backward]])
    distances = np.zeros(network.nodes, dtype=np.int64)
    for _ in range(network.nodes + 1):
        shorter = distances.copy()
        np.minimum.at(shorter, heads, distances[tails] + lengths)
        if np.array_equal(shorter, distances):
            return distances
        distances = shorter
    raise Unsolvable("the flow leaves a negative cycle, so it is not the optimum")


def _narrow(network: _Network, face: _Face, flow: Integers, costs: Integers, distances: Integers) -> None:
    """Fix every arc that all optima of this stage use alike: those whose reduced cost is not zero."""
    reduced = costs + distances[network.tails] - distances[network.heads]
    fixed = reduced != 0
    face.lower[fixed] = flow[fixed]
    face.upper[fixed] = flow[fixed]


def _prices(problem: Problem, distances: Integers) -> Prices:
    mentors = len(problem.mentors)
    root = int(distances[0])
    return Prices(
        mentors=tuple(int(distance) - root for distance in distances[1 : mentors + 1]),
        mentees=tuple(root - int(distance) for distance in distances[mentors + 1 :]),
    )


def _bound(problem: Problem, weight: int, prices: tuple[Prices, Prices]) -> Levels:
    """The value of the dual at the prices of both stages, taken in lexicographic order; no matching is worth more."""
    packed, ties = 0, 0
    for side, fit_prices, tie_prices in (
        (problem.mentors, prices[0].mentors, prices[1].mentors),
        (problem.mentees, prices[0].mentees, prices[1].mentees),
    ):
        for seats, fit_price, tie_price in zip(side, fit_prices, tie_prices, strict=True):
            for places, margin in (
                (seats.covering, (weight + fit_price, tie_price)),
                (seats.further, (fit_price, tie_price)),
            ):
                if margin > (0, 0):
                    packed += places * margin[0]
                    ties += places * margin[1]
    fit_margins = problem.scores - _joint(problem, prices[0])
    tie_margins = problem.ties - _joint(problem, prices[1])
    positive = (fit_margins > 0) | ((fit_margins == 0) & (tie_margins > 0))
    packed += int(fit_margins[positive].sum())
    ties += int(tie_margins[positive].sum())
    return Levels(packed // weight, packed % weight, ties)


def _joint(problem: Problem, prices: Prices) -> Integers:
    joint: Integers = integers(prices.mentors)[problem.mentor_of] + integers(prices.mentees)[problem.mentee_of]
    return joint
