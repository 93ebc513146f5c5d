"""The exact optimum where quotas limit the places of a unit's mentors, by minimum-cost circulation (OR-Tools) in stages: each
stage moves only on the optimal face of the one before.

Flow runs root, quotas over all mentees, mentor, quotas at one mentee, mentee, root. A person's places are two parallel
arcs: the first counts for the person's class, the others count nothing. A stage counts one level of the objective. Its prices
are shortest distances in the residual network of its optimum: that they exist proves the optimum, as only a
cycle of negative cost could improve it.

Quotas over all must not overlap but for being equal sets of mentors, and neither must those at one mentee.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ortools.graph.python import min_cost_flow

from matching.domain.graph import Edges, EdgeSource, Flags, Longs
from matching.domain.objective import (
    HIGHEST_SCORE,
    Claimed,
    Fresh,
    Objective,
    Optimum,
    PricesOfLevel,
    Report,
    Unsolvable,
    lexically_positive,
)
from matching.domain.ties import pair_ranks

Quota = tuple[Flags, int | None, int]


def optimise_with_quotas(
    objective: Objective,
    source: EdgeSource,
    quotas: Sequence[Quota],
    told: Report,
    *,
    most_floor: int = HIGHEST_SCORE,
    compare: bool = False,
) -> Optimum:
    """The optimum as of `solver.optimise`, from all edges of the source at once: for cohorts whose edges fit into memory.

    A quota is (which mentors count, the mentee's position or None for all, places); a position that is none limits nothing.
    """
    mentors, mentees = objective.mentors, objective.mentees
    told("candidates", 0.0)
    nobody = np.zeros(len(mentors), dtype=np.bool_), np.zeros(len(mentees), dtype=np.bool_)
    edges = source.covering(1, *nobody, max(1, len(mentees)))
    if objective.rematch:
        edges = edges.joined(source.pinned())
    edges = edges.select((mentors.places[edges.mentor] > 0) & (mentees.places[edges.mentee] > 0))
    problem = _Problem(objective, quotas)
    told("coverage", 0.0)
    coverage = problem.solve(edges, 1, objective.coverage_levels)
    if objective.rematch:
        result = problem.solve(edges, 1, objective.levels)
        fresh = _fresh(objective, source, quotas, told) if compare else None
        return replace(_optimum(objective, result, 0, {}), fresh=fresh)
    claims = {"coverage": coverage.claim}
    floor = most_floor if most_floor < HIGHEST_SCORE else 0
    if any(coverage.reached):
        low, high = 1, most_floor + 1
        while high - low > 1:
            told("floor", 1 - (high - low) / HIGHEST_SCORE)
            middle = (low + high) // 2
            tried = problem.solve(edges, middle, objective.coverage_levels)
            low, high = (middle, high) if tried.reached == coverage.reached else (low, middle)
        floor = low
        if low < most_floor:
            claims["floor"] = problem.solve(edges, low + 1, objective.coverage_levels).claim
    told("fit", 0.0)
    return _optimum(objective, problem.solve(edges, max(1, floor), objective.levels), floor, claims)


def _fresh(objective: Objective, source: EdgeSource, quotas: Sequence[Quota], told: Report) -> Fresh:
    """What a match of the same people without regard to pairs to keep comes to."""
    found = optimise_with_quotas(replace(objective, rematch=False, kept=0), source, quotas, told)
    return Fresh(found.values[-2], found.floor, True, found.start)


@dataclass(frozen=True, slots=True)
class _Solved:
    taken: Edges
    reached: tuple[int, ...]
    claim: Claimed


def _optimum(objective: Objective, result: _Solved, floor: int, claims: dict[str, Claimed]) -> Optimum:
    return Optimum(
        taken=result.taken,
        levels=objective.levels,
        values=result.reached,
        bounds=result.claim[3],
        floor=floor if len(result.taken) else 0,
        status="optimal",
        prices={**claims, "result": result.claim},
    )


@dataclass(frozen=True, slots=True)
class _Network:
    """Arcs as arrays; `levels` are what an arc adds to each level; edges begin at `first_edge`."""

    nodes: int
    tails: Longs
    heads: Longs
    capacities: Longs
    gains: list[Longs]
    first_edge: int


class _Problem:
    """The fixed part of the network: people and quotas."""

    def __init__(self, objective: Objective, quotas: Sequence[Quota]) -> None:
        self._objective, self._quotas = objective, quotas
        self._mentors, self._mentees = len(objective.mentors), len(objective.mentees)
        first_quota = 1 + self._mentors + self._mentees
        self._above = np.zeros(self._mentors, dtype=np.int64)
        self._at: dict[tuple[int, int], int] = {}
        self._chains: list[tuple[int, int, int, int]] = []
        for number, (counted, mentee, places) in enumerate(quotas):
            node = first_quota + number
            if mentee is None:
                self._chains.append((self._within(self._above[counted], counted), node, places, number))
                self._above[counted] = node
            elif 0 <= mentee < self._mentees:
                members = np.flatnonzero(counted).tolist()
                below = {self._at.get((mentor, mentee), self._mentee(mentee)) for mentor in members}
                if len(below) > 1:
                    raise Unsolvable("quotas at one mentee overlap")
                self._chains.append((node, below.pop() if below else self._mentee(mentee), places, number))
                self._at.update({(mentor, mentee): node for mentor in members})

    def solve(self, edges: Edges, least: int, levels: tuple[str, ...]) -> _Solved:
        """The optimum in these levels with the edges from `least`."""
        edges = edges.select(edges.score >= least)
        network = self._network(edges, levels)
        lower, upper = np.zeros_like(network.capacities), network.capacities.copy()
        flow, distances = lower, []
        for gains in network.gains:
            flow = _circulate(network, lower, upper, -gains)
            distance = _distances(network, flow, lower, upper, -gains)
            reduced = -gains + distance[network.tails] - distance[network.heads]
            fixed = reduced != 0
            lower[fixed] = upper[fixed] = flow[fixed]
            distances.append(distance - distance[0])
        reached = tuple(int((flow * gains).sum()) for gains in network.gains)
        bound = self._bound(network, distances)
        if bound != reached:
            raise Unsolvable(f"the prices prove {bound}, the flow reaches {reached}")
        chosen = edges.select(flow[network.first_edge : network.first_edge + len(edges)] > 0)
        claim = levels, least, self._prices(distances), bound
        return _Solved(chosen, reached, claim)

    def _within(self, above: Longs, counted: Flags) -> int:
        """The node that a new quota over all hangs below: what all its mentors hang below already."""
        nodes = set(above.tolist())
        if len(nodes) > 1 or (nodes - {0} and int(counted.sum()) != int((self._above == above[0]).sum())):
            raise Unsolvable("quotas over all mentees overlap")
        return nodes.pop() if nodes else 0

    def _mentee(self, position: int) -> int:
        return 1 + self._mentors + position

    def _network(self, edges: Edges, levels: tuple[str, ...]) -> _Network:
        mentors, mentees = self._objective.mentors, self._objective.mentees
        own = np.arange(1, self._mentors + 1), np.arange(1 + self._mentors, 1 + self._mentors + self._mentees)
        root = np.zeros(self._mentees, dtype=np.int64)
        firsts = [(side.coverable & (side.places > 0)).astype(np.int64) for side in (mentors, mentees)]
        near = edges.mentor.astype(np.int64) + 1
        away = np.array(
            [
                self._at.get((mentor, mentee), self._mentee(mentee))
                for mentor, mentee in zip(edges.mentor.tolist(), edges.mentee.tolist(), strict=True)
            ],
            dtype=np.int64,
        )
        chains = np.array(self._chains, dtype=np.int64).reshape(-1, 4)
        capacities = [
            firsts[0], mentors.places - firsts[0], np.ones(len(edges), dtype=np.int64),
            firsts[1], mentees.places - firsts[1], chains[:, 2],
        ]  # fmt: skip
        first_edge = 2 * self._mentors
        sizes = np.cumsum([0, *(len(part) for part in capacities)])
        gains = []
        for level in levels:
            gain = np.zeros(sizes[-1], dtype=np.int64)
            if level.startswith("class:"):
                for part, side in ((0, mentors), (3, mentees)):
                    gain[sizes[part] : sizes[part + 1]] = side.priority == int(level.removeprefix("class:"))
            else:
                gain[sizes[2] : sizes[3]] = self._gain(level, edges)
            gains.append(gain)
        return _Network(
            nodes=1 + self._mentors + self._mentees + len(self._quotas),
            tails=np.concatenate([self._above, self._above, near, own[1], own[1], chains[:, 0]]),
            heads=np.concatenate([own[0], own[0], away, root, root, chains[:, 1]]),
            capacities=np.concatenate(capacities).astype(np.int64),
            gains=gains,
            first_edge=first_edge,
        )

    def _gain(self, level: str, edges: Edges) -> Longs:
        if level == "ties":
            return pair_ranks(self._objective.mentors.names[edges.mentor], self._objective.mentees.names[edges.mentee])
        gain: Longs = (edges.kept if level == "kept" else edges.score).astype(np.int64)
        return gain

    def _prices(self, distances: list[Longs]) -> tuple[PricesOfLevel, ...]:
        """Distances as prices. What an unused quota would pay to be used is no price: it costs nothing."""
        first_mentee = 1 + self._mentors
        first_quota = first_mentee + self._mentees
        of_quotas = [np.zeros(len(self._quotas), dtype=np.int64) for _ in distances]
        for start, end, _, number in self._chains:
            for price, distance in zip(of_quotas, distances, strict=True):
                price[number] = distance[end] - distance[start]
        costs = lexically_positive(of_quotas)
        return tuple(
            (distance[1:first_mentee] - distance[self._above], -distance[first_mentee:first_quota], price * costs)
            for distance, price in zip(distances, of_quotas, strict=True)
        )

    def _bound(self, network: _Network, distances: list[Longs]) -> tuple[int, ...]:
        margins = [
            gains + distance[network.heads] - distance[network.tails]
            for gains, distance in zip(network.gains, distances, strict=True)
        ]
        positive = lexically_positive(margins)
        return tuple(int((margin * network.capacities)[positive].sum()) for margin in margins)


def _circulate(network: _Network, lower: Longs, upper: Longs, costs: Longs) -> Longs:
    """The cheapest circulation within the bounds."""
    supplies = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(supplies, network.heads, lower)
    np.subtract.at(supplies, network.tails, lower)
    flow = lower.copy()
    free = np.flatnonzero(upper > lower)
    if len(free):
        solver: Any = min_cost_flow.SimpleMinCostFlow()
        arcs = solver.add_arcs_with_capacity_and_unit_cost(
            network.tails[free], network.heads[free], (upper - lower)[free], costs[free]
        )
        solver.set_nodes_supplies(np.arange(network.nodes), supplies)
        status = solver.solve()
        if status != solver.OPTIMAL:
            raise Unsolvable(f"the minimum-cost flow answered {status}")
        flow[free] += np.asarray(solver.flows(arcs), dtype=np.int64)
    elif supplies.any():
        raise Unsolvable("the face holds no circulation")
    return flow


def _distances(network: _Network, flow: Longs, lower: Longs, upper: Longs, costs: Longs) -> Longs:
    """Shortest distances in the residual network from a source joined to all nodes at cost 0 (Bellman and Ford)."""
    forward, backward = flow < upper, flow > lower
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
    raise Unsolvable("the flow leaves a cycle that improves it, so it is not the optimum")
