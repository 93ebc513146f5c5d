"""Stage 4 of the solver: the highest sum of ranks on the optimal face of stage 3, and the whole result with its proof."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matching.domain.flow import Flow, Network, Seating, centre, improve, maximise
from matching.domain.graph import Flags, Longs
from matching.domain.objective import Claimed, Optimum, PricesOfLevel, Start, Unsolvable, lexical_bound
from matching.domain.solver_fit import Fit, Prices
from matching.domain.solver_stages import Candidates
from matching.domain.ties import RANKS, pair_ranks

TIE_STEPS = (2**36, 2**33, 2**30, 2**27, 2**24, 2**21)
MOST = 32
"""Edges per mentor that one pass over all edges may add."""
_MUST = 2**59
"""What a place is worth that every optimum uses: more than any sum of ranks on a chain of changes."""


def best_fit(
    candidates: Candidates,
    floor: int,
    claims: dict[str, Claimed],
    late: Callable[[], bool],
    start: Start | None,
) -> Optimum:
    """Stages 3 and 4 on the edges from `floor` (0: all), and the whole result."""
    objective = candidates.objective
    fit = Fit(candidates, max(1, floor))
    fit.solve(start)
    bound = fit.price_out(late)
    ties = Ties(fit)
    ties.solve()
    proven = bound is None and ties.price_out(late)
    taken = fit.edges.select(ties.taken)
    reached = objective.reached(taken, int(ties.ranks()[ties.taken].sum()))
    claim = _claim(fit, ties, bound, proven=proven)
    if proven and claim[3] != reached:
        raise Unsolvable(f"the prices prove {claim[3]}, the pairs reach {reached}")
    return Optimum(
        taken=taken,
        levels=objective.levels,
        values=reached,
        bounds=claim[3],
        floor=floor if len(taken) else 0,
        status="optimal" if claim[3] == reached else "bounded",
        prices={**claims, "result": claim},
        statistics={**candidates.statistics, **fit.flow.statistics, "candidates": len(candidates.edges)},
    )


class Ties:
    """The optimum in ranks among the optima of a fit. Once `price_out` has returned True, its prices depend on the problem alone."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._bounds = [_used(seats, prices) for seats, prices in zip(fit.seats, fit.prices, strict=True)]
        self._flow: Flow | None = None
        self._kept: Flags = np.zeros(0, dtype=np.bool_)
        self.taken: Flags = np.zeros(0, dtype=np.bool_)
        self.prices: tuple[Longs, Longs] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def ranks(self) -> Longs:
        """The rank of each candidate."""
        objective, edges = self._fit.objective, self._fit.edges
        return pair_ranks(objective.mentors.names[edges.mentor], objective.mentees.names[edges.mentee])

    def solve(self) -> None:
        """The optimum on the candidates, from what was taken before."""
        self._fit.candidates.told("ties", 0.0)
        edges, margins = self._fit.edges, self._fit.margins()
        forced = margins > 0
        ends = (edges.mentor, edges.mentee)
        seats, held = [], []
        for (least, most), end in zip(self._bounds, ends, strict=True):
            counted = np.bincount(end[forced], minlength=len(least))
            rest, open_places = np.maximum(0, least - counted), most - counted
            seats.append(Seating(open_places.astype(np.int32), rest.astype(np.int32), np.full(len(rest), _MUST)))
            held.append(counted > least)
        free = (margins == 0) & (seats[0].places[ends[0]] > 0) & (seats[1].places[ends[1]] > 0)
        chosen = np.flatnonzero(free)
        part = edges.select(chosen)
        network = Network.of(part.mentor, part.mentee, len(seats[0].places), len(seats[1].places))
        ranks = pair_ranks(
            self._fit.objective.mentors.names[part.mentor], self._fit.objective.mentees.names[part.mentee]
        )
        if self._flow is None:
            nothing = (np.zeros(len(self._bounds[0][0]), np.int64), np.zeros(len(self._bounds[1][0]), np.int64))
            flow = maximise(network, ranks, seats[0], seats[1], nothing, steps=TIE_STEPS, alone=TIE_STEPS[2:])
        else:
            flow = self._flow
            flow.taken = self._kept[chosen]
            improve(network, ranks, seats[0], seats[1], flow)
        self._flow = Flow(flow.taken, flow.mentor_prices.copy(), flow.mentee_prices.copy())
        self.taken = forced
        self.taken[chosen[flow.taken]] = True
        centre(network, ranks, seats[0], seats[1], flow)
        prices = flow.mentor_prices, flow.mentee_prices
        for price, seat, over, end in zip(prices, seats, held, ends, strict=True):
            used = np.bincount(end[self.taken], minlength=len(price)) - np.bincount(
                end[margins > 0], minlength=len(price)
            )
            if bool((used < seat.first).any()):
                raise Unsolvable("the optimal face of the fit holds no optimum")
            price[over] = np.maximum(0, price[over])
        lowest = [min(0, int(price[seat.places > 0].min(initial=0))) for price, seat in zip(prices, seats, strict=True)]
        for side, (price, seat) in enumerate(zip(prices, seats, strict=True)):
            price[seat.places == 0] = RANKS - lowest[1 - side]
        self.prices = prices

    def price_out(self, late: Callable[[], bool]) -> bool:
        """Add what the prices do not rule out until there is nothing; whether it came to that."""
        fit = self._fit
        while fit.open_rows is None or len(fit.open_rows):
            if late():
                return False
            fit.candidates.count("tie_passes")
            found = fit.candidates.source.tight(fit.least, *fit.prices, *self.prices, MOST, fit.open_rows)
            found = fit.candidates.usable(found).without(fit.edges)
            if not len(found):
                break
            taken = fit.edges.keys[self.taken]
            fit.add(found)
            self._kept = fit.edges.among(taken)
            self.solve()
        fit.candidates.told("ties", 1.0)
        return True


def _used(seats: Seating, prices: Longs) -> tuple[Longs, Longs]:
    """The least and the most places that optima use at these prices."""
    at_first = seats.worth + prices
    least = np.where(prices > 0, seats.places, np.where(at_first > 0, seats.first, 0))
    most = np.where(prices < 0, np.where(at_first >= 0, seats.first, 0), seats.places)
    return least.astype(np.int64), most.astype(np.int64)


def _claim(fit: Fit, ties: Ties, bound: Prices | None, *, proven: bool) -> Claimed:
    """The proof of the result by level; where it is not complete by prices that rule out all, `bound` if given."""
    objective, edges = fit.objective, fit.edges
    mentors, mentees = fit.prices if bound is None else bound
    tie_mentors, tie_mentees = ties.prices
    if not proven:
        tie_mentors = np.maximum(tie_mentors, RANKS - min(0, int(tie_mentees.min(initial=0))))
    empty = np.zeros(0, dtype=np.int64)
    prices: tuple[PricesOfLevel, ...] = (
        *((one, other, empty) for one, other in zip(objective.apart(mentors), objective.apart(mentees), strict=True)),
        (tie_mentors, tie_mentees, empty),
    )
    nothing = np.zeros(len(edges), dtype=np.int64)
    gains = [*(nothing for _ in objective.classes), *([edges.kept.astype(np.int64)] if objective.rematch else [])]
    gains += [edges.score.astype(np.int64), ties.ranks()]
    return objective.levels, fit.least, prices, lexical_bound(objective, prices, objective.levels, gains, edges)
