"""Coverage: the most people of one side who can have a pair, class by class, without uncovering the other side.

The sets of people of one side who can all be covered at once are the independent sets of a matroid, so augmenting the
classes one after the other gives the most in the first, then the most in the second, and so on (Edmonds 1971, "Matroids and
the greedy algorithm"). A chain of changes from an uncovered person never takes the last pair of anybody on the other side,
and both sides reach their maxima together (Ford and Fulkerson 1962, the symmetric supply-demand theorem).
"""

from __future__ import annotations

import numpy as np

from matching.domain.compiled import compiled
from matching.domain.flow_paths import hold
from matching.domain.graph import Flags, Longs, Shorts

MANY = 0.1
"""The share of people without anybody from which they first take what is free, before chains are looked for."""
SCARCE = 1.5
"""How many places there may be for each of them so that it matters who takes which."""


@compiled
def _take_free(
    starts: Longs,
    ends: Shorts,
    edge: Shorts,
    among: Flags,
    places: Shorts,
    other_places: Shorts,
    slots: Longs,
    taken: Flags,
    held: Longs,
    owner: Shorts,
    degrees: Shorts,
    filled: Shorts,
) -> None:
    """Cover those of `among` whom a free place is left for, each by whoever has the fewest edges, so that few chains are needed.
    Changes `taken` and what everybody holds, as in `flow_paths.hold`.
    """
    wanted = np.zeros(len(other_places), np.int32)
    for k in range(len(ends)):
        wanted[ends[k]] += 1
    for a in range(len(places)):
        if not among[a] or degrees[a] > 0 or places[a] == 0:
            continue
        chosen, fewest = -1, np.int32(2**31 - 1)
        for k in range(starts[a], starts[a + 1]):
            b = ends[k]
            if wanted[b] < fewest and filled[b] < other_places[b]:
                chosen, fewest = k, wanted[b]
        if chosen >= 0:
            b = ends[chosen]
            held[slots[b] + filled[b]], owner[slots[b] + filled[b]] = chosen, a
            filled[b] += 1
            degrees[a] += 1
            taken[edge[chosen]] = True


@compiled
def cover(  # noqa: PLR0912, PLR0915 - one search; its parts share all of its state
    starts: Longs,
    ends: Shorts,
    edge: Shorts,
    classes: Shorts,
    places: Shorts,
    other_places: Shorts,
    slots: Longs,
    taken: Flags,
) -> tuple[Shorts, Shorts]:
    """Cover as many as possible of this side by changing `taken`, in phases of disjoint augmenting chains.

    `classes` are 1 for those covered first and so on, 0 for those who need not be covered. Returns for both sides the
    class in whose last search somebody was reached, 0 for nobody: the proof. Those reached of this side up to a class have edges
    only to those reached of the other side up to that class, and all places there are used for them.
    """
    people, others = len(places), len(other_places)
    held, owner, degrees, filled = hold(starts, ends, edge, slots, taken)
    closed_a, closed_b = np.zeros(people, np.int32), np.zeros(others, np.int32)
    seen_a, seen_b = np.zeros(people, np.int32), np.zeros(others, np.int32)
    edge_to, from_a = np.empty(others, np.int64), np.empty(others, np.int32)
    from_b, slot_of = np.empty(people, np.int32), np.empty(people, np.int64)
    queue = np.empty(people, np.int32)
    room = other_places.sum()
    stamp = 0
    for rank in range(1, max(classes.max(), 0) + 1 if people else 0):
        waiting = 0
        for a in range(people):
            if classes[a] == rank and degrees[a] == 0 and places[a] > 0:
                waiting += 1
        if waiting > MANY * people and room < SCARCE * waiting:
            _take_free(
                starts, ends, edge, classes == rank, places, other_places, slots, taken, held, owner, degrees, filled
            )
        moved = True
        while moved:
            moved = False
            stamp += 1
            for root in range(people):
                if classes[root] != rank or degrees[root] > 0 or places[root] == 0:
                    continue
                seen_a[root] = stamp
                queue[0] = root
                head, tail, end, slot = 0, 1, -1, -1
                while head < tail and end < 0:
                    a = queue[head]
                    head += 1
                    for k in range(starts[a], starts[a + 1]):
                        b = ends[k]
                        if filled[b] < other_places[b] and not taken[edge[k]]:
                            edge_to[b], from_a[b], seen_b[b] = k, a, stamp
                            end, slot = b, int(slots[b] + filled[b])
                            break
                    if end >= 0:
                        break
                    for k in range(starts[a], starts[a + 1]):
                        b = ends[k]
                        if seen_b[b] == stamp or closed_b[b] > 0 or taken[edge[k]]:
                            continue
                        seen_b[b], edge_to[b], from_a[b] = stamp, k, a
                        for place in range(slots[b], slots[b] + filled[b]):
                            near = owner[place]
                            if seen_a[near] == stamp:
                                continue
                            if degrees[near] > 1 or classes[near] == 0 or classes[near] > rank:
                                end, slot = b, place
                                break
                            seen_a[near], from_b[near], slot_of[near] = stamp, b, place
                            queue[tail] = near
                            tail += 1
                        if end >= 0:
                            break
                if end < 0:
                    continue
                moved = True
                if slot == slots[end] + filled[end]:
                    filled[end] += 1
                else:
                    degrees[owner[slot]] -= 1
                    taken[edge[held[slot]]] = False
                b = end
                while True:
                    a = from_a[b]
                    held[slot], owner[slot] = edge_to[b], a
                    taken[edge[edge_to[b]]] = True
                    if a == root:
                        break
                    b, slot = from_b[a], int(slot_of[a])
                    taken[edge[held[slot]]] = False
                degrees[root] += 1
        for a in range(people):
            if seen_a[a] == stamp and closed_a[a] == 0 and stamp > 0:
                closed_a[a] = rank
        for b in range(others):
            if seen_b[b] == stamp and closed_b[b] == 0 and stamp > 0:
                closed_b[b] = rank
    return closed_a, closed_b
