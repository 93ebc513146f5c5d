"""Which columns a row can reach: those whose score cannot be ruled out, by a few operations on rows of bits.

A column stays when for some of the sets it is in (`matching.domain.encoded_reach`) the bound of the score is as much as its level
of price asks for. Bounds are never below a score, so only what could not be asked for is ruled out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Groups, Longs, Shorts, Words
from matching.domain.encoded_reach import HALVES, TOP, Reach
from matching.domain.encoding import HAS_VALUES, HAS_WISHES
from matching.domain.kernel_rules import NONE, ONE, World, population

EVERYBODY, OFFERS, ONE_SHARED, TWO_SHARED = 0, 1, 2, 3
"""The sets of columns known of a row."""
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Marked(NamedTuple):
    """Working memory for one row: `levels[x]` is the level of prices a score of x reaches (-1: none); `halves[s]` are the
    columns whose wishes get at least s half answers; `reached` marks topics and is 0 between rows, `spare` is one row of bits.
    """

    levels: Shorts
    halves: Words
    reached: Shorts
    spare: Words


@compiled
def new_marked(topics: int, words: int) -> Marked:
    """Empty working memory."""
    halves = np.zeros((HALVES + 1, words), np.uint64)
    halves[0, :] = ALL
    return Marked(np.zeros(TOP + 1, np.int32), halves, np.zeros(topics, np.int32), np.zeros(words, np.uint64))


@compiled
def fill_levels(prices: Longs, floor: int, cap: int, own: int, levels: Shorts) -> None:
    """For each score the level of columns for which it is at least max(floor, min(cap, own + price))."""
    last = len(prices) - 1
    level = 0
    for score in range(TOP + 1):
        limit = score - own
        if score < floor:
            levels[score] = -1
        elif score >= cap or limit >= prices[last]:
            levels[score] = last
        elif limit < prices[0]:
            levels[score] = -1
        else:
            while prices[level] < limit:
                level += 1
            levels[score] = level


@compiled
def mark_halves(asks: Words, offered: Groups, offered_level: Shorts, related: Groups, row: int, marked: Marked) -> int:
    """Fill `marked.halves` for a row; how many half answers any column can get, at most HALVES.

    A wish gets two halves if the same topic is offered at more than half its level, and one if it is offered at all or a broader
    or narrower topic is: the points of such an answer are at most 500 for each half.
    """
    reached = marked.reached
    count = 0
    for place in range(offered.starts[row], offered.starts[row + 1]):
        topic, level = offered.items[place], offered_level[place]
        plane = level if level < asks.shape[1] else 0
        count = _add(asks, topic, plane, count, marked.halves)
        for near in range(related.starts[topic], related.starts[topic + 1]):
            other = related.items[near]
            if reached[other] == 0:
                reached[other] = 1
                count = _add(asks, other, 0, count, marked.halves)
    for place in range(offered.starts[row], offered.starts[row + 1]):
        topic = offered.items[place]
        for near in range(related.starts[topic], related.starts[topic + 1]):
            reached[related.items[near]] = 0
    return min(count, HALVES)


@compiled
def _add(asks: Words, topic: int, plane: int, count: int, halves: Words) -> int:
    """Count one half for the columns of a plane; `count` planes were added so far, and the new number is returned."""
    words = np.uint64(halves.shape[1])
    upper = np.uint64(topic), np.uint64(plane)
    if count < HALVES:
        here = np.uint64(count)
        above = np.uint64(count + 1)
        for word in range(words):
            halves[above, word] = halves[here, word] & asks[upper[0], upper[1], word]
    for number in range(min(count, HALVES), 0, -1):
        above, here = np.uint64(number), np.uint64(number - 1)
        for word in range(words):
            halves[above, word] |= halves[here, word] & asks[upper[0], upper[1], word]
    return count + 1


@compiled
def mark_shared(world: World, row: int, marks: Words) -> None:
    """Fill the sets of columns that `keep_reached` and `scan` read for a row: in `marks[OFFERS]` who offers something it asks for,
    in `marks[ONE_SHARED]` and `marks[TWO_SHARED]` who shares a value and two values with it; `marks[EVERYBODY]` is full.
    """
    offers, one_shared, two_shared = np.uint64(OFFERS), np.uint64(ONE_SHARED), np.uint64(TWO_SHARED)
    words = np.uint64(marks.shape[1])
    for word in range(words):
        marks[offers, word] = NONE
        marks[one_shared, word] = NONE
        marks[two_shared, word] = NONE
    topics, held, values = world.topics, world.mentors.values[row], world.reach.values
    offering = topics.offering
    for place in range(topics.asked.starts[row], topics.asked.starts[row + 1]):
        topic = np.uint64(topics.asked.items[place])
        for word in range(words):
            marks[offers, word] |= offering[topic, word]
    for part in range(len(held)):
        left = held[part]
        while left != NONE:
            lowest = left & (~left + ONE)
            left ^= lowest
            value = (part << 6) + population(lowest - ONE)
            if value < len(values):
                code = np.uint64(value)
                for word in range(words):
                    marks[two_shared, word] |= marks[one_shared, word] & values[code, word]
                    marks[one_shared, word] |= values[code, word]
            else:
                for word in range(words):
                    marks[two_shared, word] |= marks[one_shared, word]
                    marks[one_shared, word] = ALL


@compiled
def keep_reached(
    reach: Reach,
    kind: int,
    less: int,
    used: int,
    prices: Words,
    marks: Words,
    wanted: Words,
    marked: Marked,
    bits: Words,
) -> None:
    """Clear the bits of the columns a row cannot reach. `less` is what every bound is lower by, `used` what `mark_halves` said;
    `prices` are the bits of Priced, `marks` those of `mark_shared`; columns in `wanted` are kept.
    """
    levels, halves, spare = marked.levels, marked.halves, marked.spare
    last_level = len(prices) - 1
    for group in range(len(reach.starts) - 1):
        first, last = reach.starts[group], reach.starts[group + 1]
        most = min(used, reach.wishes[group])
        bounds = reach.bounds[kind, group]
        if levels[max(1, bounds[0, 0, 0] - less)] == last_level:
            continue
        begin, count = np.uint64(first >> 6), np.uint64(((last + 63) >> 6) - (first >> 6))
        for word in range(count):
            spare[word] = NONE
        offered = 1 if kind & HAS_WISHES else 0
        shared = 2 if kind & reach.declared[group] & HAS_VALUES else 0
        for offers in range(offered + 1):
            for share in range(shared + 1):
                before = -1
                half = most + 1 if levels[max(1, bounds[offers, share, most] - less)] < 0 else 0
                while half <= most:
                    level = levels[max(1, bounds[offers, share, half] - less)]
                    unanswered = levels[max(1, bounds[0, share, half] - less)] if offers > 0 else -1
                    fewer = levels[max(1, bounds[offers, share - 1, half] - less)] if share > 0 else -1
                    if level > max(before, unanswered, fewer):
                        before = level
                        one, two = np.uint64(level), np.uint64(half)
                        three = np.uint64(OFFERS if offers > 0 else EVERYBODY)
                        four = np.uint64(OFFERS + share if share > 0 else EVERYBODY)
                        for word in range(count):
                            place = begin + word
                            spare[word] |= (
                                prices[one, place] & halves[two, place] & marks[three, place] & marks[four, place]
                            )
                    half += 1
        spare[0] |= (ONE << np.uint64(first & 63)) - ONE
        if last & 63:
            spare[count - ONE] |= ALL << np.uint64(last & 63)
        for word in range(count):
            bits[begin + word] &= spare[word] | wanted[begin + word]
