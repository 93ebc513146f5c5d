"""Stage 3 of the solver: the sum of scores, with the coverage as weights, proven for all edges of the source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from matching.domain.flow import (
    Flow,
    Network,
    Seating,
    exact_sum,
    improve,
    keep_slack,
    maximise,
    settle,
    value_and_bound,
)
from matching.domain.graph import Edges, Longs, Shorts
from matching.domain.objective import HIGHEST_SCORE, Objective, Start, Unsolvable
from matching.domain.solver_known import Search
from matching.domain.solver_stages import Candidates, cover_network

SHORT = 0.97
"""The share of people that can be covered below which only one side bids."""
SCALE = 16
FIT_STEPS = (1600, 320, 64, 12, 1)
"""Steps of the auctions in 1 / SCALE of a score: from a tenth of the range down."""
FIT_STEPS_ALONE = (64, 12, 2, 1)
"""Where one side bids alone."""
FIT_STEPS_AGAIN = (64, 12, 2, 1)
"""When the prices of more than `MANY` of the mentors turned out too low."""
MANY = 0.05
MOST = 32
"""Edges per mentor that a pass over all edges may add; more than anybody has places."""
FEW_ROWS = 1_000_000
"""Edges that a pass over some rows may add altogether."""
MOST_OF_A_ROW = 256
SLACK = 20
"""How far below the prices a pass still looks, so that prices may fall that much without another. The first, after which they
fall further, does not."""
LEFT = 8
"""How much of that a pass over a part leaves everywhere else."""
Prices = tuple[Longs, Longs]
"""Packed prices of mentors and mentees."""


class Fit:
    """The candidates from the floor, the flow on them, and what is known of all other edges.

    Once `price_out` has returned None, the prices are those of all that prove the optimum that are highest for mentors: they
    depend on the problem alone, not on the candidates. `open_rows` are the mentors some of whose edges at exactly the sum of
    the prices may be no candidates, None where nothing is known of them.
    """

    edges: Edges
    network: Network
    flow: Flow

    def __init__(self, candidates: Candidates, least: int) -> None:
        self.candidates, self.least = candidates, least
        self.open_rows: Shorts | None = None
        self.flow = Flow(np.zeros(0, dtype=np.bool_), np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._short = False
        self._above = 0
        self._bound: tuple[int, Longs, Longs] | None = None
        sides = self.objective.mentors, self.objective.mentees
        self._active = sides[0].places > 0, sides[1].places > 0
        self._known = candidates.known.copy()
        self._seats = self.objective.seating(sides[0]), self.objective.seating(sides[1])
        self._take_edges()

    @property
    def objective(self) -> Objective:
        """The weights of the problem."""
        return self.candidates.objective

    @property
    def seats(self) -> tuple[Seating, Seating]:
        """The places of mentors and mentees."""
        return self._seats

    @property
    def prices(self) -> tuple[Longs, Longs]:
        """The packed prices of mentors and mentees."""
        return self.flow.mentor_prices, self.flow.mentee_prices

    @property
    def start(self) -> Start:
        """For a later start from these prices."""
        objective = self.objective
        sides = [tuple(objective.apart(prices)) for prices in self.prices]
        return Start(objective.levels[:-1], sides[0], sides[1], self.least)

    def solve(self, start: Start | None) -> None:
        """The optimum on the candidates."""
        self.candidates.told("fit", 0.0)
        if start is not None:
            taken = self.edges.among(self.candidates.within_places(self.candidates.taken))
            self._short = self._is_short(self.objective.profile(self.edges.select(taken)))
            packed = self.objective.packed
            self.flow = Flow(taken, packed(start.levels, start.mentors), packed(start.levels, start.mentees))
            self._improve()
            return
        self._bid(self._first_prices(), FIT_STEPS, FIT_STEPS_ALONE)

    def price_out(self, late: Callable[[], bool]) -> Prices | None:
        """Add what the prices do not rule out until there is nothing. None then; when it is late, higher prices that rule out the
        rest, as few of them as are known.
        """
        self._settle()

        def repair() -> None:
            if not self.objective.rematch and self._above > MANY * len(self._active[0]):
                # These prices are the lowest for mentees, from where bids of mentors raise them.
                self._bid(self.prices, FIT_STEPS_AGAIN, FIT_STEPS_AGAIN, bidder=0)
            else:
                self._improve()
            self._settle()

        bound = self._prove(1, repair, late)
        if bound is None:
            self._leave_open()
        return bound

    def _leave_open(self) -> None:
        """Take note of the mentors with too many edges at exactly the sum of the prices."""
        at_the_sum = self._known.wanted(self.prices, 1)
        if at_the_sum is None:
            self.open_rows = np.zeros(0, dtype=np.int32)
        elif at_the_sum.columns is not None and not len(at_the_sum.columns):
            self.open_rows = at_the_sum.rows
        self.candidates.told("fit", 1.0)

    def values(self) -> Longs:
        """What the candidates are worth."""
        return self.objective.values(self.edges)

    def margins(self) -> Longs:
        """By how much each candidate is worth more than its prices."""
        margins: Longs = self.values()
        return margins - self.prices[0][self.edges.mentor] - self.prices[1][self.edges.mentee]

    def add(self, found: Edges) -> int:
        """Add edges; how many were new."""
        keys = self.edges.keys[self.flow.taken]
        added = self.candidates.add(found)
        if added:
            self.candidates.count("edges_added", added)
            self._take_edges()
            self.flow.taken = self.edges.among(keys)
        return added

    def _prove(self, margin: int, repair: Callable[[], None], late: Callable[[], bool]) -> Prices | None:
        """Pass over what is not known until all edges above the sum of the prices less `margin` are candidates; `repair` is called
        when an edge above the sum was found. Mentors with too many edges at exactly the sum are left open.
        """
        passes, before = 0, None
        while True:
            if self._known.wanted(self.prices, margin) is None:
                return None
            wide = margin + (LEFT if before is None else 0)
            search = self._known.wanted(self.prices, wide) or Search()
            if search.rows is None and wide > margin:
                wide, search = margin, self._known.wanted(self.prices, margin) or search
            if self._bound is not None and late():
                return self._bound[1:]
            most = MOST
            if search.rows is not None and search.columns is not None and not len(search.columns):
                most = max(MOST, min(MOST_OF_A_ROW, FEW_ROWS // len(search.rows)))
            if before is not None and most <= before:
                return None
            passes += 1
            self.candidates.told("fit", 1 - 0.5**passes)
            if self._pass(search, wide, most):
                repair()
                before = None
            else:
                before = most

    def _pass(self, search: Search, margin: int, most: int) -> bool:
        """Add what a pass finds; whether any was above the sum of the prices."""
        self.candidates.count("fit_passes" if search.rows is None else "fit_part_passes")
        prices = self.prices[0].copy(), self.prices[1].copy()
        asked = self._known.closed(prices)
        slack = SLACK if self._known.anything else 0
        found, _ = self.candidates.source.exceeding(
            self.least, asked[0] - slack, asked[1], most, search.rows, search.columns
        )
        self._known.learn(search, found, prices, slack=slack, margin=margin, most=most)
        new = found.without(self.edges)
        self.add(new)
        rises = np.zeros(len(prices[0]), dtype=np.int64)
        np.maximum.at(rises, new.mentor, new.score - prices[0][new.mentor] - prices[1][new.mentee])
        self._above = int((rises > 0).sum())
        self._bound_by(prices[0] + rises, prices[1])
        return self._above > 0

    def _bound_by(self, mentor_prices: Longs, mentee_prices: Longs) -> None:
        """Keep prices that rule out everything if they prove more than those before."""
        margins = self.values() - mentor_prices[self.edges.mentor] - mentee_prices[self.edges.mentee]
        mentors, mentees = self._seats
        dual = mentors.dual(mentor_prices) + mentees.dual(mentee_prices) + exact_sum(np.maximum(0, margins))
        if self._bound is None or dual < self._bound[0]:
            self._bound = dual, mentor_prices, mentee_prices

    def _improve(self) -> None:
        improve(self.network, self.values(), *self.seats, self.flow)
        self._verify()

    def _settle(self) -> None:
        """Bring the prices into their one form. In a re-match what a kept pair is worth goes to its mentor and its mentee asks for
        all that a score can be, so that nobody else needs to be looked at for them.
        """
        settle(self.network, self.values(), *self.seats, self.flow)
        if self.objective.rematch:
            mentors, mentees = (self.objective.of_classes(prices) for prices in self.prices)
            keep_slack(self.network, self.values(), *self.seats, self.flow, (mentors, mentees + HIGHEST_SCORE))
        for prices, active in zip(self.prices, self._active, strict=True):
            prices[~active] = 0
        self._verify()

    def _verify(self) -> None:
        value, bound = value_and_bound(self.network, self.values(), *self.seats, self.flow)
        if value != bound:
            raise Unsolvable(f"the flow is worth {value}, its prices say {bound}")

    def _take_edges(self) -> None:
        edges = self.candidates.edges
        self.edges = edges if self.least <= 1 else edges.select(edges.score >= self.least)
        self.network = Network.of(
            self.edges.mentor, self.edges.mentee, len(self.objective.mentors), len(self.objective.mentees)
        )

    def _bid(self, prices: Prices, steps: Sequence[int], alone: Sequence[int], *, bidder: int | None = None) -> None:
        """The optimum by auctions that begin at these prices."""
        before = self.flow.statistics
        self.flow = maximise(
            self.network,
            self.values(),
            *self.seats,
            prices,
            steps=steps,
            alone=alone,
            scale=SCALE,
            short=self._short,
            bidder=bidder,
        )
        for name, number in before.items():
            self.flow.statistics[name] = self.flow.statistics.get(name, 0) + number
        self._verify()

    def _first_prices(self) -> tuple[Longs, Longs]:
        """Where the coverage cannot have everybody, the prices of coverage; else nothing."""
        coverage = cover_network(self.candidates, self.least, self.edges, self.network)
        self._short = self._is_short(coverage.profile)
        weight = self.objective.weight
        (mentors, full_mentees), (full_mentors, mentees) = coverage.reached
        return weight(full_mentors) - weight(mentors), weight(full_mentees) - weight(mentees)

    def _is_short(self, profile: tuple[int, ...]) -> bool:
        """Whether many of those who can be covered are not."""
        sides = self.objective.mentors, self.objective.mentees
        return sum(profile) < SHORT * sum(int((self.objective.ranks(side) > 0).sum()) for side in sides)
