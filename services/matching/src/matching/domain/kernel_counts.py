"""How many pairs break each rule, exactly, in all and for each person.

Each rule is counted by itself, as the certificate asks: rules of classes, grades and units from histograms, topics from
rows of bits, the sparse ones from their lists; what all of them leave is counted bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Groups, Longs, Shorts, Words, bits_of, groups
from matching.domain.encoding import Classes, Encoded, People
from matching.domain.kernel_rules import (
    NONE,
    ONE,
    Searched,
    World,
    climb,
    fill_class,
    fill_class_bits,
    mark_allowed,
    mark_reasons,
    population,
    shared_level,
    shared_minutes,
)
from matching.domain.rules import Rule

SPARSE = (
    Rule.SAME_PERSON,
    Rule.ALREADY_PAIRED,
    Rule.REPORTING_CHAIN,
    Rule.DOTTED_LINE,
    Rule.SAME_TEAM,
    Rule.SAME_PROJECT,
    Rule.REVIEWER,
    Rule.EXCLUDED,
)
"""Rules counted pair by pair, in the order of the kernel's counters; the last counter is that of allowed pairs."""
PerPerson = tuple[Longs, Longs]
Stretches = Iterator[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Survey:
    """Counts of pairs. `broken` counts pairs per rule, those that break several under each; the arrays (int64) count the
    people opposite each mentor and each mentee, by position.
    """

    possible: int
    allowed: int
    broken: Mapping[Rule, int]
    mentor_allowed: Longs
    mentee_allowed: Longs
    mentor_broken: Mapping[Rule, Longs]
    mentee_broken: Mapping[Rule, Longs]


def survey(
    encoded: Encoded, world: World, run: Callable[[Callable[[Stretches], NDArray[np.int32]]], list[NDArray[np.int32]]]
) -> Survey:
    """All counts; `run` gives every thread its stretches of rows."""
    mentors, mentees = encoded.mentors, encoded.mentees
    rows, columns = len(mentors.kind), len(mentees.kind)
    by_row = np.zeros((len(SPARSE) + 2, rows), np.int32)

    def work(stretches: Stretches) -> NDArray[np.int32]:
        by_column = np.zeros((len(SPARSE) + 1, columns), np.int32)
        for first, last in stretches:
            count_rows(world, first, last, by_row, by_column)
        return by_column

    by_column = np.sum(run(work), axis=0)
    counted: dict[Rule, PerPerson] = {
        rule: (by_row[place].astype(np.int64), by_column[place].astype(np.int64)) for place, rule in enumerate(SPARSE)
    }
    counted[Rule.SUBSTANCE] = (columns - by_row[-1].astype(np.int64), rows - _reasons_of_columns(encoded))
    counted |= _by_histogram(encoded)
    for waived in encoded.waived:
        for rule in waived.spared:
            counted[rule][0][waived.row] -= 1
            counted[rule][1][waived.column] -= 1
    order = [rule for rule in Rule if counted[rule][0].any()]
    inner = encoded.inner_mentors, encoded.inner_mentees
    allowed = by_row[len(SPARSE)].astype(np.int64), by_column[len(SPARSE)].astype(np.int64)
    return Survey(
        possible=rows * columns,
        allowed=int(allowed[0].sum()),
        broken={rule: int(counted[rule][0].sum()) for rule in order},
        mentor_allowed=allowed[0][inner[0]],
        mentee_allowed=allowed[1][inner[1]],
        mentor_broken={rule: counted[rule][0][inner[0]] for rule in order},
        mentee_broken={rule: counted[rule][1][inner[1]] for rule in order},
    )


def _by_histogram(encoded: Encoded) -> dict[Rule, PerPerson]:
    mentors, mentees, settings = encoded.mentors, encoded.mentees, encoded.settings
    rows, columns = len(mentors.kind), len(mentees.kind)
    counted: dict[Rule, PerPerson] = {}
    for rule, mine, theirs in (
        (Rule.NOT_EMPLOYED, mentors.employed, mentees.employed),
        (Rule.CAPACITY, mentors.placed, mentees.placed),
    ):
        counted[rule] = (
            np.where(mine, np.count_nonzero(~theirs), columns).astype(np.int64),
            np.where(theirs, np.count_nonzero(~mine), rows).astype(np.int64),
        )
    nobody = np.zeros(rows, np.int64), np.zeros(columns, np.int64)
    counted[Rule.DIRECTION], counted[Rule.GRADE_GAP] = nobody, (nobody[0].copy(), nobody[1].copy())
    if settings.grade_sign:
        counted[Rule.DIRECTION], counted[Rule.GRADE_GAP] = _grades(
            settings.grade_sign * mentors.grade.astype(np.int64),
            settings.grade_sign * mentees.grade.astype(np.int64),
            settings.grade_gap,
        )
    counted[Rule.UNIT_POLICY] = nobody[0].copy(), nobody[1].copy()
    if settings.unit_policy:
        same = _same_unit(mentors, mentees), _same_unit(mentees, mentors)
        counted[Rule.UNIT_POLICY] = same if settings.unit_policy == 1 else (columns - same[0], rows - same[1])
    classes = encoded.classes
    for rule, of_mentors, of_mentees, kinds in (
        (Rule.SHARED_LANGUAGE, classes.mentor_tongue, classes.mentee_tongue, len(classes.tongues)),
        (Rule.WORKING_HOURS, classes.mentor_time, classes.mentee_time, len(classes.works)),
    ):
        own, other = of_mentors[mentors.kind], of_mentees[mentees.kind]
        forbidden = np.zeros(kinds, np.int64), np.zeros(kinds, np.int64)
        count_classes(
            encoded.classes,
            rule is Rule.WORKING_HOURS,
            settings.least_minutes if rule is Rule.WORKING_HOURS else settings.least_level,
            np.bincount(own, minlength=kinds),
            np.bincount(other, minlength=kinds),
            *forbidden,
        )
        counted[rule] = forbidden[0][own], forbidden[1][other]
    return counted


def _grades(mine: Longs, theirs: Longs, gap: int) -> tuple[PerPerson, PerPerson]:
    """Pairs in the wrong direction, and in the right one but closer than `gap`; ranks count upwards from mentor to mentee."""
    mentors, mentees = np.sort(mine), np.sort(theirs)
    not_above = np.searchsorted(mentees, mine, side="right")
    not_below = len(mentors) - np.searchsorted(mentors, theirs, side="left")
    near_above = np.searchsorted(mentees, mine + gap, side="left") - not_above
    near_below = np.searchsorted(mentors, theirs, side="left") - np.searchsorted(mentors, theirs - gap, side="right")
    return (not_above, not_below), (np.maximum(0, near_above), np.maximum(0, near_below))


def _same_unit(people: People, others: People) -> Longs:
    units = int(max(people.unit.max(initial=0), others.unit.max(initial=0))) + 1
    same: Longs = np.bincount(others.unit, minlength=units)[people.unit].astype(np.int64)
    return same


def _reasons_of_columns(encoded: Encoded) -> Longs:
    """With how many mentors each mentee has a substantive reason."""
    topics = encoded.topics
    rows = len(encoded.mentors.kind)
    count = np.zeros(len(encoded.mentees.kind), np.int64)
    reached = _reached_rows(topics.related, topics.offered, rows)
    wish_topic = _owners(topics.wishes_of)
    if encoded.settings.reciprocal:
        answered = _reached_rows(topics.related, topics.asked, rows)
        count_reasons(topics.wishes, wish_topic, reached, topics.offers, _owners(topics.offers_of), answered, count)
    else:
        nothing = Groups(np.zeros(len(count) + 1, np.int64), np.zeros(0, np.int32))
        count_reasons(topics.wishes, wish_topic, reached, nothing, wish_topic, reached, count)
    return count


def _owners(grouped: Groups) -> Shorts:
    """The owner of each item, where each item has one."""
    owners = np.zeros(len(grouped.items), np.int32)
    owners[grouped.items] = np.repeat(np.arange(len(grouped.starts) - 1), np.diff(grouped.starts))
    return owners


def _reached_rows(related: Groups, told: Groups, rows: int) -> Words:
    """Bits of rows by topic: who told it or a related one."""
    row = np.repeat(np.arange(rows), np.diff(told.starts))
    own = bits_of(groups(told.items, row, len(related.starts) - 1), rows)
    reached = np.zeros_like(own)
    for topic in range(len(own)):
        near = related.items[related.starts[topic] : related.starts[topic + 1]]
        reached[topic] = np.bitwise_or.reduce(own[near], axis=0)
    return reached


@compiled
def count_reasons(
    wishes: Groups,
    wish_topic: Shorts,
    reached: Words,
    offers: Groups,
    offer_topic: Shorts,
    answered: Words,
    count: Longs,
) -> None:
    """Per column the rows reached by one of its wishes or answered by one of its offers."""
    bits = np.zeros(reached.shape[1], np.uint64)
    for column in range(len(count)):
        bits[:] = NONE
        for place in range(wishes.starts[column], wishes.starts[column + 1]):
            bits |= reached[wish_topic[wishes.items[place]]]
        for place in range(offers.starts[column], offers.starts[column + 1]):
            bits |= answered[offer_topic[offers.items[place]]]
        for word in bits:
            count[column] += population(word)


@compiled
def count_classes(
    classes: Classes, by_time: bool, least: int, mentors: Longs, mentees: Longs, per_mentor: Longs, per_mentee: Longs
) -> None:
    """Per working time (or set of languages) the people opposite with too little in common; the counts are of people."""
    for one in range(len(mentors)):
        if mentors[one] == 0:
            continue
        for other in range(len(mentees)):
            if mentees[other] == 0:
                continue
            if by_time:
                forbidden = shared_minutes(classes, one, other) < least
            else:
                forbidden = shared_level(classes, one, other, least) == 0
            if forbidden:
                per_mentor[one] += mentees[other]
                per_mentee[other] += mentors[one]


@compiled
def count_rows(world: World, first: int, last: int, by_row: NDArray[np.int32], by_column: NDArray[np.int32]) -> None:
    """Count a stretch of rows: the sparse rules, then allowed pairs, then (by row only) pairs with a reason."""
    words = world.grade_bits.shape[1]
    nodes = len(world.organisation.manager)
    bits, chain, class_bits = np.zeros(words, np.uint64), np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    bonus = np.zeros(len(world.classes.mentee_time), np.int32)
    minutes = np.zeros(len(world.classes.works), np.int32)
    levels = np.zeros(len(world.classes.tongues), np.int32)
    searched = Searched(np.zeros(nodes, np.int32), np.zeros(nodes, np.int32))
    mentors, organisation = world.mentors, world.organisation
    at_node = organisation.at_node
    known = -1
    mark = 0
    for row in range(first, last):
        node = mentors.node[row]
        bits[:] = NONE
        _set(bits, at_node, node)
        _tally(bits, row, 0, by_row, by_column)
        _set_joined(bits, organisation.earlier, at_node, node)
        _tally(bits, row, 1, by_row, by_column)
        _set_reached(bits, organisation.managers, at_node, node, mark + 1, searched)
        _set_reached(bits, organisation.managed, at_node, node, mark + 2, searched)
        chain[:] = bits
        _tally(bits, row, 2, by_row, by_column)
        _set_reached(bits, organisation.up, at_node, node, mark + 3, searched)
        _set_reached(bits, organisation.down, at_node, node, mark + 4, searched)
        bits &= ~chain
        _tally(bits, row, 3, by_row, by_column)
        if mentors.team[row] >= 0:
            _set(bits, organisation.in_team, mentors.team[row])
        if mentors.manager[row] >= 0:
            _set(bits, organisation.under_manager, mentors.manager[row])
        _tally(bits, row, 4, by_row, by_column)
        _set_joined(bits, organisation.projects, organisation.on_project, row)
        _tally(bits, row, 5, by_row, by_column)
        _set_joined(bits, organisation.reviews, at_node, node)
        _tally(bits, row, 6, by_row, by_column)
        _set_joined(bits, organisation.excluded, at_node, node)
        _tally(bits, row, 7, by_row, by_column)
        if mentors.kind[row] != known:
            known = mentors.kind[row]
            fill_class(world, known, minutes, levels, bonus)
            fill_class_bits(world, bonus, class_bits)
        mark_allowed(world, row, class_bits, mark + 5, searched, bits)
        mark += 6
        _tally(bits, row, 8, by_row, by_column)
        mark_reasons(world, row, bits)
        for word in bits:
            by_row[9, row] += population(word)


@compiled
def _set(bits: Words, grouped: Groups, owner: int) -> None:
    for place in range(grouped.starts[owner], grouped.starts[owner + 1]):
        item = grouped.items[place]
        bits[item >> 6] |= ONE << np.uint64(item & 63)


@compiled
def _set_joined(bits: Words, joints: Groups, grouped: Groups, owner: int) -> None:
    for place in range(joints.starts[owner], joints.starts[owner + 1]):
        _set(bits, grouped, joints.items[place])


@compiled
def _set_reached(bits: Words, steps: Groups, grouped: Groups, node: int, mark: int, searched: Searched) -> None:
    for place in range(climb(steps, node, mark, searched)):
        _set(bits, grouped, searched.queue[place])


@compiled
def _tally(bits: Words, row: int, counter: int, by_row: NDArray[np.int32], by_column: NDArray[np.int32]) -> None:
    """Count the bits for the row and for each column, and clear them."""
    for word in range(len(bits)):
        left = bits[word]
        bits[word] = NONE
        while left != NONE:
            lowest = left & (~left + ONE)
            left ^= lowest
            by_row[counter, row] += 1
            by_column[counter, (word << 6) + population(lowest - ONE)] += 1
