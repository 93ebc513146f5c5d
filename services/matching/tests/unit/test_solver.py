"""The whole objective vector against enumeration, and what must hold of every optimum and of its proof."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from matching.domain.graph import Edges, ListedEdges, Longs, Side
from matching.domain.objective import Optimum, Unsolvable
from matching.domain.solver import optimise
from ortools.graph.python import min_cost_flow

from .solver_problems import (
    Problem,
    best_by_enumeration,
    drawn,
    proven_bound,
    shuffled,
    value_of,
)


def solved(problem: Problem, **options: object) -> Optimum:
    return optimise(
        problem.mentors,
        problem.mentees,
        problem.source,
        rematch=problem.rematch,
        quotas=problem.quotas,
        **options,  # type: ignore[arg-type]
    )


def people(places: list[int], *, covered: tuple[int, ...] = (), priority: int = 1, first_name: int = 0) -> Side:
    return Side(
        np.array(places, np.int32),
        np.array([place not in covered for place in range(len(places))], np.bool_),
        np.full(len(places), priority, np.int8),
        np.arange(first_name, first_name + len(places), dtype=np.uint64),
    )


def problem_of(mentors: Side, mentees: Side, scores: dict[tuple[int, int], int]) -> Problem:
    pairs = sorted(scores)
    edges = Edges.of([row for row, _ in pairs], [column for _, column in pairs], [scores[pair] for pair in pairs])
    return Problem(mentors, mentees, edges)


def assert_is_the_enumerated_optimum(problem: Problem) -> None:
    optimum = solved(problem)
    coverage, floor, kept, score, ties = best_by_enumeration(problem)
    assert value_of(problem, optimum) == (coverage, floor, kept, score, ties)
    flat = (*coverage, *((kept,) if problem.rematch else ()), score, ties)
    assert optimum.values == optimum.bounds == flat
    assert optimum.status == "optimal"
    assert optimum.floor == floor
    for name, claim in optimum.prices.items():
        bound = proven_bound(problem, claim)
        assert bound == {"coverage": coverage, "floor": bound, "result": flat}[name]
        if name == "floor":
            assert claim[1] == floor + 1
            assert bound < coverage


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("block", range(20))
def test_the_whole_objective_equals_enumeration(block: int) -> None:
    for seed in range(150 * block, 150 * (block + 1)):
        assert_is_the_enumerated_optimum(drawn(seed))


@pytest.mark.parametrize("block", range(10))
def test_the_whole_objective_equals_enumeration_with_quotas(block: int) -> None:
    for seed in range(10_000 + 100 * block, 10_000 + 100 * (block + 1)):
        assert_is_the_enumerated_optimum(drawn(seed, quotas=True))


def test_the_trap_two_people_left_unmatched_although_all_can_be() -> None:
    # Scores 10, 4, 4 and one forbidden pair: taking the 10, as greedy and stable matching do, leaves two people alone.
    trap = problem_of(people([1, 1]), people([1, 1], first_name=9), {(0, 0): 10, (0, 1): 4, (1, 0): 4})
    optimum = solved(trap)
    assert optimum.values[:2] == (4, 8)
    assert optimum.taken.keys.tolist() == [1, 1 << 32]


def test_distinct_people_come_before_further_places() -> None:
    scores = {(0, 0): 1000, (0, 1): 1000, (1, 1): 1}
    assert solved(problem_of(people([2, 1]), people([1, 1]), scores)).values[0] == 4
    assert solved(problem_of(people([2, 1]), people([1, 2]), scores)).values[:2] == (4, 2001)


def test_the_floor_comes_before_the_sum() -> None:
    # 1000 + 1 is more than 300 + 300, but its worst pair is worse.
    optimum = solved(problem_of(people([1, 1]), people([1, 1]), {(0, 0): 1000, (1, 1): 1, (0, 1): 300, (1, 0): 300}))
    assert (optimum.floor, optimum.values[1]) == (300, 600)


def test_a_rematch_keeps_most_pairs_before_it_looks_at_scores() -> None:
    given = problem_of(people([1, 1]), people([1, 1]), {(0, 0): 900, (1, 1): 900, (0, 1): 1, (1, 0): 1})
    kept = np.array([edge in (1, 2) for edge in range(4)])
    given = replace(given, rematch=True, edges=replace(given.edges, kept=kept))
    assert solved(given).values[:3] == (4, 2, 2)


def test_nothing_to_match() -> None:
    nobody = people([])
    assert solved(problem_of(nobody, nobody, {})).values == (0, 0)
    assert len(solved(problem_of(people([1]), nobody, {})).taken) == 0
    assert len(solved(problem_of(people([0]), people([3]), {(0, 0): 9})).taken) == 0


def same_proof(one: Optimum, other: Optimum) -> bool:
    return one.prices.keys() == other.prices.keys() and all(
        (mine == theirs).all()
        for name, claim in one.prices.items()
        for level, same in zip(claim[2], other.prices[name][2], strict=True)
        for mine, theirs in zip(level, same, strict=True)
    )


def large(seed: int, size: int, most: int, degree: int = 12) -> Problem:
    draw = np.random.default_rng(seed)
    sides = [
        Side(
            draw.integers(0 if most > 1 else 1, most + 1, size).astype(np.int32),
            draw.random(size) < 0.95,
            draw.integers(1, 3, size).astype(np.int8),
            draw.integers(0, 2**63, size).astype(np.uint64),
        )
        for _ in range(2)
    ]
    keys = np.unique(draw.integers(0, size, size * degree) << 32 | draw.integers(0, size, size * degree))
    edges = Edges.of(keys >> 32, keys & 0xFFFFFFFF, draw.integers(1, draw.choice([3, 30, 1000]) + 1, len(keys)))
    return Problem(sides[0], sides[1], edges)


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("seed", range(12))
def test_the_order_of_people_changes_nothing(seed: int) -> None:
    given = large(seed, 60, 1 + seed % 3)
    other, rows, columns = shuffled(given, seed)
    mine, theirs = solved(given), solved(other)
    assert mine.values == theirs.values
    pairs = {
        (rows[mentor], columns[mentee]) for mentor, mentee in zip(mine.taken.mentor, mine.taken.mentee, strict=True)
    }
    assert pairs == set(zip(theirs.taken.mentor.tolist(), theirs.taken.mentee.tolist(), strict=True))
    again = solved(given)
    assert again.values == mine.values
    assert same_proof(again, mine)


@pytest.mark.parametrize("block", range(4))
def test_one_more_edge_or_place_never_lowers_the_objective(block: int) -> None:
    compared = 0
    for seed in range(100 * block, 100 * (block + 1)):
        given = drawn(20_000 + seed)
        if given.rematch or not len(given.edges):
            continue
        before = solved(given)
        less = given.edges.select(np.arange(len(given.edges)) != seed % len(given.edges))
        assert comparable(before) >= comparable(solved(replace(given, edges=less)))
        places = given.mentors.places.copy()
        places[seed % len(places)] += 1
        larger = solved(replace(given, mentors=replace(given.mentors, places=places)))
        # The first place of somebody of a class of its own adds a level to the vector.
        if larger.levels == before.levels:
            assert comparable(larger) >= comparable(before)
            compared += 1
    assert compared > 20


def comparable(optimum: Optimum) -> tuple[int, ...]:
    return (*optimum.values[:-2], optimum.floor, *optimum.values[-2:])


def by_ortools(given: Problem, least: int) -> int:
    """Coverage (all of one class) and score packed into one, by OR-Tools' minimum-cost flow."""
    edges = given.edges.select(given.edges.score >= least)
    rows, columns = len(given.mentors), len(given.mentees)
    near, away, root = 1 + np.arange(rows), 1 + rows + np.arange(columns), np.zeros(1, np.int64)
    first = [one.coverable & (one.places > 0) for one in (given.mentors, given.mentees)]
    weight = 10**7
    solver = min_cost_flow.SimpleMinCostFlow()
    solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([root.repeat(2 * rows), 1 + edges.mentor, away, away]),
        np.concatenate([near, near, 1 + rows + edges.mentee, root.repeat(2 * columns)]),
        np.concatenate(
            [first[0], given.mentors.places - first[0], np.ones(len(edges)), first[1], given.mentees.places - first[1]]
        ).astype(np.int64),
        np.concatenate(
            [-weight * first[0], 0 * near, -edges.score, -weight * first[1], 0 * away],
        ).astype(np.int64),
    )
    solver.set_nodes_supplies(np.arange(1 + rows + columns), np.zeros(1 + rows + columns, np.int64))
    assert solver.solve() == solver.OPTIMAL
    return int(-solver.optimal_cost())


@pytest.mark.parametrize("block", range(10))
def test_equal_to_ortools_on_500_problems(block: int) -> None:
    for seed in range(50 * block, 50 * (block + 1)):
        given = large(seed, random.Random(seed).randint(5, 60), 1 + seed % 3, 1 + seed % 9)
        given = replace(
            given,
            mentors=replace(given.mentors, priority=np.ones_like(given.mentors.priority)),
            mentees=replace(given.mentees, priority=np.ones_like(given.mentees.priority)),
        )
        optimum = solved(given)
        assert optimum.values[0] * 10**7 + optimum.values[1] == by_ortools(given, max(1, optimum.floor))


class Narrow(ListedEdges):
    """A source whose first candidates are few, so that the solver has to ask for the rest."""

    def best(self, most: int) -> Edges:
        return super().best(1)


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("seed", range(30))
def test_what_the_first_candidates_lack_is_priced_in_until_the_gap_is_0(seed: int) -> None:
    given = large(seed, 50, 1 + seed % 3)
    passes: list[str] = []
    narrow = optimise(
        given.mentors,
        given.mentees,
        Narrow(given.mentors, given.mentees, given.edges),
        rematch=False,
        progress=lambda stage, share: passes.append(stage),
    )
    whole = solved(given)
    assert narrow.values == whole.values == narrow.bounds
    assert (narrow.taken.keys == whole.taken.keys).all()
    assert same_proof(narrow, whole)
    assert narrow.statistics["edges_added"] > 0
    assert set(passes) == {"candidates", "coverage", "floor", "fit", "ties"}
    assert proven_bound(given, narrow.prices["result"]) == narrow.values


@pytest.mark.parametrize("seed", range(10))
def test_a_deadline_leaves_a_valid_result_and_a_proven_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = large(seed, 50, 1 + seed % 3)
    if seed % 2:
        # More exceed the prices than one pass lists.
        monkeypatch.setattr("matching.domain.solver_fit.MOST", 4)
    source = Narrow(given.mentors, given.mentees, given.edges)
    bounded = optimise(given.mentors, given.mentees, source, rematch=False, deadline=lambda: True)
    best = solved(given)
    assert value_of(given, bounded)[0] == best.values[:-2]
    assert bounded.values <= best.values <= bounded.bounds
    assert proven_bound(given, bounded.prices["result"]) <= bounded.bounds
    assert bounded.status == ("optimal" if bounded.values == bounded.bounds else "bounded")


def test_a_start_from_an_earlier_result_changes_nothing_but_the_way() -> None:
    passes = [0, 0]
    for seed in range(12):
        given = large(seed, 60, 1 + seed % 3)
        without = given.edges.select(np.arange(len(given.edges)) % 40 != 0)
        less = replace(given, edges=without)
        warm, cold = solved(less, start=solved(given).start), solved(less)
        assert warm.values == cold.values
        assert (warm.taken.keys == cold.taken.keys).all()
        assert same_proof(warm, cold)
        passes[0] += warm.statistics.get("coverage_passes", 0)
        passes[1] += cold.statistics["coverage_passes"]
    assert passes[0] < passes[1]


@pytest.mark.parametrize("block", range(4))
def test_a_rematch_states_the_fresh_optimum_beside_it(block: int) -> None:
    compared = 0
    for seed in range(40_000 + 100 * block, 40_000 + 100 * (block + 1)):
        given = drawn(seed, quotas=seed % 4 == 0)
        if not given.rematch:
            continue
        alone, fresh = solved(given), solved(replace(given, rematch=False))
        for start in (None, alone.start, fresh.start):
            beside = solved(given, compare=True, start=start)
            assert beside.fresh is not None
            assert beside.fresh.proven
            assert (beside.fresh.score, beside.fresh.floor) == (fresh.values[-2], fresh.floor)
            assert beside.values == alone.values
            assert (beside.taken.keys == alone.taken.keys).all()
            assert same_proof(beside, alone)
        compared += 1
    assert compared > 15


@pytest.mark.parametrize("seed", range(12))
def test_a_rematch_after_withdrawals_comes_to_the_same_from_any_start(seed: int) -> None:
    given = large(seed, 60, 1 + seed % 3)
    before = solved(given)
    draw = np.random.default_rng(seed)
    sides = [
        replace(one, places=np.where(draw.random(60) < 0.05, 0, one.places)) for one in (given.mentors, given.mentees)
    ]
    edges = replace(given.edges, kept=given.edges.among(before.taken.keys))
    again = Problem(sides[0], sides[1], edges, rematch=True)
    source = Narrow(again.mentors, again.mentees, again.edges)
    cold = solved(again)
    warm = optimise(again.mentors, again.mentees, source, rematch=True, start=before.start, compare=True)
    fresh = solved(replace(again, rematch=False))
    assert warm.fresh is not None
    assert (warm.fresh.score, warm.fresh.floor) == (fresh.values[-2], fresh.floor)
    assert warm.values == cold.values == warm.bounds
    assert (warm.taken.keys == cold.taken.keys).all()
    assert same_proof(warm, cold)
    assert proven_bound(again, warm.prices["result"]) == warm.values


class Counted(ListedEdges):
    """A source that counts how often the pairs to keep are asked for."""

    pinned_asked = 0

    def pinned(self) -> Edges:
        self.pinned_asked += 1
        return super().pinned()


@pytest.mark.parametrize("seed", range(6))
def test_a_rematch_that_keeps_all_pairs_leaves_their_worth_with_the_mentors(seed: int) -> None:
    given = large(seed, 200, 1)
    given = replace(
        given,
        **{
            name: replace(getattr(given, name), coverable=np.ones(200, np.bool_), priority=np.ones(200, np.int8))
            for name in ("mentors", "mentees")
        },
    )
    before = solved(given)
    gone = before.taken.mentee[::40]
    mentees = replace(given.mentees, places=np.where(np.isin(np.arange(200), gone), 0, given.mentees.places))
    again = Problem(
        given.mentors, mentees, replace(given.edges, kept=given.edges.among(before.taken.keys)), rematch=True
    )
    source = Counted(again.mentors, again.mentees, again.edges)
    best = optimise(again.mentors, again.mentees, source, rematch=True, start=before.start, compare=True)
    levels, _, prices, _ = best.prices["result"]
    of_mentors, of_mentees, _ = prices[levels.index("kept")]
    assert best.values[levels.index("kept")] == len(before.taken) - len(gone)
    assert set(of_mentors[best.taken.mentor[best.taken.kept]].tolist()) == {1}
    assert set(of_mentees.tolist()) == {0}
    assert source.pinned_asked == 1
    assert same_proof(best, solved(again))


@pytest.mark.parametrize("seed", range(4))
def test_a_deadline_leaves_a_valid_rematch(seed: int) -> None:
    given = large(seed, 50, 1 + seed % 3)
    edges = replace(given.edges, kept=given.edges.among(solved(given).taken.keys[::2]))
    again = replace(given, edges=edges, rematch=True)
    source = Narrow(again.mentors, again.mentees, again.edges)
    bounded = optimise(again.mentors, again.mentees, source, rematch=True, deadline=lambda: True, compare=True)
    best = solved(again)
    assert bounded.values <= best.values <= bounded.bounds
    assert proven_bound(again, bounded.prices["result"]) <= bounded.bounds


@pytest.mark.parametrize("quotas", [False, True])
def test_the_floor_can_be_bounded(quotas: bool) -> None:
    bounded = 0
    for seed in range(50_000, 50_150):
        given = drawn(seed, quotas=quotas)
        best = solved(given)
        if given.rematch or best.floor < 2:
            continue
        most = 1 + seed % best.floor
        capped = solved(given, most_floor=most)
        # Edges below the bound removed, the highest floor is the bound or more, and the sum counts next.
        above = replace(given, edges=given.edges.select(given.edges.score >= most), rematch=True)
        coverage, _, _, score, _ = best_by_enumeration(
            replace(above, edges=replace(above.edges, kept=np.zeros(len(above.edges), np.bool_)))
        )
        assert (capped.floor, capped.values[:-1]) == (most, (*coverage, score))
        assert ("floor" in capped.prices) is False
        assert proven_bound(given, capped.prices["result"]) == capped.values
        assert solved(given, most_floor=best.floor + 1).values == best.values
        bounded += 1
    assert bounded > 30


def test_more_equal_scores_than_a_pass_may_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the face of the fit is not known as a whole, and its edges are priced out like others."""
    passes = []
    for seed in range(12):
        given = large(seed, 40, 1 + seed % 3, 20)
        given = replace(given, edges=replace(given.edges, score=1 + given.edges.score % 2))
        whole = solved(given)
        with monkeypatch.context() as patch:
            patch.setattr("matching.domain.solver_fit.MOST", 4)
            patch.setattr("matching.domain.solver_fit.MOST_OF_A_ROW", 4)
            patch.setattr("matching.domain.solver_ties.MOST", 4)
            source = Narrow(given.mentors, given.mentees, given.edges)
            narrow = optimise(given.mentors, given.mentees, source, rematch=False)
        passes.append(narrow.statistics["tie_passes"])
        assert narrow.values == whole.values == narrow.bounds
        assert (narrow.taken.keys == whole.taken.keys).all()
        assert same_proof(narrow, whole)
    assert min(passes) > 0
    assert max(passes) > 1


def test_progress_that_raises_cancels() -> None:
    def stop(stage: str, share: float) -> None:
        if stage == "fit":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        solved(large(1, 20, 1), progress=stop)


def test_a_result_that_its_prices_do_not_prove_is_never_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(*arguments: Longs) -> tuple[int, int]:
        return 0, 0

    monkeypatch.setattr("matching.domain.flow.serve", lazy)
    trap = problem_of(people([1, 1]), people([1, 1], first_name=9), {(0, 0): 10, (0, 1): 4, (1, 0): 4})
    with pytest.raises(Unsolvable):
        solved(trap)
