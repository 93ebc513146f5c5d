"""The best pairs of each row and of each column, kept in heaps of packed keys while all pairs pass by.

Every key is another one, so what the heaps hold in the end does not depend on the order in which pairs come.
"""

from __future__ import annotations

import numpy as np

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Longs, Shorts, Words
from matching.domain.encoded_reach import TOP
from matching.domain.kernel_reach import Marked, fill_levels, mark_shared, new_marked
from matching.domain.kernel_rules import NONE, ONE, World, how_many
from matching.domain.kernel_scores import Row, complete, fill_row, new_rows, row_at, scan
from matching.domain.kernel_tile import BLOCK, TILE, Tile, begin_reach, fill_tile, keep_row, new_tile
from matching.domain.ties import pair_rank

SCORE_SHIFT = np.uint64(54)
"""A packed key holds the score in its upper 10 bits, then the upper bits of the rank, then the position."""
_LEVELS, _STEP = 64, 16
"""Columns are told apart by what they need in steps of a score."""


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

    Of each row the columns with the highest bounds come first: what they score rules out most of the others.
    """
    tile, tables = new_tile(world), new_rows(world, most_asked, TILE)
    slots = np.zeros(TILE, np.int32)
    words = world.grade_bits.shape[1]
    marked = new_marked(len(world.topics.related.starts) - 1, words)
    looked, levels = np.zeros((TILE, words), np.uint64), np.zeros((_LEVELS, words), np.uint64)
    _sort_columns(needs, levels)
    everybody = np.ones(len(world.mentors.names), np.bool_)
    known, bound = -1, TOP
    for start in range(first, last, TILE):
        end = min(start + TILE, last)
        known = fill_tile(world, start, end, everybody, known, tile, slots)
        for row in range(start, end):
            fill_row(world, row, row_at(tables, row - start))
            mark_shared(world, row, tile.marks[row - start])
        for turn in range(2):
            for row in range(start, end):
                place = row - start
                cap = 0 if turn == 0 else max(1, int(rows[row, 0] >> SCORE_SHIFT))
                bound = _choose(
                    world, row, tile, place, slots[place], levels, marked, 2 * rows.shape[1], bound, cap, looked[place]
                )
            for block in range(0, words, BLOCK):
                for row in range(start, end):
                    place = row - start
                    _look(
                        world, row, row_at(tables, place), tile, place, slots[place], looked[place], block, rows[row],
                        columns, needs, position_bits,
                    )  # fmt: skip


@compiled
def _sort_columns(needs: Longs, levels: Words) -> None:
    """Fill the bits of the columns by what they need."""
    for column in range(len(needs)):
        levels[(needs[column] + _STEP - 1) // _STEP, column >> 6] |= ONE << np.uint64(column & 63)
    for level in range(1, len(levels)):
        levels[level] |= levels[level - 1]


@compiled
def _choose(
    world: World,
    row: int,
    tile: Tile,
    place: int,
    slot: int,
    levels: Words,
    marked: Marked,
    enough: int,
    bound: int,
    cap: int,
    looked: Words,
) -> int:
    """Fill `looked` with the columns of a row to look at. Without a `cap` those whose bounds are high, `enough` of them if there
    are as many, beginning with those of at least `bound`; returns where to begin with the next row. With a cap all others
    that can score as much, or as much as the column needs; returns `bound`.
    """
    bits = tile.bits[place]
    if cap > 0:
        bits &= ~looked
    prices = np.arange(len(levels)) * _STEP
    used = begin_reach(world, row, marked)
    many = how_many(bits) > enough
    while True:
        looked[:] = bits
        if cap == 0 and not many:
            return bound
        fill_levels(prices, bound if cap == 0 else 1, cap, 0, marked.levels)
        keep_row(world, row, tile, place, slot, used, levels, marked, looked)
        if cap > 0:
            return bound
        count = how_many(looked)
        if count >= enough or bound == 1:
            return min(TOP, bound + _STEP) if count > 2 * enough else bound
        bound = max(1, bound - 2 * _STEP)


@compiled
def _look(
    world: World,
    row: int,
    made: Row,
    tile: Tile,
    place: int,
    slot: int,
    bits: Words,
    block: int,
    heap: Words,
    columns: Words,
    needs: Longs,
    position_bits: int,
) -> None:
    """Put a row's pairs in a block whose bit is set into the heaps of the row and of the columns."""
    listed, scores = tile.columns, tile.scores
    name, position = world.mentors.names[row], world.mentors.position[row]
    names, positions = world.mentees.names, world.mentees.position
    cap = int(np.int64(heap[0] >> SCORE_SHIFT))
    found = scan(
        world,
        row,
        made,
        tile.bonus[slot],
        bits,
        tile.wanted[place],
        tile.marks[place],
        (block, min(block + BLOCK, len(bits))),
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
