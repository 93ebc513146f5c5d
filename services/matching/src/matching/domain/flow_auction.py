"""The quick part of the solver: an auction in which people of one side bid for places of the other.

Bertsekas' auction with similar objects and falling steps ("Auction algorithms for network flow problems", 1992): whoever
has a place to fill bids for the best edge not taken, as much as it is better than the second best and one step more; the
lowest bid of a full person gives way. Once nobody bids, nobody can gain more than a step. What the step leaves open
is closed by `flow_paths`, which is exact; here nothing needs to be.
"""

from __future__ import annotations

import numpy as np

from matching.domain.compiled import compiled, prefetch
from matching.domain.flow_paths import fetch_edges
from matching.domain.graph import Flags, Longs, Shorts

AHEAD = 2
"""How many bidders ahead edges are fetched: at fifty thousand people a bid waits for memory longer than it computes."""
_LOWEST = np.int64(-(2**62))


@compiled
def bid(  # noqa: PLR0912, PLR0915 - one loop over one queue; its parts share all of its state
    starts: Longs,
    ends: Shorts,
    values: Longs,
    first: Shorts,
    places: Shorts,
    worth: Longs,
    offered_first: Shorts,
    offered: Shorts,
    slots: Longs,
    prices: Longs,
    step: int,
    most_bids: int,
) -> tuple[Flags, int, int]:
    """One auction of step `step`, from nothing taken; raises `prices` of the side that offers.

    Bidder a has the edges `starts[a]` to `starts[a + 1]` with their other `ends` and `values`; of its `places` the
    `first` are worth `worth` beside the edge. A person that offers has `offered` places, of which the `offered_first` are to
    be had below 0; its slots begin at `slots`. Returns which edges are taken, how many bids were made, and how many bidders
    still wait when `most_bids` ended it.
    """
    bidders = len(places)
    taken = np.zeros(len(ends), np.bool_)
    degrees = np.zeros(bidders, np.int32)
    filled = np.zeros(len(offered), np.int32)
    held = np.zeros(slots[-1], np.int64)
    owner = np.zeros(slots[-1], np.int32)
    amount = np.zeros(slots[-1], np.int64)
    queue = np.empty(bidders, np.int32)
    waits = np.zeros(bidders, np.bool_)
    # A signed place might be one from the end, which numba asks about each time.
    others = ends.view(np.uint32)
    longest = 0
    for a in range(bidders):
        longest = max(longest, starts[a + 1] - starts[a])
    gains = np.empty(longest, np.int64)
    waiting = 0
    for a in range(bidders):
        if places[a] > 0 and starts[a + 1] > starts[a]:
            queue[waiting] = a
            waits[a] = True
            waiting += 1
    head, tail, bids = 0, waiting % max(bidders, 1), 0
    while waiting > 0 and bids < most_bids:
        a = queue[head]
        head = head + 1 if head + 1 < bidders else 0
        waiting -= 1
        waits[a] = False
        if waiting > AHEAD:
            following = queue[head + AHEAD if head + AHEAD < bidders else head + AHEAD - bidders]
            prefetch(taken, starts[following])
            fetch_edges(starts, ends, values, following)
        while degrees[a] < places[a]:
            alone = -worth[a] if degrees[a] < first[a] else np.int64(0)
            begin, many = starts[a], starts[a + 1] - starts[a]
            worths, to, held_by_a = (
                values[begin : begin + many],
                others[begin : begin + many],
                taken[begin : begin + many],
            )
            # Two passes without branches, which a processor can do eight edges at a time.
            best = _LOWEST
            for place in range(many):
                gain = worths[place] - prices[to[place]]
                gain = _LOWEST if held_by_a[place] else gain
                gains[place] = gain
                best = max(best, gain)
            if best <= alone:
                break
            chosen = 0
            while gains[chosen] != best:
                chosen += 1
            gains[chosen] = alone
            chosen += begin
            second = alone
            for place in range(many):
                second = max(second, gains[place])
            bids += 1
            b = ends[chosen]
            room = offered_first[b] if prices[b] < 0 else offered[b]
            slot = slots[b]
            if filled[b] < room:
                slot += filled[b]
                filled[b] += 1
            else:
                for other in range(slots[b] + 1, slots[b] + filled[b]):
                    if amount[other] < amount[slot]:
                        slot = other
                loser = owner[slot]
                taken[held[slot]] = False
                degrees[loser] -= 1
                if not waits[loser]:
                    waits[loser] = True
                    queue[tail] = loser
                    tail = tail + 1 if tail + 1 < bidders else 0
                    waiting += 1
            held[slot], owner[slot], amount[slot] = chosen, a, values[chosen] - second + step
            taken[chosen] = True
            degrees[a] += 1
            if filled[b] == room:
                lowest = amount[slots[b]]
                for other in range(slots[b] + 1, slots[b] + filled[b]):
                    lowest = min(lowest, amount[other])
                if room < offered[b]:
                    lowest = min(lowest, np.int64(0))
                prices[b] = max(prices[b], lowest)
    return taken, bids, waiting
