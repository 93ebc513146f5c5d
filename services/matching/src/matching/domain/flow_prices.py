"""Prices in one form: of all that prove an optimum those that are highest for this side, so that equal problems have equal
proofs, and each is a sum of scores along one chain from a single place.
"""

from __future__ import annotations

import numpy as np

from matching.domain.compiled import compiled
from matching.domain.flow_paths import FAR, highest_price, hold, lowest_price, pop, push
from matching.domain.graph import Flags, Longs, Shorts


@compiled
def raise_prices(  # noqa: PLR0912 - one loop over one heap
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
) -> None:
    """Raise the `own` prices and lower the `other` as far as the optimum `taken` allows (shortest distances from outside all
    places, Dijkstra over the reduced costs). Who of the other side is not used gets the highest price at which that is so: the
    lowest would depend on edges that nobody takes. Arguments as in `flow_paths.serve`; people without places keep theirs.
    """
    people, others = len(places), len(other_places)
    held, owner, degrees, filled = hold(starts, ends, edge, slots, taken)
    far = np.full(people + others, FAR, np.int64)
    keys = np.empty(people + others + len(ends) + slots[others], np.int64)
    nodes = np.empty(len(keys), np.int32)
    size = 0
    for a in range(people):
        if degrees[a] < places[a]:
            far[a] = highest_price(degrees[a], first[a], places[a], worth[a]) - own[a]
            size = push(keys, nodes, size, far[a], a)
    for b in range(others):
        if filled[b] > 0:
            far[people + b] = other[b] - lowest_price(filled[b], other_first[b], other_worth[b])
            size = push(keys, nodes, size, far[people + b], people + b)
    while size > 0:
        reach, node = keys[0], nodes[0]
        size = pop(keys, nodes, size)
        if reach > far[node]:
            continue
        if node < people:
            base = reach + own[node]
            for k in range(starts[node], starts[node + 1]):
                b = ends[k]
                through = base + other[b] - values[k]
                if through < far[people + b] and not taken[edge[k]]:
                    far[people + b] = through
                    size = push(keys, nodes, size, through, people + b)
        else:
            b = node - people
            for slot in range(slots[b], slots[b] + filled[b]):
                a = owner[slot]
                through = reach + values[held[slot]] - own[a] - other[b]
                if through < far[a]:
                    far[a] = through
                    size = push(keys, nodes, size, through, a)
    for a in range(people):
        if far[a] < FAR:
            own[a] += far[a]
    for b in range(others):
        if filled[b] > 0:
            other[b] -= far[people + b]
        elif other_places[b] > 0:
            other[b] = highest_price(0, other_first[b], other_places[b], other_worth[b])


@compiled
def centre_prices(  # noqa: PLR0912, PLR0915 - one loop over one heap
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
    most: Longs,
    other_least: Longs,
) -> None:
    """Replace the prices of the optimum `taken` by the highest `own` and lowest `other` ones that are at most `most` and at least
    `other_least` (shortest distances from a source joined to everybody at these), less that of the place outside. Arguments as
    in `flow_paths.serve`; people without places keep theirs.

    With zeros no price is larger than a chain of changes, whatever a place is worth.
    """
    people, others = len(places), len(other_places)
    outside = people + others
    held, owner, degrees, filled = hold(starts, ends, edge, slots, taken)
    # Potentials are the prices of this side and the other's negated; `far` is a distance less the potential.
    far = np.zeros(outside + 1, np.int64)
    keys = np.empty(5 * (outside + 1) + len(ends) + slots[others], np.int64)
    nodes = np.empty(len(keys), np.int32)
    size = 0
    for node in range(outside + 1):
        if node < people:
            far[node] = most[node] - own[node]
        elif node < outside:
            far[node] = other[node - people] - other_least[node - people]
        if node == outside or (places[node] if node < people else other_places[node - people]) > 0:
            size = push(keys, nodes, size, far[node], node)
    while size > 0:
        reach, node = keys[0], nodes[0]
        size = pop(keys, nodes, size)
        if reach > far[node]:
            continue
        if node == outside:
            for a in range(people):
                if degrees[a] < places[a]:
                    through = reach + highest_price(degrees[a], first[a], places[a], worth[a]) - own[a]
                    if through < far[a]:
                        far[a] = through
                        size = push(keys, nodes, size, through, a)
            for b in range(others):
                if filled[b] > 0:
                    through = reach + other[b] - lowest_price(filled[b], other_first[b], other_worth[b])
                    if through < far[people + b]:
                        far[people + b] = through
                        size = push(keys, nodes, size, through, people + b)
        elif node < people:
            base = reach + own[node]
            if degrees[node] > 0:
                through = base - lowest_price(degrees[node], first[node], worth[node])
                if through < far[outside]:
                    far[outside] = through
                    size = push(keys, nodes, size, through, outside)
            for k in range(starts[node], starts[node + 1]):
                b = ends[k]
                through = base + other[b] - values[k]
                if through < far[people + b] and not taken[edge[k]]:
                    far[people + b] = through
                    size = push(keys, nodes, size, through, people + b)
        else:
            b = node - people
            if filled[b] < other_places[b]:
                top = highest_price(filled[b], other_first[b], other_places[b], other_worth[b])
                if reach + top - other[b] < far[outside]:
                    far[outside] = reach + top - other[b]
                    size = push(keys, nodes, size, far[outside], outside)
            for slot in range(slots[b], slots[b] + filled[b]):
                a = owner[slot]
                through = reach + values[held[slot]] - own[a] - other[b]
                if through < far[a]:
                    far[a] = through
                    size = push(keys, nodes, size, through, a)
    for a in range(people):
        if places[a] > 0:
            own[a] += far[a] - far[outside]
    for b in range(others):
        if other_places[b] > 0:
            other[b] -= far[people + b] - far[outside]
