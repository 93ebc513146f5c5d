"""The exact lexicographic optimum of the whole problem, behind a source of edges that nobody needs to hold.

Each stage solves a graph of candidates, asks the source for what its prices do not rule out, adds that and goes on,
until nothing is left: then the prices hold for all edges, and prove the level (gap 0).

1. Coverage by class (`flow_coverage`); proof: those reached from the uncovered have no further edges.
2. A fresh run: the highest score at which the edges from there on still cover as many (binary search).
3. Kept pairs and the sum of scores with the coverage as weights (`objective`), by auction and exact paths (`flow`).
4. Ties: the same on the optimal face of stage 3, that is with the edges and places that all its optima share fixed.

Problems with quotas take another way (`flow_quotas`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matching.domain.flow_quotas import optimise_with_quotas
from matching.domain.graph import EdgeSource, Flags, Side
from matching.domain.objective import Objective, Optimum, Report, Unsolvable
from matching.domain.solver_fit import best_fit
from matching.domain.solver_stages import Candidates, cover_all, highest_floor

__all__ = ["SOLVER_NAME", "SOLVER_VERSION", "Optimum", "Unsolvable", "optimise"]

SOLVER_NAME = "updraft-auction-and-paths"
SOLVER_VERSION = "1"


def optimise(
    mentors: Side,
    mentees: Side,
    source: EdgeSource,
    *,
    rematch: bool,
    deadline: Callable[[], bool] | None = None,
    progress: Report | None = None,
    quotas: Sequence[tuple[Flags, int | None, int]] = (),
    start: Optimum | None = None,
) -> Optimum:
    """The optimum in coverage by class, floor (or for a re-match kept pairs), score and ties, with its proof.

    `quotas` are (which mentors count, the mentee's position or None for all, places). `deadline` is asked between passes
    over all edges of stages 3 and 4: once it is true the result may be `bounded`. `progress` hears of a stage and its
    share done; it may raise to cancel. `start` is an earlier result of a similar problem with as many people: it
    changes how long it takes, not what comes out. Equal arguments give equal results. Raises Unsolvable, never a guess.
    """
    objective = Objective.of(mentors, mentees, rematch=rematch)
    told = progress or (lambda stage, share: None)
    late = deadline or (lambda: False)
    if quotas:
        return optimise_with_quotas(objective, source, quotas, told)
    candidates = Candidates(objective, source, told)
    coverage = cover_all(candidates)
    if rematch or not any(coverage.profile):
        return best_fit(candidates, 0, {} if rematch else {"coverage": coverage.claim}, late, start)
    floor, proof = highest_floor(candidates, coverage)
    return best_fit(candidates, floor, {"coverage": coverage.claim, "floor": proof}, late, start)
