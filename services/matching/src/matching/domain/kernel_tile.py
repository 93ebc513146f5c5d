"""Rows taken in tiles and columns in blocks, so that what a tile reads of a block stays in the cache."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Shorts, Words
from matching.domain.encoded_reach import TOP
from matching.domain.kernel_reach import (
    ALL,
    EVERYBODY,
    TWO_SHARED,
    Marked,
    keep_reached,
    mark_halves,
)
from matching.domain.kernel_rules import NONE, ONE, Searched, World, fill_class, fill_class_bits, mark_allowed

TILE = 32
"""Rows looked at together."""
BLOCK = 1024
"""Words of columns looked at together: 65,536 columns."""


class Tile(NamedTuple):
    """Working memory of one stretch: for each row of a tile the columns allowed, those that one of the two ranked, and the sets of
    `kernel_reach.mark_shared`; `most_bonus` are the most points of language and hours by slot.
    """

    bits: Words
    wanted: Words
    marks: Words
    class_bits: Words
    bonus: NDArray[np.int32]
    most_bonus: Shorts
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
    marks = np.zeros((TILE, TWO_SHARED + 1, words), np.uint64)
    marks[:, EVERYBODY, :] = ALL
    return Tile(
        np.zeros((TILE, words), np.uint64),
        np.zeros((TILE, words), np.uint64),
        marks,
        np.zeros(words, np.uint64),
        np.zeros((TILE, len(world.classes.mentee_time)), np.int32),
        np.zeros(TILE, np.int32),
        np.zeros(len(world.classes.works), np.int32),
        np.zeros(len(world.classes.tongues), np.int32),
        Searched(np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)),
        np.empty(min(BLOCK, words) * 64, np.int32),
        np.empty(min(BLOCK, words) * 64, np.int32),
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
            most = 0
            for points in tile.bonus[slot]:
                most = max(most, points, -1 - points)
            tile.most_bonus[slot] = most
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
def begin_reach(world: World, row: int, marked: Marked) -> int:
    """What `keep_row` needs to be told of a row: the half answers any column can get from it."""
    topics, asks = world.topics, world.reach.asks
    return mark_halves(asks, topics.offered, topics.offered_level, topics.related, row, marked)


@compiled
def keep_row(
    world: World,
    row: int,
    tile: Tile,
    place: int,
    slot: int,
    used: int,
    prices: Words,
    marked: Marked,
    bits: Words,
) -> None:
    """Clear the bits of the columns that the row cannot reach by `marked.levels` and the bits of `prices`."""
    settings, reach = world.settings, world.reach
    less = (TOP * (settings.language + settings.hours) - tile.most_bonus[slot]) // reach.heaviest
    keep_reached(reach, reach.kinds[row], less, used, prices, tile.marks[place], tile.wanted[place], marked, bits)
