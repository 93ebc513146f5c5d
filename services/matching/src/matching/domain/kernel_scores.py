"""The score of pairs in integers, for one mentor and many mentees at a time; equal to `matching.domain.scoring`.

The parts are added from the cheapest to the dearest. What a pair can still reach is known after each step, so most pairs
that cannot be needed are left after the topics. Parts are added to a list of pairs at once: a call costs
two counted references for each array it is given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Longs, Shorts, Words
from matching.domain.encoding import HAS_CHANNELS, HAS_RANKED, HAS_VALUES, HAS_WISHES, Settings
from matching.domain.kernel_rules import NONE, ONE, World, population

TOP = 1000
PARTS = ("topics", "reciprocity", "distance", "language", "hours", "values", "style", "preferences", "channel")
"""The order of part vectors."""
OFFERING, SHARING = 16, 32
"""Beside a mentee's flags, in the index of `Row.open`."""
_MOST_OPEN = OFFERING + 2 * SHARING


class Row(NamedTuple):
    """What is known of one mentor before any mentee is looked at.

    `points[w]` answer wish w; `answers[k, o]` are what offer o answers of the mentor's wish k. For each set of a mentee's
    flags `weight` is the sum of the weights that apply, and `open` what the parts after topics, language, hours and
    preferences can still add, both without style; `open` also by whether the mentee offers anything asked for
    (OFFERING) and by the values both share (SHARING times 0, 1 or 2 and more).
    """

    points: Shorts
    answers: NDArray[np.int32]
    weight: Longs
    open: Longs


@compiled
def new_rows(world: World, most_asked: int, count: int) -> Row:
    """Empty tables of `count` rows, with that as their first axis; `most_asked` is the largest number of wishes of a mentor."""
    return Row(
        np.zeros((count, len(world.topics.wish_level)), np.int32),
        np.zeros((count, most_asked, len(world.topics.offer_level)), np.int32),
        np.zeros((count, 16), np.int64),
        np.zeros((count, 3 * SHARING), np.int64),
    )


@compiled
def row_at(rows: Row, place: int) -> Row:
    """The tables of one row."""
    return Row(rows.points[place], rows.answers[place], rows.weight[place], rows.open[place])


@compiled
def _answer(offered: int, asked: int, share: int) -> int:
    """Points for one wish by one offer; `share` is 1000 for the same topic, 500 for a broader or narrower one."""
    return share * min(offered, asked) // max(1, asked)


@compiled
def fill_row(world: World, row: int, made: Row) -> None:
    """The tables of one mentor."""
    topics = world.topics
    related = topics.related
    made.points[:] = 0
    for place in range(topics.offered.starts[row], topics.offered.starts[row + 1]):
        topic, level = topics.offered.items[place], topics.offered_level[place]
        for near in range(related.starts[topic], related.starts[topic + 1]):
            other = related.items[near]
            for wish_place in range(topics.wishes_of.starts[other], topics.wishes_of.starts[other + 1]):
                wish = topics.wishes_of.items[wish_place]
                points = _answer(level, topics.wish_level[wish], TOP if other == topic else TOP // 2)
                made.points[wish] = max(made.points[wish], points)
    first = topics.asked.starts[row]
    for place in range(first, topics.asked.starts[row + 1]):
        topic, level = topics.asked.items[place], topics.asked_level[place]
        made.answers[place - first, :] = 0
        for near in range(related.starts[topic], related.starts[topic + 1]):
            other = related.items[near]
            for offer_place in range(topics.offers_of.starts[other], topics.offers_of.starts[other + 1]):
                offer = topics.offers_of.items[offer_place]
                made.answers[place - first, offer] = _answer(
                    topics.offer_level[offer], level, TOP if other == topic else TOP // 2
                )
    _fill_open(world, row, made)


@compiled
def _fill_open(world: World, row: int, made: Row) -> None:
    topics, settings = world.topics, world.settings
    mine = world.mentors.flags[row]
    values = 0
    for word in world.mentors.values[row]:
        values += population(word)
    for flags in range(16):
        weight = settings.distance + settings.language + settings.hours
        sure = settings.distance * TOP
        answered = shared = 0
        if topics.asked_count[row] > 0:
            weight += settings.reciprocity
            answered = settings.reciprocity * TOP
        if mine & flags & HAS_VALUES:
            weight += settings.values
            shared = settings.values
        if mine & flags & HAS_CHANNELS:
            weight += settings.channel
            sure += settings.channel * TOP
        if flags & HAS_WISHES:
            weight += settings.topics
        if (mine | flags) & HAS_RANKED:
            weight += settings.preferences
        made.weight[flags] = weight
        for sharing in range(3):
            still = sure + (0 if sharing == 0 else shared * (TOP // values if sharing == 1 and values > 0 else TOP))
            made.open[flags + SHARING * sharing] = still
            made.open[flags + SHARING * sharing + OFFERING] = still + answered


@compiled
def add_distance(
    weight: int,
    unit: int,
    units: Shorts,
    mine: Shorts,
    theirs: Shorts,
    life: Words,
    lives: Words,
    columns: Shorts,
    totals: Shorts,
    listed: int,
) -> None:
    """Add how far unit, function, region, country, tenure and life experience differ, as far as known."""
    for number in range(listed):
        column = columns[number]
        known = 1
        total = 0 if unit == units[column] else TOP
        for trait in range(len(mine)):
            other = theirs[column, trait]
            if mine[trait] >= 0 and other >= 0:
                known += 1
                if mine[trait] != other:
                    total += TOP
        one = another = both = 0
        for word in range(len(life)):
            one += population(life[word])
            another += population(lives[column, word])
            both += population(life[word] & lives[column, word])
        if one > 0 and another > 0:
            known += 1
            total += TOP - TOP * both // (one + another - both)
        totals[number] += weight * (total // known)


@compiled
def add_shared(
    weight: int, mine: Words, theirs: Words, shorter: bool, columns: Shorts, totals: Shorts, listed: int
) -> None:
    """Add the members in both sets, of those in either (or of those in the smaller one); nothing where one is empty."""
    for number in range(listed):
        column = columns[number]
        one = other = both = 0
        for word in range(len(mine)):
            one += population(mine[word])
            other += population(theirs[column, word])
            both += population(mine[word] & theirs[column, word])
        if one > 0 and other > 0:
            totals[number] += weight * (TOP * both // (min(one, other) if shorter else one + other - both))


@compiled
def add_answers(
    weight: int,
    answers: NDArray[np.int32],
    asked: int,
    asked_count: int,
    offers: Shorts,
    starts: Longs,
    columns: Shorts,
    totals: Shorts,
    listed: int,
) -> None:
    """Add how far the mentees answer the mentor's `asked_count` wishes, of which `asked` can be answered."""
    for number in range(listed):
        first, last = starts[columns[number]], starts[columns[number] + 1]
        total = 0
        for wish in range(asked):
            best = 0
            for place in range(first, last):
                best = max(best, answers[wish, offers[place]])
            total += best
        totals[number] += weight * (total // asked_count)


@compiled
def add_nearness(
    weight: int,
    mine: NDArray[np.int8],
    theirs: NDArray[np.int8],
    axes: np.uint64,
    their_axes: Words,
    columns: Shorts,
    totals: Shorts,
    listed: int,
) -> None:
    """Add the nearness of working style on the axes both declared; nothing where there are none."""
    for number in range(listed):
        column = columns[number]
        common = axes & their_axes[column]
        known = total = 0
        for axis in range(len(mine)):
            if common >> np.uint64(axis) & ONE != NONE:
                known += 1
                total += TOP - 250 * abs(int(mine[axis]) - int(theirs[column, axis]))
        if known > 0:
            totals[number] += weight * (total // known)


@compiled
def preference_points(items: Shorts, points: Shorts, first: int, last: int, column: int) -> int:
    """The points of a pair in which one ranked the other, from the row's list; 0 for every other pair."""
    for place in range(first, last):
        if items[place] == column:
            return int(points[place])
    return 0


@compiled
def scan(
    world: World,
    row: int,
    made: Row,
    bonus: Shorts,
    bits: Words,
    wanted: Words,
    marks: Words,
    words: tuple[int, int],
    floor: int,
    cap: int,
    own: int,
    other: Longs,
    columns: Shorts,
    totals: Shorts,
) -> int:
    """Look at the row's pairs whose bit is set, in the words from the first to before the second of `words`, and list those
    that may reach max(floor, min(cap, own + other[column])): their number; they stand in `columns`, what they have so far
    in `totals`.

    `wanted` are the bits of the columns for which `preference_points` may be above 0, `marks` those of `kernel_reach.mark_shared`.
    """
    topics, settings, mentees, pairs = world.topics, world.settings, world.mentees, world.pairs
    starts, wishes, factors = topics.wishes.starts, topics.wishes.items, topics.wish_factor
    flags, kinds, axes, mine = mentees.flags, mentees.kind, mentees.axes, world.mentors.axes[row]
    points, weights, opens = made.points, made.weight, made.open
    ranked, ranked_points = pairs.wanted.items, pairs.wanted_points
    first_ranked, last_ranked = pairs.wanted.starts[row], pairs.wanted.starts[row + 1]
    topics_weight, style_weight, preference_weight = settings.topics, settings.style, settings.preferences
    found = 0
    for word in range(words[0], words[1]):
        left = bits[word]
        if left == NONE:
            continue
        offering, one_shared, two_shared = marks[1, word], marks[2, word], marks[3, word]
        while left != NONE:
            lowest = left & (~left + ONE)
            left ^= lowest
            column = (word << 6) + population(lowest - ONE)
            need = max(floor, min(cap, own + other[column]))
            if need > TOP:
                continue
            met = bonus[kinds[column]]
            total = met if met >= 0 else -1 - met
            answered = 0
            for place in range(starts[column], starts[column + 1]):
                answered += points[wishes[place]]
            total += topics_weight * (answered * factors[column] >> 32)
            known = np.uint64(column & 63)
            here = OFFERING * int(offering >> known & ONE)
            here += SHARING * int((one_shared >> known & ONE) + (two_shared >> known & ONE))
            weight, still = weights[flags[column]], opens[flags[column] + here]
            if mine & axes[column] != NONE:
                weight += style_weight
                still += style_weight * TOP
            if wanted[word] & lowest != NONE:
                total += preference_weight * preference_points(ranked, ranked_points, first_ranked, last_ranked, column)
            if need > 1 and total + still < need * weight:
                continue
            columns[found], totals[found] = column, total
            found += 1
    return found


@compiled
def sift(
    settings: Settings,
    made: Row,
    axes: np.uint64,
    their_axes: Words,
    flags: NDArray[np.uint8],
    spent: int,
    needs: tuple[int, int, int],
    other: Longs,
    columns: Shorts,
    totals: Shorts,
    listed: int,
) -> int:
    """Keep the listed pairs that can still reach what was asked for when parts with the weight `spent` have been added."""
    weights, opens = made.weight, made.open
    floor, cap, own = needs
    kept = 0
    for number in range(listed):
        column = columns[number]
        weight, still = weights[flags[column]], opens[flags[column] + _MOST_OPEN] - spent * TOP
        if axes & their_axes[column] != NONE:
            weight += settings.style
            still += settings.style * TOP
        need = max(floor, min(cap, own + other[column]))
        if need <= 1 or totals[number] + still >= need * weight:
            columns[kept], totals[kept] = column, totals[number]
            kept += 1
    return kept


@compiled
def complete(
    world: World,
    row: int,
    made: Row,
    needs: tuple[int, int, int],
    other: Longs,
    listed: int,
    columns: Shorts,
    totals: Shorts,
) -> int:
    """Complete the first `listed` pairs that `scan` listed and keep those that reach what it was asked for (`needs` are its
    floor, cap and own): their number; in `totals` stand their scores.
    """
    if listed == 0:
        return 0
    settings, mentors, mentees, topics = world.settings, world.mentors, world.mentees, world.topics
    axes, their_axes, flags = mentors.axes[row], mentees.axes, mentees.flags
    weights = made.weight
    floor, cap, own = needs
    unit, units = mentors.unit[row], mentees.unit
    add_distance(
        settings.distance, unit, units, mentors.traits[row], mentees.traits, mentors.life[row], mentees.life,
        columns, totals, listed,
    )  # fmt: skip
    spent = settings.distance
    listed = sift(settings, made, axes, their_axes, flags, spent, needs, other, columns, totals, listed)
    if topics.asked_count[row] > 0 and settings.reciprocity > 0:
        asked, offers = topics.asked.starts[row + 1] - topics.asked.starts[row], topics.offers
        add_answers(
            settings.reciprocity, made.answers, asked, topics.asked_count[row], offers.items, offers.starts,
            columns, totals, listed,
        )  # fmt: skip
        spent += settings.reciprocity
        listed = sift(settings, made, axes, their_axes, flags, spent, needs, other, columns, totals, listed)
    add_shared(settings.values, mentors.values[row], mentees.values, False, columns, totals, listed)
    add_shared(settings.channel, mentors.channels[row], mentees.channels, True, columns, totals, listed)
    add_nearness(settings.style, mentors.style[row], mentees.style, axes, their_axes, columns, totals, listed)
    kept = 0
    for number in range(listed):
        column = columns[number]
        weight = weights[flags[column]]
        if axes & their_axes[column] != NONE:
            weight += settings.style
        score = max(1, totals[number] // weight) if weight > 0 else 1
        if score >= max(floor, min(cap, own + other[column])):
            columns[kept], totals[kept] = column, score
            kept += 1
    return kept


@compiled
def part_vector(world: World, row: int, made: Row, minutes: int, level: int, column: int, parts: Shorts) -> int:
    """The total of a pair with a reason; `parts` in the order of PARTS, -1 for one that does not apply."""
    settings, topics, mentors, mentees = world.settings, world.topics, world.mentors, world.mentees
    wishes, offers, wanted = topics.wishes, topics.offers, world.pairs.wanted
    both, either = mentors.flags[row] & mentees.flags[column], mentors.flags[row] | mentees.flags[column]
    axes, their_axes = mentors.axes[row], mentees.axes
    columns = np.full(1, column, np.int32)
    parts[:] = 0
    for place in range(wishes.starts[column], wishes.starts[column + 1]):
        parts[0] += made.points[wishes.items[place]]
    parts[0] = parts[0] // topics.wish_count[column] if topics.wish_count[column] > 0 else -1
    if topics.asked_count[row] > 0:
        asked = topics.asked.starts[row + 1] - topics.asked.starts[row]
        add_answers(1, made.answers, asked, topics.asked_count[row], offers.items, offers.starts, columns, parts[1:], 1)
    else:
        parts[1] = -1
    add_distance(
        1, mentors.unit[row], mentees.unit, mentors.traits[row], mentees.traits, mentors.life[row], mentees.life,
        columns, parts[2:], 1,
    )  # fmt: skip
    parts[3] = 1000 * level // 6
    parts[4] = min(1000, 1000 * minutes // 480)
    add_shared(1, mentors.values[row], mentees.values, False, columns, parts[5:], 1)
    add_nearness(1, mentors.style[row], mentees.style, axes, their_axes, columns, parts[6:], 1)
    first, last = wanted.starts[row], wanted.starts[row + 1]
    parts[7] = preference_points(wanted.items, world.pairs.wanted_points, first, last, column)
    add_shared(1, mentors.channels[row], mentees.channels, True, columns, parts[8:], 1)
    if not both & HAS_VALUES:
        parts[5] = -1
    if axes & their_axes[column] == NONE:
        parts[6] = -1
    if not either & HAS_RANKED:
        parts[7] = -1
    if not both & HAS_CHANNELS:
        parts[8] = -1
    weights = (
        settings.topics,
        settings.reciprocity,
        settings.distance,
        settings.language,
        settings.hours,
        settings.values,
        settings.style,
        settings.preferences,
        settings.channel,
    )
    weight = total = 0
    for part in range(9):
        if parts[part] >= 0:
            weight += weights[part]
            total += weights[part] * parts[part]
    return max(1, total // weight) if weight > 0 else 1
