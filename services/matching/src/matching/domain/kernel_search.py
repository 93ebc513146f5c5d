"""Passes over all pairs: each takes a stretch of rows and keeps, of what the rules allow, what the pass asks for.

Every answer is exact and follows from a total order of pairs, hence the stretches, their order and the number of threads leave
no trace.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Longs, Shorts, Words
from matching.domain.encoded_reach import TOP, Priced
from matching.domain.kernel_reach import fill_levels, mark_shared, new_marked
from matching.domain.kernel_rules import (
    NONE,
    ONE,
    World,
    fill_class,
    fill_class_bits,
    how_many,
    mark_allowed,
    shared_level,
    shared_minutes,
)
from matching.domain.kernel_scores import complete, fill_row, new_rows, part_vector, row_at, scan
from matching.domain.kernel_tile import BLOCK, TILE, begin_reach, fill_tile, keep_row, new_tile
from matching.domain.ties import pair_rank

COVERING, EXCEEDING, TIGHT, ABOVE = 0, 1, 2, 3
_NO_CAP = 2**62
_FAR = 2**61


class Found(NamedTuple):
    """The pairs a pass keeps, by row, at most as many as there are columns here; `used` are in use. `worth` and `order`
    are compared, the largest are kept. `worst` is the largest worth of any pair of the row, 0 if there is none; for ABOVE the
    number of pairs.
    """

    used: Shorts
    worth: Longs
    order: Words
    column: Shorts
    score: Shorts
    worst: Longs


class Asked(NamedTuple):
    """What a pass asks for. `kind` is COVERING, EXCEEDING, TIGHT or ABOVE. Only pairs with a score of at least `least` count. ABOVE
    takes the prices for scores that a pair must exceed, both, and only counts.
    Only `rows` are searched: `whole` ones look at all columns, the others at those whose bits are set in `columns`. `priced` are
    the columns by price.
    """

    kind: int
    least: int
    whole: NDArray[np.bool_]
    columns: Words
    priced: Priced
    row_prices: Longs
    column_prices: Longs
    row_ties: Longs
    column_ties: Longs
    rows: NDArray[np.bool_]


@compiled
def search_rows(world: World, first: int, last: int, most_asked: int, asked: Asked, found: Found) -> None:
    """Fill `found` for a stretch of rows; its arrays begin with the row `first` and `found.used` is 0."""
    tile, tables = new_tile(world), new_rows(world, most_asked, TILE)
    slots = np.zeros(TILE, np.int32)
    words = world.grade_bits.shape[1]
    marked = new_marked(len(world.topics.related.starts) - 1, words)
    wanted_rows = _in_reach(asked, first, last)
    known = -1
    for start in range(first, last, TILE):
        end = min(start + TILE, last)
        known = fill_tile(world, start, end, wanted_rows, known, tile, slots)
        for row in range(start, end):
            if not wanted_rows[row]:
                continue
            place = row - start
            if not asked.whole[row]:
                tile.bits[place] &= asked.columns
            count = how_many(tile.bits[place])
            if count == 0:
                wanted_rows[row] = False
                continue
            fill_row(world, row, row_at(tables, place))
            mark_shared(world, row, tile.marks[place])
            if count > words:
                least, own = _row_needs(asked, found, row, row - first)
                fill_levels(asked.priced.prices, least, _NO_CAP, own, marked.levels)
                used = begin_reach(world, row, marked)
                keep_row(world, row, tile, place, slots[place], used, asked.priced.bits, marked, tile.bits[place])
                wanted_rows[row] = how_many(tile.bits[place]) > 0
        for block in range(0, words, BLOCK):
            for row in range(start, end):
                if not wanted_rows[row]:
                    continue
                place, at = row - start, row - first
                made = row_at(tables, place)
                least, own = _row_needs(asked, found, row, at)
                kept = scan(
                    world,
                    row,
                    made,
                    tile.bonus[slots[place]],
                    tile.bits[place],
                    tile.wanted[place],
                    tile.marks[place],
                    (block, min(block + BLOCK, words)),
                    least,
                    _NO_CAP,
                    own,
                    asked.column_prices,
                    tile.columns,
                    tile.scores,
                )
                needs = least, _NO_CAP, own
                kept = complete(world, row, made, needs, asked.column_prices, kept, tile.columns, tile.scores)
                if asked.kind == ABOVE:
                    found.worst[at] += kept
                else:
                    _choose(world, asked, found, row, at, kept, tile.columns, tile.scores)


@compiled
def _in_reach(asked: Asked, first: int, last: int) -> NDArray[np.bool_]:
    """The rows to search: no score is above 1000, so nothing can be asked for where the prices are."""
    wanted_rows = asked.rows.copy()
    if asked.kind != COVERING:
        cheapest, cheapest_marked = _FAR, _FAR
        for column in range(len(asked.column_prices)):
            price = int(asked.column_prices[column]) if asked.kind != ABOVE else 1
            cheapest = min(cheapest, price)
            if asked.columns[column >> 6] >> np.uint64(column & 63) & ONE != NONE:
                cheapest_marked = min(cheapest_marked, price)
        for row in range(first, last):
            if asked.row_prices[row] + (cheapest if asked.whole[row] else cheapest_marked) > TOP:
                wanted_rows[row] = False
    return wanted_rows


@compiled
def _row_needs(asked: Asked, found: Found, row: int, at: int) -> tuple[int, int]:
    """The score a pair of the row needs at least, and the one it needs less the price of its column."""
    if asked.kind == COVERING:
        return asked.least, _least_worth(found, at, asked.least)
    if asked.kind == EXCEEDING:
        return asked.least, int(asked.row_prices[row]) + _least_worth(found, at, 1)
    if asked.kind == ABOVE:
        return max(asked.least, int(asked.row_prices[row]) + 1), 1
    return asked.least, int(asked.row_prices[row])


@compiled
def _least_worth(found: Found, at: int, otherwise: int) -> int:
    """What a pair must be worth to be kept in a row: that of the worst one if there is no room."""
    if found.used[at] < found.worth.shape[1] or found.worth.shape[1] == 0:
        return otherwise
    return max(otherwise, int(found.worth[at, 0]))


@compiled
def _choose(
    world: World, asked: Asked, found: Found, row: int, at: int, kept: int, columns: Shorts, scores: Shorts
) -> None:
    """Of the first `kept` pairs listed keep those the pass asks for that are among the most wanted of the row."""
    name, names, positions = world.mentors.names[row], world.mentees.names, world.mentees.position
    prices, ties, kind = asked.column_prices, asked.column_ties, asked.kind
    price, tie = asked.row_prices[row], asked.row_ties[row]
    heap = found.worth[at], found.order[at], found.column[at], found.score[at]
    count, worst = int(found.used[at]), int(found.worst[at])
    for number in range(kept):
        column, score = columns[number], scores[number]
        rank = pair_rank(name, names[column])
        worth = int(score)
        if kind != COVERING:
            worth -= int(price + prices[column])
        if kind == TIGHT:
            worth = int(rank - tie - ties[column]) if worth == 0 else 0
        if worth <= 0:
            continue
        worst = max(worst, worth)
        order = (np.uint64(rank) << np.uint64(24)) | (np.uint64(0xFFFFFF) - np.uint64(positions[column]))
        count = _keep(heap[0], heap[1], heap[2], heap[3], count, worth, order, column, score)
    found.used[at], found.worst[at] = count, worst


@compiled
def _keep(
    worths: Longs,
    orders: Words,
    columns: Shorts,
    scores: Shorts,
    count: int,
    worth: int,
    order: np.uint64,
    column: int,
    score: int,
) -> int:
    """Put a pair into the heap of `count` pairs, the least on top, unless it is full of better ones; the new count."""
    if count < len(worths):
        place = count
        count += 1
        while place > 0:
            parent = (place - 1) // 2
            if not _before(worth, order, worths[parent], orders[parent]):
                break
            _move(worths, orders, columns, scores, place, parent)
            place = parent
    else:
        if count == 0 or not _before(worths[0], orders[0], worth, order):
            return count
        place = 0
        while True:
            child = 2 * place + 1
            if child >= count:
                break
            if child + 1 < count and _before(worths[child + 1], orders[child + 1], worths[child], orders[child]):
                child += 1
            if not _before(worths[child], orders[child], worth, order):
                break
            _move(worths, orders, columns, scores, place, child)
            place = child
    worths[place], orders[place] = worth, order
    columns[place], scores[place] = column, score
    return count


@compiled
def _before(worth: int, order: np.uint64, other_worth: int, other_order: np.uint64) -> bool:
    return worth < other_worth or (worth == other_worth and bool(order < other_order))


@compiled
def _move(worths: Longs, orders: Words, columns: Shorts, scores: Shorts, place: int, source: int) -> None:
    worths[place], orders[place] = worths[source], orders[source]
    columns[place], scores[place] = columns[source], scores[source]


@compiled
def judge_list(
    world: World,
    most_asked: int,
    rows: Shorts,
    columns: Shorts,
    order: Longs,
    allowed: NDArray[np.bool_],
    score: Shorts,
    parts: NDArray[np.int32],
) -> None:
    """Judge and score listed pairs, taken in an order that keeps a row's pairs together. What is forbidden stays as it is."""
    tile, tables = new_tile(world), new_rows(world, most_asked, 1)
    made, bits = row_at(tables, 0), tile.bits[0]
    vector = np.zeros(len(parts), np.int32)
    known, current = -1, -1
    for at in order:
        row, column = rows[at], columns[at]
        if row != current:
            kind = world.mentors.kind[row]
            if kind != known:
                fill_class(world, kind, tile.minutes, tile.levels, tile.bonus[0])
                fill_class_bits(world, tile.bonus[0], tile.class_bits)
                known = kind
            mark_allowed(world, row, tile.class_bits, 2 * row + 1, tile.searched, bits)
            fill_row(world, row, made)
            current = row
        if not bits[column >> 6] & (ONE << np.uint64(column & 63)):
            continue
        classes, mine, theirs = world.classes, world.mentors.kind[row], world.mentees.kind[column]
        minutes = shared_minutes(classes, classes.mentor_time[mine], classes.mentee_time[theirs])
        level = shared_level(
            classes, classes.mentor_tongue[mine], classes.mentee_tongue[theirs], world.settings.least_level
        )
        allowed[at] = True
        score[at] = part_vector(world, row, made, minutes, level, column, vector)
        parts[:, at] = vector
