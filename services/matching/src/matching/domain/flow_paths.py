"""The exact part of the solver: from any prices to the optimum by shortest augmenting paths.

A person has `places`; the `first` of them (0 or more) add `worth` when used. At price p a place is used if worth + p is above
0 and free if it is below, an edge is taken if its value is above the prices of both ends and left if it is below;
when all of that holds the flow is optimal and the prices prove it. `fit_prices` makes it hold but for people who use
too few places, `serve` serves one of these after the other along the cheapest chain of changes (Dijkstra over the reduced
costs, which stay at 0 or more), moving the prices as far as the chain costs. All numbers are integers.

Kernels see one side's rows: `starts`, the other `ends`, the number of each `edge` and its `values`, by position.
"""

from __future__ import annotations

import numpy as np

from matching.domain.compiled import compiled, prefetch
from matching.domain.graph import Flags, Longs, Shorts

FAR = 2**62
"""More than any distance."""

_FETCHED = 64
"""How many edges of somebody are fetched ahead at most."""
_GIVE_UP = -1
"""The cheapest chain is none: the person does without the place. Chains that end at one who gives a place back are numbered
below."""


@compiled
def columns_of(ends: Shorts, rows: Shorts, others: int) -> tuple[Longs, Shorts, Shorts]:
    """The edges by their other end: starts per node, near ends, and edge numbers, in ascending order."""
    starts = np.zeros(others + 1, np.int64)
    for end in ends:
        starts[end + 1] += 1
    for node in range(others):
        starts[node + 1] += starts[node]
    following = starts[:-1].copy()
    near = np.empty(len(ends), np.int32)
    edges = np.empty(len(ends), np.int32)
    for edge in range(len(ends)):
        place = following[ends[edge]]
        following[ends[edge]] += 1
        near[place] = rows[edge]
        edges[place] = edge
    return starts, near, edges


@compiled
def first_within(rows: Longs, columns: Longs, row_places: Shorts, column_places: Shorts) -> Flags:
    """Of pairs, which one after the other still find both places free; uses the places up."""
    within = np.zeros(len(rows), np.bool_)
    for pair in range(len(rows)):
        if row_places[rows[pair]] > 0 and column_places[columns[pair]] > 0:
            row_places[rows[pair]] -= 1
            column_places[columns[pair]] -= 1
            within[pair] = True
    return within


@compiled
def worth_of_edges(
    mentor: Shorts, mentee: Shorts, values: Longs, mentor_prices: Longs, mentee_prices: Longs, taken: Flags
) -> tuple[int, int, int, int]:
    """The value of the edges taken, and by how much edges are worth more than their prices: each sum as a multiple of 2^31 and a
    rest, neither of which overflows.
    """
    high, low, high_over, low_over = 0, 0, 0, 0
    for edge in range(len(values)):
        if taken[edge]:
            high += values[edge] >> 31
            low += values[edge] & (2**31 - 1)
        margin = values[edge] - mentor_prices[mentor[edge]] - mentee_prices[mentee[edge]]
        if margin > 0:
            high_over += margin >> 31
            low_over += margin & (2**31 - 1)
    return high, low, high_over, low_over


@compiled
def lowest_price(used: int, first: int, worth: int) -> int:
    """The lowest price at which somebody uses that many places."""
    if used > first:
        return 0
    return -int(worth) if used > 0 else -FAR


@compiled
def highest_price(used: int, first: int, places: int, worth: int) -> int:
    """The highest price at which somebody uses no more places than that."""
    if used >= places:
        return FAR
    return -int(worth) if used < first else 0


@compiled
def fit_prices(
    starts: Longs,
    ends: Shorts,
    edge: Shorts,
    values: Longs,
    own: Longs,
    other: Longs,
    first: Shorts,
    places: Shorts,
    worth: Longs,
    taken: Flags,
) -> int:
    """Set the `own` prices so that nobody would rather have an edge that is not taken, and let go what is then not worth
    its price. Returns how many edges were let go.
    """
    dropped = 0
    for a in range(len(places)):
        best, lowest, used = -FAR, FAR, 0
        for k in range(starts[a], starts[a + 1]):
            gain = int(values[k] - other[ends[k]])
            if taken[edge[k]]:
                used += 1
                lowest = min(lowest, gain)
            else:
                best = max(best, gain)
        price = max(best, lowest_price(used, first[a], worth[a]))
        price = max(price, min(lowest, highest_price(used, first[a], places[a], worth[a])))
        if price == FAR:
            price = 0
        own[a] = price
        if lowest >= price:
            continue
        for k in range(starts[a], starts[a + 1]):
            if taken[edge[k]] and values[k] - other[ends[k]] < price:
                taken[edge[k]] = False
                dropped += 1
    return dropped


@compiled
def hold(starts: Longs, ends: Shorts, edge: Shorts, slots: Longs, taken: Flags) -> tuple[Longs, Shorts, Shorts, Shorts]:
    """What everybody of the other side holds: positions of edges and their owners by slot, and the degrees of both sides."""
    others = len(slots) - 1
    held = np.zeros(slots[others], np.int64)
    owner = np.zeros(slots[others], np.int32)
    degrees = np.zeros(len(starts) - 1, np.int32)
    filled = np.zeros(others, np.int32)
    for a in range(len(starts) - 1):
        for k in range(starts[a], starts[a + 1]):
            if taken[edge[k]]:
                b = ends[k]
                held[slots[b] + filled[b]] = k
                owner[slots[b] + filled[b]] = a
                filled[b] += 1
                degrees[a] += 1
    return held, owner, degrees, filled


@compiled
def fetch_edges(starts: Longs, ends: Shorts, values: Longs, node: int) -> None:
    """Have the edges of somebody brought near while those of others are looked at."""
    begin = starts[node]
    end = min(begin + _FETCHED, starts[node + 1])
    for place in range(begin, end, 8):
        prefetch(values, place)
    for place in range(begin, end, 16):
        prefetch(ends, place)


@compiled
def push(keys: Longs, nodes: Shorts, size: int, key: int, node: int) -> int:
    """Put a node on the heap of `size` elements; its new size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if keys[above] <= key:
            break
        keys[place], nodes[place] = keys[above], nodes[above]
        place = above
    keys[place], nodes[place] = key, node
    return size + 1


@compiled
def pop(keys: Longs, nodes: Shorts, size: int) -> int:
    """Take the nearest node, the first element, off the heap; its new size."""
    size -= 1
    key, node = keys[size], nodes[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[place], nodes[place] = keys[below], nodes[below]
        place = below
    keys[place], nodes[place] = key, node
    return size


@compiled
def serve(  # noqa: PLR0912, PLR0915 - one loop over one heap; its parts share all of its state
    starts: Longs,
    ends: Shorts,
    edge: Shorts,
    values: Longs,
    own: Longs,
    other: Longs,
    first: Shorts,
    places: Shorts,
    worth: Longs,
    other_first: Shorts,
    other_places: Shorts,
    other_worth: Longs,
    slots: Longs,
    taken: Flags,
) -> tuple[int, int]:
    """Serve everybody of this side who uses too few places for the price; changes the prices of both sides and `taken`.
    Returns the number of chains and of edges looked at.
    """
    people, others = len(places), len(other_places)
    held, owner, degrees, filled = hold(starts, ends, edge, slots, taken)
    far_a, far_b = np.full(people, FAR, np.int64), np.full(others, FAR, np.int64)
    done_a, done_b = np.zeros(people, np.bool_), np.zeros(others, np.bool_)
    edge_to, from_a = np.empty(others, np.int64), np.empty(others, np.int32)
    from_b, slot_of = np.empty(people, np.int32), np.empty(people, np.int64)
    met_a, met_b = np.empty(people, np.int32), np.empty(others, np.int32)
    # A label is pushed each time it falls, at most once per edge and per slot in one search.
    keys = np.empty(len(ends) + slots[others] + 1, np.int64)
    nodes = np.empty(len(keys), np.int32)
    chains, looked = 0, 0
    for root in range(people):
        while degrees[root] < places[root] and own[root] > highest_price(
            degrees[root], first[root], places[root], worth[root]
        ):
            chains += 1
            far_a[root] = 0
            met_a[0] = root
            count_a, count_b = 1, 0
            length = own[root] - highest_price(degrees[root], first[root], places[root], worth[root])
            end = _GIVE_UP
            size = push(keys, nodes, 0, 0, root)
            while size > 0 and keys[0] < length:
                far, node = keys[0], nodes[0]
                size = pop(keys, nodes, size)
                if size > 0 and nodes[0] < people:
                    fetch_edges(starts, ends, values, nodes[0])
                if node < people:
                    if done_a[node]:
                        continue
                    done_a[node] = True
                    looked += starts[node + 1] - starts[node]
                    base = far + own[node]
                    for k in range(starts[node], starts[node + 1]):
                        b = ends[k]
                        reach = base + other[b] - values[k]
                        if reach < far_b[b] and reach < length and not taken[edge[k]]:
                            if far_b[b] == FAR:
                                met_b[count_b] = b
                                count_b += 1
                            far_b[b], edge_to[b], from_a[b] = reach, k, node
                            if filled[b] < other_places[b]:
                                top = highest_price(filled[b], other_first[b], other_places[b], other_worth[b])
                                total = reach + max(np.int64(0), top - other[b])
                                if total < length:
                                    length, end = total, b
                            if reach < length:
                                size = push(keys, nodes, size, reach, people + b)
                else:
                    b = node - people
                    if done_b[b]:
                        continue
                    done_b[b] = True
                    for slot in range(slots[b], slots[b] + filled[b]):
                        a, k = owner[slot], held[slot]
                        reach = far + values[k] - own[a] - other[b]
                        if reach < far_a[a] and reach < length:
                            if far_a[a] == FAR:
                                met_a[count_a] = a
                                count_a += 1
                            far_a[a], from_b[a], slot_of[a] = reach, b, slot
                            total = reach + max(np.int64(0), own[a] - lowest_price(degrees[a], first[a], worth[a]))
                            if total < length:
                                length, end = total, _GIVE_UP - 1 - a
                            size = push(keys, nodes, size, reach, a)
            for place in range(count_a):
                a = met_a[place]
                own[a] -= max(np.int64(0), length - far_a[a])
                far_a[a], done_a[a] = FAR, False
            for place in range(count_b):
                b = met_b[place]
                other[b] += max(np.int64(0), length - far_b[b])
                far_b[b], done_b[b] = FAR, False
            if end == _GIVE_UP:
                continue
            if end >= 0:
                b = end
                slot = slots[b] + filled[b]
                filled[b] += 1
            else:
                a = _GIVE_UP - 1 - end
                degrees[a] -= 1
                b, slot = from_b[a], slot_of[a]
                taken[edge[held[slot]]] = False
            a = from_a[b]
            while a != root:
                held[slot], owner[slot] = edge_to[b], a
                taken[edge[edge_to[b]]] = True
                b, slot = from_b[a], slot_of[a]
                taken[edge[held[slot]]] = False
                a = from_a[b]
            held[slot], owner[slot] = edge_to[b], root
            taken[edge[edge_to[b]]] = True
            degrees[root] += 1
    return chains, looked
