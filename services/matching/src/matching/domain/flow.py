"""A flow of greatest value between two sides with places, and the prices that prove it: auction, then exact paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from matching.domain.flow_auction import bid
from matching.domain.flow_coverage import cover
from matching.domain.flow_paths import FAR, columns_of, fit_prices, serve, worth_of_edges
from matching.domain.flow_prices import centre_prices, raise_prices
from matching.domain.graph import Flags, Longs, Shorts

IN_TURN = 0.97
"""The share of the larger side's places from which on both sides bid."""
BIDS_PER_PLACE = 60
"""How many bids an auction may take per place before the exact part goes on from what it has reached."""


@dataclass(frozen=True, slots=True)
class Seating:
    """The places of one side: `places` (int32), of which the `first` (int32) add `worth` (int64) to the value when used."""

    places: Shorts
    first: Shorts
    worth: Longs

    @property
    def slots(self) -> Longs:
        """Where the slots of each person begin, and the number of all."""
        slots: Longs = np.concatenate([[0], np.cumsum(self.places, dtype=np.int64)])
        return slots

    def value(self, degrees: Longs | Shorts) -> int:
        """What the used places add."""
        return exact_sum(np.minimum(degrees, self.first) * self.worth)

    def dual(self, prices: Longs) -> int:
        """What the places are worth at most at these prices."""
        of_first = self.first * np.maximum(0, self.worth + prices)
        return exact_sum(of_first) + exact_sum((self.places - self.first) * np.maximum(0, prices))


@dataclass(frozen=True, slots=True)
class Rows:
    """The edges of one side by person: `starts`, other `ends`, and the number of each `edge`; `in_order` if these ascend."""

    starts: Longs
    ends: Shorts
    edge: Shorts
    in_order: bool

    def along(self, values: Longs) -> Longs:
        """Values by number of edge, by position."""
        return values if self.in_order else values[self.edge]


@dataclass(frozen=True, slots=True)
class Network:
    """Edges by their numbers and by the people of both sides. Edges are sorted by (mentor, mentee)."""

    mentor: Shorts
    mentee: Shorts
    mentors: Rows
    mentees: Rows

    @classmethod
    def of(cls, mentor: Shorts, mentee: Shorts, mentors: int, mentees: int) -> Network:
        """The network of sorted edges between so many people."""
        numbers = np.arange(len(mentor), dtype=np.int32)
        starts = np.searchsorted(mentor, np.arange(mentors + 1)).astype(np.int64)
        by_mentee = Rows(*columns_of(mentee, mentor, mentees), in_order=False)
        return cls(mentor, mentee, Rows(starts, mentee, numbers, in_order=True), by_mentee)


@dataclass(slots=True)
class Flow:
    """Which edges are taken and what a further place at everybody is worth; changed in place by this module."""

    taken: Flags
    mentor_prices: Longs
    mentee_prices: Longs
    statistics: dict[str, int] = field(default_factory=dict)


def exact_sum(values: Longs) -> int:
    """The sum without overflow."""
    return (int((values >> 31).sum()) << 31) + int((values & (2**31 - 1)).sum())


def covered(
    network: Network, mentors: tuple[Shorts, Shorts], mentees: tuple[Shorts, Shorts], taken: Flags
) -> tuple[tuple[Shorts, Shorts], tuple[Shorts, Shorts]]:
    """Cover the most people of both sides, each given as (classes, places), by changing `taken`.

    Returns what the search for further mentors reached, as (mentors, mentees), and that for further mentees, as (mentees,
    mentors); see `flow_coverage.cover`.
    """
    found = []
    for rows, (classes, places), (_, others) in (
        (network.mentors, mentors, mentees),
        (network.mentees, mentees, mentors),
    ):
        slots = np.concatenate([[0], np.cumsum(others, dtype=np.int64)])
        found.append(cover(rows.starts, rows.ends, rows.edge, classes, places, others, slots, taken))
    return found[0], found[1]


def maximise(
    network: Network,
    values: Longs,
    mentors: Seating,
    mentees: Seating,
    prices: tuple[Longs, Longs],
    *,
    steps: Sequence[int],
    alone: Sequence[int],
    scale: int = 1,
    short: bool = False,
    bidder: int | None = None,
) -> Flow:
    """The flow of greatest value from nothing: an auction for each of the falling `steps` (in 1 / `scale`), beginning at
    `prices`; then the exact part.

    Between sides with about as many places the other bids next, as its bids correct what an auction leaves too dear (one to one
    only where that happened). Where one has clearly fewer, or where it is known that many stay without (`short`), one bids alone,
    in the steps of `alone`, which should be small: the other could only lose step by step those for whom there is no place.
    """
    statistics = {"auctions": 0, "bids": 0}
    sides, seats = (network.mentors, network.mentees), (mentors, mentees)
    along = _Along(network, values)
    worth: dict[int, Longs] = {}

    def worth_of(side: int) -> Longs:
        if side not in worth:
            worth[side] = along.of(side) * scale
        return worth[side]

    scaled = (prices[0] * scale, prices[1] * scale)
    taken = np.zeros(len(values), dtype=np.bool_)
    positions = taken
    # Who bids in vain drops out.
    total = int(mentors.places.sum()), int(mentees.places.sum())
    bidder = int(total[0] > total[1]) if bidder is None else bidder
    in_turn = not short and min(total) > IN_TURN * max(total)
    several = bool((mentors.places > 1).any() or (mentees.places > 1).any())
    for step in steps if in_turn else alone:
        rows, bids, offers = sides[bidder], seats[bidder], seats[1 - bidder]
        ends = (network.mentor, network.mentee)[1 - bidder]
        if in_turn and statistics["auctions"] and (several or _too_dear(offers, scaled[1 - bidder], ends[taken])):
            fit_prices(
                rows.starts, rows.ends, network.mentors.edge, worth_of(bidder), scaled[bidder], scaled[1 - bidder],
                bids.first, bids.places, bids.worth, positions,
            )  # fmt: skip
            bidder = 1 - bidder
            rows, bids, offers = sides[bidder], seats[bidder], seats[1 - bidder]
        most = BIDS_PER_PLACE * int(bids.places.sum()) + 1000
        positions, made, waiting = bid(
            rows.starts, rows.ends, worth_of(bidder), bids.first, bids.places, bids.worth * scale,
            offers.first, offers.places, offers.slots, scaled[1 - bidder], step, most,
        )  # fmt: skip
        if rows.in_order:
            taken = positions
        else:
            taken[rows.edge] = positions
        statistics["auctions"] += 1
        statistics["bids"] += made
        if waiting:
            break
    flow = Flow(taken, prices[0].copy(), prices[1].copy(), statistics)
    _prices_of(flow)[1 - bidder][:] = scaled[1 - bidder] // scale
    return _exact(network, along, mentors, mentees, flow, bidder)


def improve(network: Network, values: Longs, mentors: Seating, mentees: Seating, flow: Flow) -> Flow:
    """The flow of greatest value from any flow within the places and any prices; changes it in place."""
    return _exact(network, _Along(network, values), mentors, mentees, flow, 0)


def _exact(network: Network, along: _Along, mentors: Seating, mentees: Seating, flow: Flow, bidder: int) -> Flow:
    sides, seats, prices = (network.mentors, network.mentees), (mentors, mentees), _prices_of(flow)
    other = 1 - bidder
    degrees = np.bincount((network.mentor, network.mentee)[other][flow.taken], minlength=len(prices[other]))
    used = degrees.astype(np.int64)
    lowest = np.where(used > seats[other].first, 0, np.where(used > 0, -seats[other].worth, -FAR))
    np.maximum(prices[other], lowest, out=prices[other])
    rows = sides[bidder]
    dropped = fit_prices(
        rows.starts, rows.ends, rows.edge, along.of(bidder), prices[bidder], prices[other],
        seats[bidder].first, seats[bidder].places, seats[bidder].worth, flow.taken,
    )  # fmt: skip
    flow.statistics["dropped"] = flow.statistics.get("dropped", 0) + dropped
    for side in (bidder, other):
        rows, away = sides[side], 1 - side
        if not _lacks(seats[side], prices[side], (network.mentor, network.mentee)[side][flow.taken]):
            continue
        chains, looked = serve(
            rows.starts, rows.ends, rows.edge, along.of(side), prices[side], prices[away],
            seats[side].first, seats[side].places, seats[side].worth,
            seats[away].first, seats[away].places, seats[away].worth, seats[away].slots, flow.taken,
        )  # fmt: skip
        flow.statistics["chains"] = flow.statistics.get("chains", 0) + chains
        flow.statistics["edges_seen"] = flow.statistics.get("edges_seen", 0) + looked
    return flow


def settle(network: Network, values: Longs, mentors: Seating, mentees: Seating, flow: Flow) -> None:
    """Bring the prices of an optimum into their one form, the highest for mentors; see `flow_prices`."""
    rows = network.mentors
    raise_prices(
        rows.starts, rows.ends, rows.edge, values, flow.mentor_prices, flow.mentee_prices,
        mentors.first, mentors.places, mentors.worth,
        mentees.first, mentees.places, mentees.worth, mentees.slots, flow.taken,
    )  # fmt: skip


def centre(network: Network, values: Longs, mentors: Seating, mentees: Seating, flow: Flow) -> None:
    """Bring the prices of an optimum into another form, small whatever the places are worth; see `flow_prices`."""
    rows = network.mentors
    centre_prices(
        rows.starts, rows.ends, rows.edge, rows.along(values), flow.mentor_prices, flow.mentee_prices,
        mentors.first, mentors.places, mentors.worth,
        mentees.first, mentees.places, mentees.worth, mentees.slots, flow.taken,
        np.zeros_like(flow.mentor_prices), np.zeros_like(flow.mentee_prices),
    )  # fmt: skip


def keep_slack(
    network: Network, values: Longs, mentors: Seating, mentees: Seating, flow: Flow, bounds: tuple[Longs, Longs]
) -> None:
    """From the highest prices for mentors to those highest for mentees, but for mentors not below the first of `bounds` and for
    mentees not above the second, as far as the optimum allows (`flow_prices.centre_prices`); then those of mentors are raised
    again as far as those of mentees leave it open. So the edges that are not taken stay far below the prices.

    The bounds are loosened to the prices there are, hence what a place outside is worth stays.
    """
    rows = network.mentees
    least, most = np.minimum(bounds[0], flow.mentor_prices), np.maximum(bounds[1], flow.mentee_prices)
    centre_prices(
        rows.starts, rows.ends, rows.edge, rows.along(values), flow.mentee_prices, flow.mentor_prices,
        mentees.first, mentees.places, mentees.worth,
        mentors.first, mentors.places, mentors.worth, mentors.slots, flow.taken, most, least,
    )  # fmt: skip
    mentor, mentee = network.mentor[flow.taken], network.mentee[flow.taken]
    used = np.bincount(mentor, minlength=len(mentors.places))
    highest = np.where(used < mentors.first, -mentors.worth, 0)
    highest[used >= mentors.places] = FAR
    np.minimum.at(highest, mentor, values[flow.taken] - flow.mentee_prices[mentee])
    np.copyto(flow.mentor_prices, highest, where=mentors.places > 0)


def value_and_bound(network: Network, values: Longs, mentors: Seating, mentees: Seating, flow: Flow) -> tuple[int, int]:
    """The value of the flow, and what its prices allow at most on the network; equal at the optimum."""
    high, low, high_over, low_over = worth_of_edges(
        network.mentor, network.mentee, values, flow.mentor_prices, flow.mentee_prices, flow.taken
    )
    value = (high << 31) + low
    value += mentors.value(np.bincount(network.mentor[flow.taken], minlength=len(mentors.places)))
    value += mentees.value(np.bincount(network.mentee[flow.taken], minlength=len(mentees.places)))
    bound = mentors.dual(flow.mentor_prices) + mentees.dual(flow.mentee_prices)
    return value, bound + (high_over << 31) + low_over


class _Along:
    """Values by number of edge in the order of each side's edges, found once."""

    def __init__(self, network: Network, values: Longs) -> None:
        self._sides, self._values = (network.mentors, network.mentees), values
        self._found: dict[int, Longs] = {}

    def of(self, side: int) -> Longs:
        """In the order of mentors (0) or of mentees (1)."""
        if side not in self._found:
            self._found[side] = self._sides[side].along(self._values)
        return self._found[side]


def _prices_of(flow: Flow) -> tuple[Longs, Longs]:
    return flow.mentor_prices, flow.mentee_prices


def _too_dear(seats: Seating, prices: Longs, ends: Shorts) -> bool:
    """Whether somebody with a price uses too few places."""
    used = np.bincount(ends, minlength=len(prices))
    return bool(((used < seats.places) & (prices > 0)).any())


def _lacks(seats: Seating, prices: Longs, ends: Shorts) -> bool:
    """Whether somebody uses too few places for the price."""
    used = np.bincount(ends, minlength=len(prices))
    highest = np.where(used < seats.first, -seats.worth, 0)
    return bool(((used < seats.places) & (prices > highest)).any())
