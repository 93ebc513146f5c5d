"""Bounds of the score by groups of columns, and columns by price: what `matching.domain.kernel_reach` rules out by.

Columns stand in groups that are alike in the number of wishes and in what they declare, so that all pairs of a row with a group
have one weight. Within a group the most a pair can score follows from three sets of columns, each a row of bits: how many half
answers their wishes get, whether they offer anything the row asks for, and how many values both share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.domain.encoded_groups import Longs, Shorts, Words, bits_of, groups
from matching.domain.encoding import (
    HAS_CHANNELS,
    HAS_RANKED,
    HAS_VALUES,
    HAS_WISHES,
    MOST_WISHES_APART,
    Encoded,
    People,
    column_kinds,
)

TOP = 1000
HALVES = 8
"""Half answers that are told apart; as many or more are one."""
MOST_VALUES = 128
"""Values that have bits of their own; each of the others counts as everybody's."""
MOST_LEVELS = 64
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_STYLED, _FEWEST = 16, 32


class Reach(NamedTuple):
    """The groups of columns and what bounds are made of.

    Group g are the columns from `starts[g]` to before `starts[g + 1]`, which declare `declared[g]` (see `column_kinds`);
    `wishes[g]` are the half answers they can get (at most HALVES). `kinds` tell rows apart by what they declare;
    `bounds[kind, group, offers, shared, halves]` is the most a pair can score if no one of the two ranked the other.
    `asks[topic, 0]` are the columns that ask for a topic, `asks[topic, o]` those that ask for less than twice the level o;
    `values` the columns that hold a value. `heaviest` is the sum of all weights.
    """

    starts: Shorts
    declared: Shorts
    wishes: Shorts
    kinds: Shorts
    bounds: NDArray[np.int16]
    asks: Words
    values: Words
    heaviest: int


class Priced(NamedTuple):
    """The columns by price: those of `bits[l]` ask at most `prices[l]`; the last row is everybody."""

    prices: Longs
    bits: Words


def reach_of(encoded: Encoded) -> Reach:
    """The groups, bits and bounds of an encoded snapshot."""
    mentors, mentees, topics = encoded.mentors, encoded.mentees, encoded.topics
    count = len(mentees.kind)
    wishes = np.minimum(topics.wish_count, MOST_WISHES_APART)
    alike = (wishes.astype(np.int64) << 5) | column_kinds(mentees.flags, mentees.axes)
    firsts = np.flatnonzero(np.r_[True, alike[1:] != alike[:-1]]) if count else np.zeros(0, np.int64)
    return Reach(
        starts=np.r_[firsts, count].astype(np.int32),
        declared=(alike[firsts] & (_FEWEST - 1)).astype(np.int32),
        wishes=np.where(wishes[firsts] < MOST_WISHES_APART, 2 * wishes[firsts], HALVES).astype(np.int32),
        kinds=_row_kinds(mentors),
        bounds=_bounds(encoded, alike[firsts]),
        asks=_asks(encoded, count),
        values=_values(mentees, count),
        heaviest=max(1, sum(encoded.settings[-9:])),
    )


def priced(prices: Longs, words: int) -> Priced:
    """The columns in at most MOST_LEVELS levels of price with about as many columns each."""
    if len(prices) == 0:
        return Priced(np.zeros(1, np.int64), np.full((1, words), _ALL))
    order = np.sort(prices)
    places = np.ceil(np.linspace(0, len(order) - 1, MOST_LEVELS)).astype(np.int64)
    levels = np.unique(order[places])
    marks = np.zeros((len(levels), words * 64), np.bool_)
    marks[:, : len(prices)] = prices[np.newaxis, :] <= levels[:, np.newaxis]
    bits = np.packbits(marks, axis=1, bitorder="little").view(np.uint64).reshape(len(levels), words)
    return Priced(levels, bits)


def _row_kinds(mentors: People) -> Shorts:
    """What a mentor declares and the number of values, from 1 to 4 and more."""
    held = np.unpackbits(mentors.values.view(np.uint8), axis=1).sum(axis=1, dtype=np.int32)
    kinds: Shorts = column_kinds(mentors.flags, mentors.axes) + _FEWEST * np.clip(held - 1, 0, 3)
    return kinds.astype(np.int32)


def _bounds(encoded: Encoded, alike: Longs) -> NDArray[np.int16]:
    """See Reach; parts that are not bounded by a set of columns count in full."""
    settings = encoded.settings
    kind, group, offers, shared, halves = np.ogrid[: 4 * _FEWEST, : len(alike), :2, :3, : HALVES + 1]
    other = np.asarray(alike & (_FEWEST - 1))[group]
    wishes = np.asarray(alike >> 5)[group]
    both, either = kind & other, kind | other
    weight = np.full(
        np.broadcast_shapes(kind.shape, group.shape), settings.distance + settings.language + settings.hours
    )
    points = (
        np.zeros(np.broadcast_shapes(weight.shape, offers.shape, shared.shape, halves.shape), np.int64) + TOP * weight
    )
    answered = np.where(halves >= HALVES, TOP, np.minimum(TOP, TOP // 2 * halves // np.maximum(1, wishes)))
    held = kind // _FEWEST + 1
    alike_values = np.where(shared == 0, 0, np.where(shared == 1, TOP // held, TOP))
    for applies, worth, most in (
        (other & HAS_WISHES, settings.topics, answered),
        (kind & HAS_WISHES, settings.reciprocity, TOP * offers),
        (both & HAS_VALUES, settings.values, alike_values),
        (both & HAS_CHANNELS, settings.channel, TOP),
        (both & _STYLED, settings.style, TOP),
        (either & HAS_RANKED, settings.preferences, 0),
    ):
        weight = weight + worth * (applies != 0)
        points += worth * (applies != 0) * most
    return np.ascontiguousarray(np.maximum(1, points // np.maximum(1, weight)), dtype=np.int16)


def _asks(encoded: Encoded, count: int) -> Words:
    """Columns by topic and plane."""
    topics = encoded.topics
    known = len(topics.related.starts) - 1
    topic_of = np.zeros(len(topics.wish_level), np.int64)
    topic_of[topics.wishes_of.items] = np.repeat(np.arange(known), np.diff(topics.wishes_of.starts))
    column = np.repeat(np.arange(count), np.diff(topics.wishes.starts))
    topic, level = topic_of[topics.wishes.items], topics.wish_level[topics.wishes.items]
    planes = 1 + min(3, int(level.max(initial=0)) // 2)
    asks = np.zeros((known, planes, (count + 63) // 64), np.uint64)
    for plane in range(planes):
        told = level < 2 * plane if plane else np.ones(len(level), np.bool_)
        asks[:, plane] = bits_of(groups(topic[told], column[told], known), count)
    return asks


def _values(mentees: People, count: int) -> Words:
    """Columns by value."""
    held = np.unpackbits(mentees.values.view(np.uint8), axis=1, bitorder="little")[:, :MOST_VALUES]
    column, value = np.nonzero(held)
    return bits_of(groups(value, column, held.shape[1]), count)
