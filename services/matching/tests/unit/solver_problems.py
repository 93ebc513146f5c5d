"""Small problems for the solver, their enumeration, and a check of its proof on all edges; nothing of the solver is used."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from matching.domain.graph import Edges, ListedEdges, Side
from matching.domain.objective import Claimed, Optimum
from matching.domain.ties import pair_rank

Quotas = tuple[tuple[np.ndarray, int | None, int], ...]


@dataclass(frozen=True)
class Problem:
    mentors: Side
    mentees: Side
    edges: Edges
    rematch: bool = False
    quotas: Quotas = ()

    @property
    def source(self) -> ListedEdges:
        return ListedEdges(self.mentors, self.mentees, self.edges)


def side(draw: random.Random, size: int, most: int = 3, classes: int = 1, covered: float = 0.1) -> Side:
    return Side(
        places=np.array(
            [draw.randint(0, most) if most > 1 else int(draw.random() > 0.1) for _ in range(size)], np.int32
        ),
        coverable=np.array([draw.random() >= covered for _ in range(size)], np.bool_),
        priority=np.array([draw.randint(1, classes) for _ in range(size)], np.int8),
        names=np.array([draw.getrandbits(64) for _ in range(size)], np.uint64),
    )


def drawn(seed: int, *, quotas: bool = False, most_edges: int = 14) -> Problem:
    """Up to 6 by 6: capacities 0 to 3, classes, ties, empty rows, all forbidden, people with a pair, pairs to keep."""
    draw = random.Random(seed)
    rows, columns = draw.randint(0, 6), draw.randint(0, 6)
    most, classes, covered = draw.choice([1, 2, 3]), draw.choice([1, 1, 2, 3]), draw.choice([0.0, 0.0, 0.3])
    mentors, mentees = (side(draw, size, most, classes, covered) for size in (rows, columns))
    every = [(row, column) for row in range(rows) for column in range(columns)]
    pairs = sorted(draw.sample(every, min(len(every), draw.randint(0, most_edges))))
    highest = draw.choice([1, 2, 10, 1000])
    scores = [draw.randint(1, highest) for _ in pairs]
    kept = [draw.random() < 0.3 for _ in pairs]
    rematch = draw.random() < 0.3
    edges = Edges.of([row for row, _ in pairs], [column for _, column in pairs], scores, kept if rematch else None)
    limits: list[tuple[np.ndarray, int | None, int]] = []
    if quotas and rows:
        units = np.array([draw.randint(0, 1) for _ in range(rows)])
        for unit in (0, 1):
            if draw.random() < 0.6:
                limits.append((units == unit, None, draw.randint(0, 3)))
            if columns and draw.random() < 0.6:
                limits.append((units == unit, draw.randint(-1, columns - 1), draw.randint(0, 2)))
    return Problem(mentors, mentees, edges, rematch, tuple(limits))


def shuffled(problem: Problem, seed: int) -> tuple[Problem, list[int], list[int]]:
    """The same people in another order, and where each is now."""
    draw = random.Random(seed)
    places = []
    for one in (problem.mentors, problem.mentees):
        order = list(range(len(one)))
        draw.shuffle(order)
        places.append(order)
    sides = []
    for one, order in zip((problem.mentors, problem.mentees), places, strict=True):
        back = np.argsort(order) if order else np.zeros(0, np.int64)
        sides.append(Side(one.places[back], one.coverable[back], one.priority[back], one.names[back]))
    edges = Edges.of(
        np.array(places[0], np.int32)[problem.edges.mentor] if len(problem.edges) else [],
        np.array(places[1], np.int32)[problem.edges.mentee] if len(problem.edges) else [],
        problem.edges.score,
        problem.edges.kept,
    )
    return replace(problem, mentors=sides[0], mentees=sides[1], edges=edges), places[0], places[1]


def vector(problem: Problem, taken: list[int]) -> tuple[tuple[int, ...], int, int, int, int]:
    """Coverage by class, floor, kept, score and ties of the edges taken."""
    mentor, mentee = problem.edges.mentor.tolist(), problem.edges.mentee.tolist()
    classes = sorted(
        {
            int(one.priority[place])
            for one in (problem.mentors, problem.mentees)
            for place in range(len(one))
            if one.coverable[place] and one.places[place]
        }
    )
    counts = dict.fromkeys(classes, 0)
    for one, ends in ((problem.mentors, mentor), (problem.mentees, mentee)):
        for place in {ends[edge] for edge in taken}:
            if one.coverable[place]:
                counts[int(one.priority[place])] += 1
    scores = [int(problem.edges.score[edge]) for edge in taken]
    ties = sum(pair_rank(problem.mentors.names[mentor[edge]], problem.mentees.names[mentee[edge]]) for edge in taken)
    coverage = tuple(counts[number] for number in classes)
    floor = min(scores, default=0) if any(coverage) and not problem.rematch else 0
    kept = sum(bool(problem.edges.kept[edge]) for edge in taken) if problem.rematch else 0
    return coverage, floor, kept, sum(scores), int(ties)


def feasible_sets(problem: Problem, visit: Callable[[list[int]], None]) -> None:
    """Every set of edges within places and quotas."""
    free = [problem.mentors.places.tolist(), problem.mentees.places.tolist()]
    rest = [places for _, _, places in problem.quotas]
    ends = list(zip(problem.edges.mentor.tolist(), problem.edges.mentee.tolist(), strict=True))
    counted = [
        [number for number, (who, at, _) in enumerate(problem.quotas) if who[row] and at in {None, column}]
        for row, column in ends
    ]
    taken: list[int] = []

    def extend(edge: int) -> None:
        if edge == len(ends):
            visit(taken)
            return
        extend(edge + 1)
        row, column = ends[edge]
        if free[0][row] and free[1][column] and all(rest[number] for number in counted[edge]):
            free[0][row] -= 1
            free[1][column] -= 1
            for number in counted[edge]:
                rest[number] -= 1
            taken.append(edge)
            extend(edge + 1)
            taken.pop()
            for number in counted[edge]:
                rest[number] += 1
            free[0][row] += 1
            free[1][column] += 1

    extend(0)


def best_by_enumeration(problem: Problem) -> tuple[tuple[int, ...], int, int, int, int]:
    best = vector(problem, [])

    def visit(taken: list[int]) -> None:
        nonlocal best
        best = max(best, vector(problem, taken))

    feasible_sets(problem, visit)
    return best


def value_of(problem: Problem, optimum: Optimum) -> tuple[tuple[int, ...], int, int, int, int]:
    """The value counted anew; places, quotas and edges are checked."""
    keys = {int(key): number for number, key in enumerate(problem.edges.keys)}
    taken = [keys[int(key)] for key in optimum.taken.keys]
    assert len(set(taken)) == len(taken)
    for one, ends in ((problem.mentors, optimum.taken.mentor), (problem.mentees, optimum.taken.mentee)):
        assert (np.bincount(ends, minlength=len(one)) <= one.places).all()
    for who, at, places in problem.quotas:
        counted = who[optimum.taken.mentor]
        if at is not None:
            counted &= optimum.taken.mentee == at
        assert counted.sum() <= places
    return vector(problem, taken)


def proven_bound(problem: Problem, claim: Claimed) -> tuple[int, ...]:
    """What a claim's prices allow on all edges, in exact lexicographic arithmetic, person by person and edge by edge."""
    levels, least, prices, _ = claim

    def positive(margin: list[int]) -> bool:
        return next((value > 0 for value in margin if value), False)

    total = [0] * len(levels)

    def add(margin: list[int], times: int) -> None:
        if positive(margin):
            for place, value in enumerate(margin):
                total[place] += times * value

    for number, one in enumerate((problem.mentors, problem.mentees)):
        for place in range(len(one)):
            price = [int(level[number][place]) for level in prices]
            free, first = int(one.places[place]), int(one.coverable[place] and one.places[place] > 0)
            covers = [int(level == f"class:{int(one.priority[place])}") for level in levels]
            add([mine + gain for mine, gain in zip(price, covers, strict=True)], first)
            add(price, free - first)
    for number, (_, _, places) in enumerate(problem.quotas):
        price = [int(level[2][number]) for level in prices]
        assert not any(price) or positive(price)
        add(price, places)
    for edge in range(len(problem.edges)):
        row, column = int(problem.edges.mentor[edge]), int(problem.edges.mentee[edge])
        if problem.edges.score[edge] < least or not problem.mentors.places[row] or not problem.mentees.places[column]:
            continue
        gains = {
            "score": int(problem.edges.score[edge]),
            "kept": int(problem.edges.kept[edge]),
            "ties": int(pair_rank(problem.mentors.names[row], problem.mentees.names[column])),
        }
        excess = []
        for level, name in zip(prices, levels, strict=True):
            cost = int(level[0][row]) + int(level[1][column])
            for quota, (who, at, _) in enumerate(problem.quotas):
                if who[row] and at in {None, column}:
                    cost += int(level[2][quota])
            excess.append(gains.get(name, 0) - cost)
        add(excess, 1)
    return tuple(total)
