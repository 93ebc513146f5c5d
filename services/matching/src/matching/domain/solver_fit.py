"""The last two stages of the solver: the sum of scores (with the coverage as weights), and ties among its optima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matching.domain.flow import Flow, Network, Seating, improve, maximise, settle, value_and_bound
from matching.domain.graph import Edges, Flags, Longs, Shorts
from matching.domain.objective import Claimed, Objective, Optimum, PricesOfLevel, Unsolvable, lexical_bound
from matching.domain.solver_stages import Candidates, cover_candidates
from matching.domain.ties import RANKS, pair_ranks

SCALE = 16
FIT_STEPS = (1600, 320, 64, 12, 2, 1)
"""Steps of the auctions in 1 / SCALE of a score: from a tenth of the range down."""
TIE_STEPS = (2**36, 2**33, 2**30, 2**27, 2**24, 2**21)
MOST = 10
"""Edges per mentor that one pass over all edges may add; more than anybody has places."""
_MUST = 2**59
"""What a place is worth that every optimum uses: more than any sum of ranks on a chain of changes."""


def best_fit(
    candidates: Candidates,
    floor: int,
    claims: dict[str, Claimed],
    late: Callable[[], bool],
    start: Optimum | None,
) -> Optimum:
    """Stages 3 and 4 on the edges from `floor` (0: all), and the whole result."""
    objective, least = candidates.objective, max(1, floor)
    fit = Fit(candidates, least)
    fit.solve(start)
    open_rows = fit.price_out(late)
    ties = _Ties(fit)
    ties.solve()
    proven = open_rows is None and ties.price_out(late)
    taken = fit.edges.select(ties.taken())
    reached = objective.reached(taken, int(ties.ranks()[ties.taken()].sum()))
    claim = _claim(fit, ties, open_rows, proven=proven)
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
        packed=(fit.flow.mentor_prices, fit.flow.mentee_prices),
        statistics={**candidates.statistics, **fit.flow.statistics, "candidates": len(candidates.edges)},
    )


@dataclass(slots=True)
class Fit:
    """Stage 3: its candidates from the floor, and the flow on them."""

    candidates: Candidates
    least: int
    edges: Edges
    network: Network
    flow: Flow

    def __init__(self, candidates: Candidates, least: int) -> None:
        self.candidates, self.least = candidates, least
        self._take_edges()

    @property
    def objective(self) -> Objective:
        """The weights of the problem."""
        return self.candidates.objective

    @property
    def seats(self) -> tuple[Seating, Seating]:
        """The places of mentors and mentees."""
        return self.objective.seating(self.objective.mentors), self.objective.seating(self.objective.mentees)

    def solve(self, start: Optimum | None) -> None:
        """The optimum on the candidates."""
        self.candidates.told("fit", 0.0)
        mentors, mentees = self.seats
        values = self.objective.values(self.edges)
        if start is not None and start.packed is not None and _fits(start.packed, self.objective):
            taken = self.edges.among(self.candidates.within_places(start.taken.keys))
            self.flow = Flow(taken, start.packed[0].copy(), start.packed[1].copy())
            improve(self.network, values, mentors, mentees, self.flow)
        else:
            prices = self._first_prices()
            self.flow = maximise(self.network, values, mentors, mentees, prices, steps=FIT_STEPS, scale=SCALE)
        self._settle()

    def price_out(self, late: Callable[[], bool]) -> Longs | None:
        """Add what the prices do not rule out until there is nothing. None then; when it is late, by how much each mentor's
        price has to rise to rule out the rest.
        """
        rows: Shorts | None = None
        columns: Shorts | None = None
        passes = 0
        while True:
            passes += 1
            self.candidates.count("fit_passes")
            self.candidates.told("fit", 1 - 0.5**passes)
            prices = self.flow.mentor_prices.copy(), self.flow.mentee_prices.copy()
            found, _ = self.candidates.source.exceeding(self.least, *prices, MOST, rows, columns)
            many = np.bincount(found.mentor, minlength=len(prices[0])) >= MOST
            found = self.candidates.usable(found).without(self.candidates.edges)
            if not len(found):
                self.candidates.told("fit", 1.0)
                return None
            if late():
                rise = np.zeros(len(prices[0]), dtype=np.int64)
                excess = found.score - prices[0][found.mentor] - prices[1][found.mentee]
                np.maximum.at(rise, found.mentor, excess)
                return rise
            self.add(found)
            improve(self.network, self.objective.values(self.edges), *self.seats, self.flow)
            self._settle()
            fell = (self.flow.mentor_prices < prices[0]) | many, self.flow.mentee_prices < prices[1]
            rows, columns = (np.flatnonzero(side).astype(np.int32) for side in fell)
            if 2 * len(rows) > len(fell[0]) or 2 * len(columns) > len(fell[1]):
                rows = columns = None

    def add(self, found: Edges) -> None:
        """Edges that are new."""
        keys = self.edges.keys[self.flow.taken]
        self.candidates.count("edges_added", self.candidates.add(found))
        self._take_edges()
        self.flow.taken = self.edges.among(keys)

    def _take_edges(self) -> None:
        edges = self.candidates.edges
        self.edges = edges if self.least <= 1 else edges.select(edges.score >= self.least)
        self.network = Network.of(
            self.edges.mentor, self.edges.mentee, len(self.objective.mentors), len(self.objective.mentees)
        )

    def _first_prices(self) -> tuple[Longs, Longs]:
        """Where the coverage cannot have everybody, the prices of coverage; else nothing."""
        coverage = cover_candidates(self.candidates, self.least)
        weight = self.objective.weight
        (mentors, full_mentees), (full_mentors, mentees) = coverage.reached
        return weight(full_mentors) - weight(mentors), weight(full_mentees) - weight(mentees)

    def _settle(self) -> None:
        values = self.objective.values(self.edges)
        settle(self.network, values, *self.seats, self.flow)
        for prices, side in zip(self.prices, (self.objective.mentors, self.objective.mentees), strict=True):
            prices[side.places == 0] = 0
        value, bound = value_and_bound(self.network, values, *self.seats, self.flow)
        if value != bound:
            raise Unsolvable(f"the flow is worth {value}, its prices say {bound}")

    @property
    def prices(self) -> tuple[Longs, Longs]:
        """The packed prices of mentors and mentees."""
        return self.flow.mentor_prices, self.flow.mentee_prices

    def margins(self) -> Longs:
        """By how much each candidate is worth more than its prices."""
        margins: Longs = self.objective.values(self.edges)
        return margins - self.prices[0][self.edges.mentor] - self.prices[1][self.edges.mentee]


class _Ties:
    """Stage 4: the highest sum of ranks on the optimal face of stage 3."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._bounds = [_used(seats, prices) for seats, prices in zip(fit.seats, fit.prices, strict=True)]
        self._prices = (np.zeros(len(fit.prices[0]), np.int64), np.zeros(len(fit.prices[1]), np.int64))
        self._taken = np.zeros(0, dtype=np.bool_)

    @property
    def prices(self) -> tuple[Longs, Longs]:
        """The prices in ranks."""
        return self._prices

    def ranks(self) -> Longs:
        """The rank of each candidate."""
        objective, edges = self._fit.objective, self._fit.edges
        return pair_ranks(objective.mentors.names[edges.mentor], objective.mentees.names[edges.mentee])

    def taken(self) -> Flags:
        """Which candidates are taken."""
        return self._taken

    def solve(self) -> None:
        """The optimum on the candidates, from nothing."""
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
        flow = maximise(network, self.ranks()[chosen], seats[0], seats[1], self._prices, steps=TIE_STEPS)
        self._taken = forced
        self._taken[chosen[flow.taken]] = True
        prices = flow.mentor_prices, flow.mentee_prices
        for price, seat, over, end in zip(prices, seats, held, ends, strict=True):
            used = np.bincount(end[self._taken], minlength=len(price)) - np.bincount(
                end[margins > 0], minlength=len(price)
            )
            if bool((used < seat.first).any()):
                raise Unsolvable("the optimal face of the fit holds no optimum")
            price[over] = np.maximum(0, price[over])
        lowest = [min(0, int(price[seat.places > 0].min(initial=0))) for price, seat in zip(prices, seats, strict=True)]
        for side, (price, seat) in enumerate(zip(prices, seats, strict=True)):
            price[seat.places == 0] = RANKS - lowest[1 - side]
        self._prices = prices

    def price_out(self, late: Callable[[], bool]) -> bool:
        """Add what the prices do not rule out until there is nothing; whether it came to that."""
        fit = self._fit
        while True:
            fit.candidates.count("tie_passes")
            found = fit.candidates.source.tight(fit.least, *fit.prices, *self._prices, MOST)
            found = fit.candidates.usable(found).without(fit.candidates.edges)
            if not len(found):
                fit.candidates.told("ties", 1.0)
                return True
            if late():
                return False
            fit.add(found)
            self._prices = (np.zeros_like(self._prices[0]), np.zeros_like(self._prices[1]))
            self.solve()


def _fits(packed: tuple[Longs, Longs], objective: Objective) -> bool:
    return (len(packed[0]), len(packed[1])) == (len(objective.mentors), len(objective.mentees))


def _used(seats: Seating, prices: Longs) -> tuple[Longs, Longs]:
    """The least and the most places that optima use at these prices."""
    at_first = seats.worth + prices
    least = np.where(prices > 0, seats.places, np.where(at_first > 0, seats.first, 0))
    most = np.where(prices < 0, np.where(at_first >= 0, seats.first, 0), seats.places)
    return least.astype(np.int64), most.astype(np.int64)


def _claim(fit: Fit, ties: _Ties, open_rows: Longs | None, *, proven: bool) -> Claimed:
    """The proof of the result by level; where it is not complete the mentors' prices are raised until they rule out all."""
    objective, edges = fit.objective, fit.edges
    mentors, mentees = fit.prices
    tie_mentors, tie_mentees = ties.prices
    if open_rows is not None:
        mentors = mentors + open_rows
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
