"""The exact lexicographic optimum of the whole problem, behind a source of edges that nobody needs to hold.

Each stage solves a graph of candidates, asks the source for what its prices do not rule out, adds that and goes on,
until nothing is left: then the prices hold for all edges, and prove the level (gap 0). What is known of the edges that
are no candidates is kept (`solver_known`), so that later passes look only where prices fell.

1. Coverage by class (`flow_coverage`); proof: those reached from the uncovered have no further edges.
2. A fresh run: the highest score at which the edges from there on still cover as many (binary search).
3. Kept pairs and the sum of scores with the coverage as weights (`objective`), by auction and exact paths (`flow`).
4. Ties: the same on the optimal face of stage 3, that is with the edges and places that all its optima share fixed. The last
   passes of stage 3 also collect the edges at exactly the sum of their prices, which are all that the face can hold.

The prices of a result are brought into one form, so that how the solver came to it leaves no trace.

Problems with quotas take another way (`flow_quotas`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matching.domain.flow_quotas import optimise_with_quotas
from matching.domain.graph import EdgeSource, Flags, Side
from matching.domain.objective import HIGHEST_SCORE, Fresh, Objective, Optimum, Report, Start, Unsolvable
from matching.domain.solver_fit import Fit
from matching.domain.solver_stages import Candidates, cover_all, cover_candidates, highest_floor
from matching.domain.solver_ties import best_fit

__all__ = ["SOLVER_NAME", "SOLVER_VERSION", "Fresh", "Optimum", "Start", "Unsolvable", "optimise"]

SOLVER_NAME = "updraft-auction-and-paths"
SOLVER_VERSION = "2"


def optimise(
    mentors: Side,
    mentees: Side,
    source: EdgeSource,
    *,
    rematch: bool,
    deadline: Callable[[], bool] | None = None,
    progress: Report | None = None,
    quotas: Sequence[tuple[Flags, int | None, int]] = (),
    start: Start | None = None,
    most_floor: int = HIGHEST_SCORE,
    compare: bool = False,
) -> Optimum:
    """The optimum in coverage by class, floor (or for a re-match kept pairs), score and ties, with its proof.

    `quotas` are (which mentors count, the mentee's position or None for all, places). `deadline` is asked between passes
    over all edges of stages 3 and 4: once it is true the result may be `bounded`. `progress` hears of a stage and its
    share done; it may raise to cancel. `start` is what an earlier run on similar people proved: it changes how long it takes,
    not what comes out. The floor is not raised above `most_floor`; reached, it has no claim, and where nobody can newly be
    covered it is the floor. With `compare` a re-match also
    says what a fresh match would come to. Equal arguments give equal results. Raises Unsolvable, never a guess.
    """
    objective = Objective.of(mentors, mentees, rematch=rematch)
    told = progress or (lambda stage, share: None)
    late = deadline or (lambda: False)
    if quotas:
        return optimise_with_quotas(objective, source, quotas, told, most_floor=most_floor, compare=compare)
    if rematch and compare:
        return _beside_fresh(objective, source, told, late, start)
    candidates = Candidates(objective, source, told, start=start)
    coverage, claim = cover_all(candidates)
    if rematch or not any(coverage.profile):
        least = most_floor if most_floor < HIGHEST_SCORE and not rematch else 0
        return best_fit(candidates, least, {} if rematch else {"coverage": claim}, late, start)
    floor, proof = highest_floor(candidates, coverage, most=most_floor, guess=0 if start is None else start.floor)
    claims = {"coverage": claim, **({} if proof is None else {"floor": proof})}
    return best_fit(candidates, floor, claims, late, start)


def _beside_fresh(
    objective: Objective, source: EdgeSource, told: Report, late: Callable[[], bool], start: Start | None
) -> Optimum:
    """A re-match, begun from the fresh optimum of the same people, which is stated beside it."""
    plain = replace(objective, rematch=False, kept=0)
    candidates = Candidates(plain, source, told, start=start, kept=True)
    coverage, _ = cover_all(candidates)
    floor = 0
    if any(coverage.profile):
        floor, _ = highest_floor(candidates, coverage, guess=0 if start is None else start.floor)
    fit = Fit(candidates, max(1, floor))
    fit.solve(start)
    proven = fit.price_out(late) is None
    taken = fit.edges.select(fit.flow.taken)
    fresh = Fresh(int(taken.score.sum()), floor if len(taken) else 0, proven, fit.start)
    kept = Candidates(objective, source, told, others=candidates)
    kept.taken = cover_candidates(kept, 1).taken
    best = best_fit(kept, 0, {}, late, fresh.start)
    counted = {f"fresh_{name}": number for name, number in candidates.statistics.items()}
    return replace(best, fresh=fresh, statistics={**best.statistics, **counted})
