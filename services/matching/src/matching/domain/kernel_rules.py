"""The hard rules as operations on bits: for one mentor, the set of all mentees no rule forbids.

A row of bits has one bit per column. Dense rules (topic, class, grade) are whole rows of bits joined by AND; sparse ones
(lines, team, project, conflicts) clear single bits. A row of 50,000 mentees takes about a microsecond, so nothing of the
product of both sides is ever kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.domain.compiled import compiled
from matching.domain.encoded_groups import Groups, Shorts, Words
from matching.domain.encoded_organisation import Organisation
from matching.domain.encoded_reach import Reach, reach_of
from matching.domain.encoded_topics import Topics
from matching.domain.encoding import Classes, Encoded, PairLists, People, Settings

NONE, ONE = np.uint64(0), np.uint64(1)


class World(NamedTuple):
    """What the kernels read: the encoded snapshot, and for the grade of each row (`grade_of`) the bits of the columns that
    are available and whose grade the direction and the minimum gap allow; and what scores are bounded by.
    """

    mentors: People
    mentees: People
    classes: Classes
    topics: Topics
    organisation: Organisation
    pairs: PairLists
    settings: Settings
    grade_of: Shorts
    grade_bits: Words
    reach: Reach


class Searched(NamedTuple):
    """Working memory of one search through the organisation graph: marks and a queue of nodes."""

    marks: Shorts
    queue: Shorts


def world_of(encoded: Encoded) -> World:
    """The encoded snapshot with the bits of grades."""
    settings, mentors, mentees = encoded.settings, encoded.mentors, encoded.mentees
    available = mentees.employed & mentees.placed
    words = (len(available) + 63) // 64
    if settings.grade_sign == 0:
        grade_of = np.zeros(len(mentors.grade), np.int32)
        allowed = available[np.newaxis, :]
    else:
        grades, place = np.unique(mentors.grade, return_inverse=True)
        grade_of = place.astype(np.int32)
        least = max(1, settings.grade_gap)
        allowed = np.zeros((len(grades), len(available)), np.bool_)
        for number, grade in enumerate(grades):
            allowed[number] = available & (settings.grade_sign * (mentees.grade - grade) >= least)
    padded = np.zeros((len(allowed), words * 64), np.bool_)
    padded[:, : len(available)] = allowed
    bits = np.packbits(padded, axis=1, bitorder="little").view(np.uint64).reshape(len(allowed), words)
    return World(
        mentors,
        mentees,
        encoded.classes,
        encoded.topics,
        encoded.organisation,
        encoded.pairs,
        settings,
        grade_of,
        bits,
        reach_of(encoded),
    )


@compiled
def population(word: np.uint64) -> int:
    """The number of bits set. The compiler knows this loop and makes one instruction of it."""
    count = 0
    while word != NONE:
        word &= word - ONE
        count += 1
    return count


@compiled
def how_many(bits: Words) -> int:
    """The number of bits set in a row of bits."""
    count = 0
    for word in bits:
        count += population(word)
    return count


@compiled
def shared_minutes(classes: Classes, one: int, other: int) -> int:
    """`working_hours.overlap_minutes` of two working times, from their shifts in seconds."""
    for day in range(1, classes.works.shape[1] - 1):
        if classes.works[one, day] and classes.works[other, day]:
            best = 0
            for near in range(day - 1, day + 2):
                if classes.works[other, near]:
                    end = min(classes.ends[one, day], classes.ends[other, near])
                    best = max(best, end - max(classes.begins[one, day], classes.begins[other, near]))
                if classes.works[one, near]:
                    end = min(classes.ends[other, day], classes.ends[one, near])
                    best = max(best, end - max(classes.begins[other, day], classes.begins[one, near]))
            return best // 60
    return 0


@compiled
def shared_level(classes: Classes, one: int, other: int, least: int) -> int:
    """The level of the best language both command at `least` or better; 0 if there is none."""
    best = 0
    for language in range(classes.tongues.shape[1]):
        both = min(classes.tongues[one, language], classes.tongues[other, language])
        if both >= least and both > best:
            best = int(both)
    return best


@compiled
def fill_class(world: World, kind: int, minutes: Shorts, levels: Shorts, bonus: Shorts) -> None:
    """For a class of mentors the weighted points of language and hours with every class of mentees in `bonus`; where one
    of the two rules forbids the pair -1 less the points, since a waived pair is scored all the same. `minutes` and
    `levels` are working memory, one element a working time and a set of languages.
    """
    classes, settings = world.classes, world.settings
    time, tongue = classes.mentor_time[kind], classes.mentor_tongue[kind]
    for other in range(len(minutes)):
        minutes[other] = shared_minutes(classes, time, other)
    for other in range(len(levels)):
        levels[other] = shared_level(classes, tongue, other, settings.least_level)
    for other in range(len(bonus)):
        shared, level = minutes[classes.mentee_time[other]], levels[classes.mentee_tongue[other]]
        points = settings.language * (1000 * level // 6) + settings.hours * min(1000, 1000 * shared // 480)
        bonus[other] = -1 - points if shared < settings.least_minutes or level == 0 else points


@compiled
def fill_class_bits(world: World, bonus: Shorts, bits: Words) -> None:
    """The columns whose class `bonus` allows."""
    kinds = world.mentees.kind
    for word in range(len(bits)):
        first = word << 6
        found = NONE
        for column in range(first, min(first + 64, len(kinds))):
            if bonus[kinds[column]] >= 0:
                found |= ONE << np.uint64(column - first)
        bits[word] = found


@compiled
def clear(bits: Words, groups: Groups, owner: int) -> None:
    """Clear the bits of a group's items."""
    for place in range(groups.starts[owner], groups.starts[owner + 1]):
        item = groups.items[place]
        bits[item >> 6] &= ~(ONE << np.uint64(item & 63))


@compiled
def climb(steps: Groups, start: int, mark: int, searched: Searched) -> int:
    """How many nodes can be reached from `start` by one or more steps; they stand in the queue and bear the mark."""
    marks, queue = searched.marks, searched.queue
    found = 0
    done = -1
    here = start
    while done < found:
        if done >= 0:
            here = queue[done]
        for place in range(steps.starts[here], steps.starts[here + 1]):
            node = steps.items[place]
            if marks[node] != mark:
                marks[node] = mark
                queue[found] = node
                found += 1
        done += 1
    return found


@compiled
def mark_reasons(world: World, row: int, bits: Words) -> None:
    """The columns with which the row has a substantive reason: a topic taught in the direction the pair needs."""
    topics = world.topics
    bits[:] = NONE
    for place in range(topics.offered.starts[row], topics.offered.starts[row + 1]):
        reach = topics.asking[topics.offered.items[place]]
        for word in range(len(bits)):
            bits[word] |= reach[word]
    if world.settings.reciprocal:
        for place in range(topics.asked.starts[row], topics.asked.starts[row + 1]):
            reach = topics.offering[topics.asked.items[place]]
            for word in range(len(bits)):
                bits[word] |= reach[word]


@compiled
def mark_allowed(world: World, row: int, class_bits: Words, mark: int, searched: Searched, bits: Words) -> None:
    """The columns no hard rule forbids to the row. `class_bits` belong to its class; `mark` is above all marks used in
    `searched` so far, and two marks are used.
    """
    mentors, organisation = world.mentors, world.organisation
    bits[:] = NONE
    if not (mentors.employed[row] and mentors.placed[row]):
        return
    mark_reasons(world, row, bits)
    grade_bits = world.grade_bits[world.grade_of[row]]
    for word in range(len(bits)):
        bits[word] &= class_bits[word] & grade_bits[word]
    _keep_unit(world, row, bits)
    if mentors.team[row] >= 0:
        clear(bits, organisation.in_team, mentors.team[row])
    if mentors.manager[row] >= 0:
        clear(bits, organisation.under_manager, mentors.manager[row])
    for place in range(organisation.projects.starts[row], organisation.projects.starts[row + 1]):
        clear(bits, organisation.on_project, organisation.projects.items[place])
    node = mentors.node[row]
    clear(bits, organisation.at_node, node)
    for joints in (organisation.reviews, organisation.excluded, organisation.earlier):
        for place in range(joints.starts[node], joints.starts[node + 1]):
            clear(bits, organisation.at_node, joints.items[place])
    for step in range(2):
        found = climb(organisation.up if step == 0 else organisation.down, node, mark + step, searched)
        for place in range(found):
            clear(bits, organisation.at_node, searched.queue[place])
    forced = world.pairs.forced
    for place in range(forced.starts[row], forced.starts[row + 1]):
        column = forced.items[place]
        bit = ONE << np.uint64(column & 63)
        if world.pairs.forced_allowed[place]:
            bits[column >> 6] |= bit
        else:
            bits[column >> 6] &= ~bit


@compiled
def _keep_unit(world: World, row: int, bits: Words) -> None:
    policy = world.settings.unit_policy
    if policy == 0:
        return
    in_unit, unit = world.organisation.in_unit, world.mentors.unit[row]
    if policy == 1:
        clear(bits, in_unit, unit)
        return
    own = np.zeros(len(bits), np.uint64)
    for place in range(in_unit.starts[unit], in_unit.starts[unit + 1]):
        item = in_unit.items[place]
        own[item >> 6] |= ONE << np.uint64(item & 63)
    for word in range(len(bits)):
        bits[word] &= own[word]
