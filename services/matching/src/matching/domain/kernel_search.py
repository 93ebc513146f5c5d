"""Passes over all pairs: each takes a stretch of rows and keeps, of what the rules allow, what the pass asks for.

Rows are taken in tiles and columns in blocks, so that what a tile reads of a block stays in the cache. Every answer is
exact and follows from a total order of pairs, hence the stretches, their order and the number of threads leave no trace.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Longs, Shorts, Words
from matching.domain.kernel_rules import (
    NONE,
    ONE,
    Searched,
    World,
    fill_class,
    fill_class_bits,
    mark_allowed,
    shared_level,
    shared_minutes,
)
from matching.domain.kernel_scores import complete, fill_row, new_rows, part_vector, row_at, scan
from matching.domain.ties import pair_rank

TILE = 32
"""Rows looked at together."""
BLOCK = 128
"""Words of columns looked at together: 8,192 columns."""
SCORE_SHIFT = np.uint64(54)
"""A packed key holds the score in its upper 10 bits, then the upper bits of the rank, then the position."""
COVERING, EXCEEDING, TIGHT = 0, 1, 2
_NO_CAP = 2**62


class Found(NamedTuple):
    """The pairs a pass keeps, by row, at most as many as there are columns here; `used` are in use. `worth` and `order`
    are compared, the largest are kept. `worst` is the largest worth of any pair of the row, 0 if there is none.
    """

    used: Shorts
    worth: Longs
    order: Words
    column: Shorts
    score: Shorts
    worst: Longs


class Asked(NamedTuple):
    """What a pass asks for. `kind` is COVERING, EXCEEDING or TIGHT. Only pairs with a score of at least `least` count.
    Only `rows` are searched: `whole` ones look at all columns, the others at those whose bits are set in `columns`.
    """

    kind: int
    least: int
    whole: NDArray[np.bool_]
    columns: Words
    row_prices: Longs
    column_prices: Longs
    row_ties: Longs
    column_ties: Longs
    rows: NDArray[np.bool_]


class Tile(NamedTuple):
    """Working memory of one stretch."""

    bits: Words
    wanted: Words
    class_bits: Words
    bonus: NDArray[np.int32]
    minutes: Shorts
    levels: Shorts
    searched: Searched
    columns: Shorts
    scores: Shorts


@compiled
def new_tile(world: World) -> Tile:
    """Empty working memory."""
    words = world.grade_bits.shape[1]
    nodes = len(world.organisation.manager)
    return Tile(
        np.zeros((TILE, words), np.uint64),
        np.zeros((TILE, words), np.uint64),
        np.zeros(words, np.uint64),
        np.zeros((TILE, len(world.classes.mentee_time)), np.int32),
        np.zeros(len(world.classes.works), np.int32),
        np.zeros(len(world.classes.tongues), np.int32),
        Searched(np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)),
        np.zeros(BLOCK * 64, np.int32),
        np.zeros(BLOCK * 64, np.int32),
    )


@compiled
def fill_tile(
    world: World, first: int, last: int, wanted_rows: NDArray[np.bool_], known: int, tile: Tile, slots: Shorts
) -> int:
    """Bits and class points of the wanted rows from `first` to before `last`. `known` is the class whose bits the tile holds and
    whose points stand in the slot of the row before, -1 at the start; the new one is returned.
    """
    slot = -1
    for row in range(first, last):
        if not wanted_rows[row]:
            continue
        place = row - first
        kind = world.mentors.kind[row]
        if kind != known or slot < 0:
            slot = place
            fill_class(world, kind, tile.minutes, tile.levels, tile.bonus[slot])
            if kind != known:
                fill_class_bits(world, tile.bonus[slot], tile.class_bits)
            known = kind
        slots[place] = slot
        mark_allowed(world, row, tile.class_bits, 2 * row + 1, tile.searched, tile.bits[place])
        tile.wanted[place, :] = NONE
        wanted = world.pairs.wanted
        for at in range(wanted.starts[row], wanted.starts[row + 1]):
            column = wanted.items[at]
            tile.wanted[place, column >> 6] |= ONE << np.uint64(column & 63)
    return known


@compiled
def packed(score: int, rank: np.int64, position: int, position_bits: int) -> np.uint64:
    """A pair as one number: by score, then by as many upper bits of the rank as fit (37 of 40 for 131,072 people), then
    the lower position first.
    """
    upper = np.uint64(rank) << np.uint64(14) >> np.uint64(position_bits)
    place = (ONE << np.uint64(position_bits)) - ONE - np.uint64(position)
    return (np.uint64(score) << SCORE_SHIFT) | (upper << np.uint64(position_bits)) | place


@compiled
def push(heap: Words, key: np.uint64) -> None:
    """Put `key` in the place of the smallest of a heap."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= len(heap):
            break
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = key


@compiled
def best_rows(
    world: World,
    first: int,
    last: int,
    most_asked: int,
    position_bits: int,
    rows: Words,
    columns: Words,
    needs: Longs,
) -> None:
    """Put the pairs of a stretch of rows into the heaps of packed keys of each row and of each column (0: empty place).
    `needs` are the scores a column still needs.
    """
    tile, tables = new_tile(world), new_rows(world, most_asked, TILE)
    slots = np.zeros(TILE, np.int32)
    words = world.grade_bits.shape[1]
    names, positions = world.mentees.names, world.mentees.position
    listed, scores = tile.columns, tile.scores
    everybody = np.ones(len(world.mentors.names), np.bool_)
    known = -1
    for start in range(first, last, TILE):
        end = min(start + TILE, last)
        known = fill_tile(world, start, end, everybody, known, tile, slots)
        for row in range(start, end):
            fill_row(world, row, row_at(tables, row - start))
        for block in range(0, words, BLOCK):
            for row in range(start, end):
                place = row - start
                heap = rows[row]
                name, position = world.mentors.names[row], world.mentors.position[row]
                made, cap = row_at(tables, place), int(np.int64(heap[0] >> SCORE_SHIFT))
                found = scan(
                    world,
                    row,
                    made,
                    tile.bonus[slots[place]],
                    tile.bits[place],
                    tile.wanted[place],
                    (block, min(block + BLOCK, words)),
                    1,
                    cap,
                    0,
                    needs,
                    listed,
                    scores,
                )
                found = complete(world, row, made, (1, cap, 0), needs, found, listed, scores)
                for at in range(found):
                    column, score = listed[at], scores[at]
                    rank = pair_rank(name, names[column])
                    key = packed(score, rank, positions[column], position_bits)
                    if key > heap[0]:
                        push(heap, key)
                    key = packed(score, rank, position, position_bits)
                    if key > columns[column, 0]:
                        push(columns[column], key)
                        needs[column] = int(columns[column, 0] >> SCORE_SHIFT)


@compiled
def join_heaps(into: Words, other: Words) -> None:
    """Put the keys of one set of heaps into another."""
    for owner in range(len(into)):
        for key in other[owner]:
            if key > into[owner, 0]:
                push(into[owner], key)


@compiled
def count_best(
    rows: Words, columns: Words, inner_mentors: Shorts, mentee_positions: Shorts, position_bits: int, more: Shorts
) -> int:
    """How many pairs stand in the heaps of rows or of columns; per row in `more` how many only in those of columns."""
    total = 0
    for row in range(len(rows)):
        for key in rows[row]:
            total += key != NONE
    for column in range(len(columns)):
        for key in columns[column]:
            if key != NONE:
                row = inner_mentors[_position(key, position_bits)]
                if _moved(key, mentee_positions[column], position_bits) < rows[row, 0]:
                    more[row] += 1
                    total += 1
    return total


@compiled
def list_best(
    rows: Words,
    columns: Words,
    inner_mentors: Shorts,
    mentee_positions: Shorts,
    position_bits: int,
    more: Shorts,
    mentor: Shorts,
    mentee: Shorts,
    score: Shorts,
) -> None:
    """Write the pairs counted by `count_best` by position, sorted by mentor and mentee."""
    people = len(rows)
    starts = np.zeros(people + 1, np.int64)
    for position in range(people):
        row = inner_mentors[position]
        count = more[row]
        for key in rows[row]:
            count += key != NONE
        starts[position + 1] = starts[position] + count
    ends = starts[:people].copy()
    for position in range(people):
        for key in rows[inner_mentors[position]]:
            if key != NONE:
                at = ends[position]
                mentor[at], mentee[at], score[at] = position, _position(key, position_bits), key >> SCORE_SHIFT
                ends[position] += 1
    for column in range(len(columns)):
        for key in columns[column]:
            if key != NONE:
                position = _position(key, position_bits)
                row = inner_mentors[position]
                if _moved(key, mentee_positions[column], position_bits) < rows[row, 0]:
                    at = ends[position]
                    mentor[at], mentee[at], score[at] = position, mentee_positions[column], key >> SCORE_SHIFT
                    ends[position] += 1
    for position in range(people):
        first, last = starts[position], starts[position + 1]
        order = np.argsort(mentee[first:last])
        mentee[first:last] = mentee[first:last][order]
        score[first:last] = score[first:last][order]


@compiled
def _position(key: np.uint64, position_bits: int) -> int:
    ones = (ONE << np.uint64(position_bits)) - ONE
    return int(ones - (key & ones))


@compiled
def _moved(key: np.uint64, position: int, position_bits: int) -> np.uint64:
    """The key with another position."""
    ones = (ONE << np.uint64(position_bits)) - ONE
    return (key & ~ones) | (ones - np.uint64(position))


@compiled
def search_rows(world: World, first: int, last: int, most_asked: int, asked: Asked, found: Found) -> None:
    """Fill `found` for a stretch of rows; its arrays begin with the row `first` and `found.used` is 0."""
    tile, tables = new_tile(world), new_rows(world, most_asked, TILE)
    slots = np.zeros(TILE, np.int32)
    words = world.grade_bits.shape[1]
    wanted_rows = _in_reach(asked, first, last)
    known = -1
    for start in range(first, last, TILE):
        end = min(start + TILE, last)
        known = fill_tile(world, start, end, wanted_rows, known, tile, slots)
        for row in range(start, end):
            if not wanted_rows[row]:
                continue
            fill_row(world, row, row_at(tables, row - start))
            if not asked.whole[row]:
                tile.bits[row - start] &= asked.columns
        for block in range(0, words, BLOCK):
            for row in range(start, end):
                if not wanted_rows[row]:
                    continue
                place, at = row - start, row - first
                made, own = row_at(tables, place), _own_need(asked, found, row, at)
                kept = scan(
                    world,
                    row,
                    made,
                    tile.bonus[slots[place]],
                    tile.bits[place],
                    tile.wanted[place],
                    (block, min(block + BLOCK, words)),
                    asked.least,
                    _NO_CAP,
                    own,
                    asked.column_prices,
                    tile.columns,
                    tile.scores,
                )
                needs = asked.least, _NO_CAP, own
                kept = complete(world, row, made, needs, asked.column_prices, kept, tile.columns, tile.scores)
                _choose(world, asked, found, row, at, kept, tile.columns, tile.scores)


@compiled
def _in_reach(asked: Asked, first: int, last: int) -> NDArray[np.bool_]:
    """The rows to search: no score is above 1000, so nothing can be asked for where the prices are."""
    wanted_rows = asked.rows.copy()
    if asked.kind != COVERING and len(asked.column_prices) > 0:
        cheapest = asked.column_prices.min()
        for row in range(first, last):
            if asked.row_prices[row] + cheapest > 1000:
                wanted_rows[row] = False
    return wanted_rows


@compiled
def _own_need(asked: Asked, found: Found, row: int, at: int) -> int:
    """The score a pair of the row needs, less the price of its column."""
    if asked.kind == COVERING:
        return _least_worth(found, at, asked.least)
    if asked.kind == EXCEEDING:
        return int(asked.row_prices[row]) + _least_worth(found, at, 1)
    return int(asked.row_prices[row])


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
    made = row_at(tables, 0)
    slots = np.zeros(TILE, np.int32)
    everybody = np.ones(len(world.mentors.names), np.bool_)
    vector = np.zeros(len(parts), np.int32)
    known, current = -1, -1
    for at in order:
        row, column = rows[at], columns[at]
        if row != current:
            known = fill_tile(world, row, row + 1, everybody, known, tile, slots)
            fill_row(world, row, made)
            current = row
        if not tile.bits[0, column >> 6] & (ONE << np.uint64(column & 63)):
            continue
        classes, mine, theirs = world.classes, world.mentors.kind[row], world.mentees.kind[column]
        minutes = shared_minutes(classes, classes.mentor_time[mine], classes.mentee_time[theirs])
        level = shared_level(
            classes, classes.mentor_tongue[mine], classes.mentee_tongue[theirs], world.settings.least_level
        )
        allowed[at] = True
        score[at] = part_vector(world, row, made, minutes, level, column, vector)
        parts[:, at] = vector
