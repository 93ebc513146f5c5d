"""The best matching of a candidate graph (most people covered, then the highest sum of scores), against named solvers.

Three families on graphs of 50 candidates each with integer scores of 200 to 1000 and many equal ones: one to one and
tight (a perfect matching exists), seats for 90 % of the mentees, and capacities of 1 to 3 on both sides. Every contender
gets the same arrays, and every optimum must be the same. A peer runs in a process of its own and may take 4 GiB and 120 s;
one that takes more is reported and has no row. SciPy, lapx and OR-Tools' assignment solve only the first family.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matching.domain.graph import Edges, Side
from matching.domain.objective import Objective
from matching.domain.solver_fit import Fit
from matching.domain.solver_stages import Candidates
from numpy.typing import NDArray

from load.rows import Bench, Goal, Peer

SIZES = (1000, 5000, 10_000, 20_000, 50_000)
MEMORY = 4 * 2**30
SECONDS = 120.0
CANDIDATES = 50
FAMILIES = ("one_to_one_tight", "seats_for_ninety", "capacities_one_to_three")
PEERS = {
    "one_to_one_tight": ("ortools_min_cost_flow", "ortools_assignment", "lapx", "scipy"),
    "seats_for_ninety": ("ortools_min_cost_flow",),
    "capacities_one_to_three": ("ortools_min_cost_flow",),
}
Arrays = dict[str, NDArray[np.int64]]


class _Given:
    """A source whose candidates are all there is."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    def best(self, most: int) -> Edges:
        return self._edges


def instance(family: str, size: int) -> Arrays:
    """Places of both sides and the edges, sorted by (mentor, mentee). Scores follow how sought both are, and chance."""
    draw = np.random.default_rng([size, FAMILIES.index(family)])
    sought = draw.normal(0, 60, size), draw.normal(0, 60, size)
    drawn = draw.integers(0, size, (size, 4 * CANDIDATES))
    scores = 600 + sought[0][:, None] + sought[1][drawn] + draw.normal(0, 120, drawn.shape)
    best = np.argpartition(-scores, CANDIDATES, axis=1)[:, :CANDIDATES]
    rows = np.concatenate([np.repeat(np.arange(size), CANDIDATES), np.arange(size)])
    columns = np.concatenate([np.take_along_axis(drawn, best, 1).ravel(), draw.permutation(size)])
    values = np.concatenate([np.take_along_axis(scores, best, 1).ravel(), draw.integers(200, 401, size)])
    keys, first = np.unique(rows << 32 | columns, return_index=True)
    one = np.ones(size, np.int64)
    if family == "one_to_one_tight":
        places = one, one
    elif family == "seats_for_ninety":
        places = np.bincount(draw.integers(0, size, size * 9 // 10), minlength=size).clip(0, 3), one
    else:
        places = draw.integers(1, 4, size), draw.integers(1, 4, size)
    return {
        "mentor_places": places[0],
        "mentee_places": places[1],
        "mentor": keys >> 32,
        "mentee": keys & 0xFFFFFFFF,
        "score": np.clip(np.rint(values[first]), 200, 1000).astype(np.int64),
    }


def ours(given: Arrays) -> tuple[float, tuple[int, int]]:
    """Seconds, and (people covered, sum of scores), with the coverage and the proof on the graph included."""
    sides = [_side(given["mentor_places"]), _side(given["mentee_places"])]
    edges = Edges.of(given["mentor"], given["mentee"], given["score"])
    began = time.perf_counter()
    objective = Objective.of(*sides, rematch=False)
    fit = Fit(Candidates(objective, _Given(edges), lambda stage, share: None), 1)  # type: ignore[arg-type]
    fit.solve(None)
    seconds = time.perf_counter() - began
    people, score, _ = objective.reached(fit.edges.select(fit.flow.taken), 0)
    return seconds, (people, score)


def _side(places: NDArray[np.int64]) -> Side:
    size = len(places)
    names = np.arange(size, dtype=np.uint64)
    return Side(places.astype(np.int32), np.ones(size, np.bool_), np.ones(size, np.int8), names)


def ortools_min_cost_flow(given: Arrays) -> tuple[float, tuple[int, int]]:
    """SimpleMinCostFlow; a person covered is worth more than all scores together."""
    from ortools.graph.python import min_cost_flow

    rows, columns = len(given["mentor_places"]), len(given["mentee_places"])
    weight = 1 + 1000 * int(min(given["mentor_places"].sum(), given["mentee_places"].sum()))
    near, away = 1 + np.arange(rows), 1 + rows + np.arange(columns)
    first = [(given[name] > 0).astype(np.int64) for name in ("mentor_places", "mentee_places")]
    arcs = (
        np.concatenate([0 * near, 0 * near, 1 + given["mentor"], away, away]),
        np.concatenate([near, near, 1 + rows + given["mentee"], 0 * away, 0 * away]),
        np.concatenate(
            [
                first[0],
                given["mentor_places"] - first[0],
                np.ones_like(given["mentor"]),
                first[1],
                given["mentee_places"] - first[1],
            ]
        ),
        np.concatenate([-weight * first[0], 0 * near, -given["score"], -weight * first[1], 0 * away]),
    )
    solver: Any = min_cost_flow.SimpleMinCostFlow()
    began = time.perf_counter()
    solver.add_arcs_with_capacity_and_unit_cost(*arcs)
    solver.set_nodes_supplies(np.arange(1 + rows + columns), np.zeros(1 + rows + columns, np.int64))
    if solver.solve() != solver.OPTIMAL:
        raise RuntimeError("no optimum")
    seconds = time.perf_counter() - began
    people, score = divmod(-int(solver.optimal_cost()), weight)
    return seconds, (people, score)


def ortools_assignment(given: Arrays) -> tuple[float, tuple[int, int]]:
    """SimpleLinearSumAssignment, OR-Tools' own solver for one to one."""
    from ortools.graph.python import linear_sum_assignment

    solver: Any = linear_sum_assignment.SimpleLinearSumAssignment()
    began = time.perf_counter()
    solver.add_arcs_with_cost(given["mentor"], given["mentee"], -given["score"])
    if solver.solve() != solver.OPTIMAL:
        raise RuntimeError("no optimum")
    return time.perf_counter() - began, (2 * len(given["mentor_places"]), -int(solver.optimal_cost()))


def lapx(given: Arrays) -> tuple[float, tuple[int, int]]:
    """lapx' sparse LAPMOD, on costs of 1001 less the score."""
    import lap

    size = len(given["mentor_places"])
    starts = np.searchsorted(given["mentor"], np.arange(size + 1)).astype(np.int32)
    columns, costs = given["mentee"].astype(np.int32), (1001 - given["score"]).astype(np.float64)
    began = time.perf_counter()
    cost, *_ = lap.lapmod(size, costs, starts, columns)
    return time.perf_counter() - began, (2 * size, 1001 * size - round(cost))


def scipy(given: Arrays) -> tuple[float, tuple[int, int]]:
    """min_weight_full_bipartite_matching, on costs of 1001 less the score (it drops edges of cost 0)."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    size = len(given["mentor_places"])
    graph = csr_matrix((1001.0 - given["score"], (given["mentor"], given["mentee"])), shape=(size, size))
    began = time.perf_counter()
    rows, columns = min_weight_full_bipartite_matching(graph)
    seconds = time.perf_counter() - began
    return seconds, (2 * len(rows), 1001 * size - round(float(graph[rows, columns].sum())))


async def run(bench: Bench, servers: object, quick: bool) -> None:
    """A row per family, size and peer: milliseconds, medians of alternating rounds."""
    with TemporaryDirectory(prefix="updraft-matching-") as place:
        ours(instance("capacities_one_to_three", 500))
        for family in FAMILIES:
            for size in SIZES[:2] if quick else SIZES:
                await _measure(bench, Path(place), family, size)


async def _measure(bench: Bench, place: Path, family: str, size: int) -> None:
    given = instance(family, size)
    path = place / f"{family}-{size}.npz"
    np.savez(path, allow_pickle=False, **given)
    _, optimum = ours(given)

    async def own() -> float:
        seconds, found = await asyncio.to_thread(ours, given)
        assert found == optimum, (found, optimum)
        return 1000 * seconds

    name = f"matching solver, {family}, {size:,} a side"
    peers = []
    for peer in PEERS[family]:
        try:
            await _in_child(peer, path, optimum)
        except PeerFailed as fault:
            bench.say(f"{name}: {peer} {fault}")
        else:
            peers.append(Peer(peer, _round(peer, path, optimum)))
    rows = await bench.alternate(name, "ms", own, peers)
    least = 10.0 if family == "capacities_one_to_three" else 1.0
    for row in rows:
        if row.ratio:
            reached = 1 / row.ratio
            bench.record(f"{row.name}, times faster", "x", [reached], goal=Goal(least=least))


class PeerFailed(Exception):
    """A peer took too much memory or time, or gave no answer."""


def _round(peer: str, path: Path, optimum: tuple[int, int]) -> Callable[[], Awaitable[float]]:
    return lambda: _in_child(peer, path, optimum)


async def _in_child(peer: str, path: Path, optimum: tuple[int, int]) -> float:
    """Milliseconds of one peer in a process of its own; PeerFailed past its limits."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load.matching_solver", peer, str(path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(child.communicate(), SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        raise PeerFailed(f"took more than {SECONDS:.0f} s") from None
    if child.returncode:
        raise PeerFailed(f"ended with {child.returncode} within {MEMORY // 2**30} GiB")
    seconds, people, score = said.decode().split()
    assert (int(people), int(score)) == optimum, (peer, people, score, optimum)
    return 1000 * float(seconds)


def _child(peer: str, path: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    solvers = {one.__name__: one for one in (ortools_min_cost_flow, ortools_assignment, lapx, scipy)}
    with np.load(path) as file:
        given = {name: file[name] for name in file.files}
    seconds, (people, score) = solvers[peer](given)
    sys.stdout.write(f"{seconds} {people} {score}\n")


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2])
