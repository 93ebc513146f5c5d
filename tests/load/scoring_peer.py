"""`python -m load.scoring_peer <encoded> <most> <mentors>`: the same by a plain NumPy pipeline, for the first mentors only.

One mentor against all mentees at a time, every rule and every part of the score as an operation on whole arrays, the best by
`numpy.partition`. Prints JSON: seconds and the scores of the best of the first eight mentors.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from matching.domain.encoded_groups import Groups
from matching.domain.encoding import HAS_CHANNELS, HAS_RANKED, HAS_VALUES, Encoded
from numpy.typing import NDArray

Ints = NDArray[Any]


def _items(groups: Groups, owner: int) -> Ints:
    return groups.items[groups.starts[owner] : groups.starts[owner + 1]]


def _padded(groups: Groups, missing: int) -> Ints:
    """Groups as a table with `missing` behind the last item of each."""
    lengths = np.diff(groups.starts)
    table = np.full((len(lengths), int(lengths.max(initial=0))), missing, np.int64)
    table[np.arange(table.shape[1]) < lengths[:, np.newaxis]] = groups.items
    return table


def _count(bits: Ints) -> Ints:
    """Bits set in each set of bits."""
    count: Ints = np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)
    return count


class Pipeline:
    """Arrays of one encoded snapshot and what can be prepared once."""

    def __init__(self, encoded: Encoded) -> None:
        self._e = encoded
        topics, classes = encoded.topics, encoded.classes
        self._wishes = _padded(topics.wishes, len(topics.wish_level))
        self._offers = _padded(topics.offers, len(topics.offer_level))
        self._wish_topic, self._offer_topic = (self._owner(one) for one in (topics.wishes_of, topics.offers_of))
        self._minutes = self._overlaps()
        levels = classes.tongues.astype(np.int64)
        self._mentee_levels = levels[classes.mentee_tongue]

    @staticmethod
    def _owner(groups: Groups) -> Ints:
        owner = np.zeros(len(groups.items), np.int64)
        owner[groups.items] = np.repeat(np.arange(len(groups.starts) - 1), np.diff(groups.starts))
        return owner

    def _overlaps(self) -> Ints:
        """Minutes shared by every two working times."""
        classes = self._e.classes
        begins, ends, works = classes.begins, classes.ends, classes.works
        both = works[:, np.newaxis, 1:-1] & works[np.newaxis, :, 1:-1]
        day = np.argmax(both, axis=2) + 1
        row, column = np.indices(day.shape)
        best = np.zeros(day.shape, np.int64)
        for near in (-1, 0, 1):
            for one, other in ((row, column), (column, row)):
                end = np.minimum(ends[one, day], ends[other, day + near])
                shared = end - np.maximum(begins[one, day], begins[other, day + near])
                best = np.maximum(best, np.where(works[other, day + near], shared, 0))
        minutes: Ints = np.where(both.any(axis=2), best // 60, 0)
        return minutes

    def scores(self, row: int) -> Ints:
        """The scores of a mentor with every mentee, 0 where a rule forbids the pair."""
        e, settings = self._e, self._e.settings
        mentors, mentees, classes = e.mentors, e.mentees, e.classes
        minutes = self._minutes[classes.mentor_time[mentors.kind[row]], classes.mentee_time][mentees.kind]
        mine = classes.tongues[classes.mentor_tongue[mentors.kind[row]]].astype(np.int64)
        common = np.minimum(mine, self._mentee_levels)
        level = np.where(common >= settings.least_level, common, 0).max(axis=1)[mentees.kind]
        topics, reciprocity = self._topics(row), self._reciprocity(row)
        allowed = self._allowed(row) & (minutes >= settings.least_minutes) & (level > 0) & (topics > 0)
        both = mentors.flags[row] & mentees.flags
        parts: list[tuple[int, Ints, Ints | bool]] = [
            (settings.topics, topics, True),
            (settings.reciprocity, reciprocity, bool(e.topics.asked_count[row])),
            (settings.distance, self._distance(row), True),
            (settings.language, 1000 * level // 6, True),
            (settings.hours, np.minimum(1000, 1000 * minutes // 480), True),
            (settings.values, self._shared(mentors.values[row], mentees.values, "either"), (both & HAS_VALUES) > 0),
            (
                settings.channel,
                self._shared(mentors.channels[row], mentees.channels, "less"),
                (both & HAS_CHANNELS) > 0,
            ),
            (settings.style, *self._style(row)),
            (settings.preferences, self._wanted(row), ((mentors.flags[row] | mentees.flags) & HAS_RANKED) > 0),
        ]
        weight = np.zeros(len(mentees.kind), np.int64)
        total = np.zeros(len(mentees.kind), np.int64)
        for each, part, applies in parts:
            weight += np.where(applies, each, 0)
            total += np.where(applies, each * part, 0)
        return np.where(allowed, np.maximum(1, total // np.maximum(1, weight)), 0)

    def _allowed(self, row: int) -> Ints:
        e, settings, organisation = self._e, self._e.settings, self._e.organisation
        mentors, mentees = e.mentors, e.mentees
        allowed: Ints = mentees.employed & mentees.placed & bool(mentors.employed[row] and mentors.placed[row])
        if settings.grade_sign:
            gap = settings.grade_sign * (mentees.grade - mentors.grade[row])
            allowed &= gap >= max(1, settings.grade_gap)
        allowed &= (mentees.team != mentors.team[row]) | (mentees.team < 0)
        allowed &= (mentees.manager != mentors.manager[row]) | (mentees.manager < 0)
        allowed &= mentees.node != mentors.node[row]
        for project in _items(organisation.projects, row):
            allowed[_items(organisation.on_project, project)] = False
        nodes: set[int] = set()
        for joints in (organisation.reviews, organisation.excluded, organisation.earlier):
            nodes.update(_items(joints, mentors.node[row]).tolist())
        for steps in (organisation.up, organisation.down):
            frontier, seen = _items(steps, mentors.node[row]).tolist(), set[int]()
            while frontier:
                node = frontier.pop()
                if node not in seen:
                    seen.add(node)
                    frontier.extend(_items(steps, node).tolist())
            nodes |= seen
        allowed &= ~np.isin(mentees.node, list(nodes))
        return allowed

    def _topics(self, row: int) -> Ints:
        topics = self._e.topics
        points = np.zeros(len(topics.wish_level) + 1, np.int64)
        place = slice(topics.offered.starts[row], topics.offered.starts[row + 1])
        for topic, level in zip(topics.offered.items[place], topics.offered_level[place], strict=True):
            share = self._share(topic)[self._wish_topic]
            points[:-1] = np.maximum(points[:-1], share * np.minimum(level, topics.wish_level) // topics.wish_level)
        answered: Ints = points[self._wishes].sum(axis=1) // np.maximum(1, topics.wish_count)
        return answered

    def _reciprocity(self, row: int) -> Ints:
        topics = self._e.topics
        total = np.zeros(len(topics.wish_count), np.int64)
        place = slice(topics.asked.starts[row], topics.asked.starts[row + 1])
        for topic, level in zip(topics.asked.items[place], topics.asked_level[place], strict=True):
            answers = np.zeros(len(topics.offer_level) + 1, np.int64)
            answers[:-1] = self._share(topic)[self._offer_topic] * np.minimum(topics.offer_level, level) // level
            total += answers[self._offers].max(axis=1, initial=0)
        return total // max(1, int(topics.asked_count[row]))

    def _share(self, topic: int) -> Ints:
        share = np.zeros(len(self._e.topics.related.starts) - 1, np.int64)
        share[_items(self._e.topics.related, topic)] = 500
        share[topic] = 1000
        return share

    def _distance(self, row: int) -> Ints:
        mentors, mentees = self._e.mentors, self._e.mentees
        known = np.ones(len(mentees.kind), np.int64)
        total = 1000 * (mentees.unit != mentors.unit[row]).astype(np.int64)
        for trait in range(4):
            both = (mentees.traits[:, trait] >= 0) & bool(mentors.traits[row, trait] >= 0)
            known += both
            total += np.where(both & (mentees.traits[:, trait] != mentors.traits[row, trait]), 1000, 0)
        if mentors.life[row].any():
            told = mentees.life.any(axis=1)
            known += told
            total += np.where(told, 1000 - self._shared(mentors.life[row], mentees.life, "either"), 0)
        distance: Ints = total // known
        return distance

    @staticmethod
    def _shared(mine: Ints, theirs: Ints, of: str) -> Ints:
        both = _count(mine & theirs)
        whole = _count(mine | theirs) if of == "either" else np.minimum(_count(mine), _count(theirs))
        share: Ints = 1000 * both // np.maximum(1, whole)
        return share

    def _style(self, row: int) -> tuple[Ints, Ints]:
        mentors, mentees = self._e.mentors, self._e.mentees
        mine, theirs = mentors.style[row].astype(np.int64), mentees.style.astype(np.int64)
        both = (mine > 0) & (theirs > 0)
        known = both.sum(axis=1)
        points = np.where(both, 1000 - 250 * np.abs(mine - theirs), 0).sum(axis=1)
        return points // np.maximum(1, known), known > 0

    def _wanted(self, row: int) -> Ints:
        pairs = self._e.pairs
        points = np.zeros(len(self._e.mentees.kind), np.int64)
        place = slice(pairs.wanted.starts[row], pairs.wanted.starts[row + 1])
        points[pairs.wanted.items[place]] = pairs.wanted_points[place]
        return points


def main() -> None:
    """Score the slice, keep the best of each of its mentors and of every mentee."""
    encoded: Encoded = pickle.loads(Path(sys.argv[1]).read_bytes())
    most, mentors = int(sys.argv[2]), int(sys.argv[3])
    pipeline = Pipeline(encoded)
    columns = len(encoded.mentees.kind)
    kept = np.zeros((2 * most, columns), np.int16)
    first: dict[int, list[int]] = {}
    wanted = encoded.inner_mentors[:8].tolist()
    rows = [*wanted, *(row for row in range(len(encoded.mentors.kind)) if row not in set(wanted))][:mentors]
    filled = most
    began = time.perf_counter()
    for number, row in enumerate(rows):
        scores = pipeline.scores(row)
        best = scores[np.argpartition(scores, -most)[-most:]] if columns > most else scores
        if number < len(wanted):
            first[number] = sorted(best[best > 0].tolist())
        kept[filled] = scores
        filled += 1
        if filled == 2 * most:
            kept[:most] = np.partition(kept, most, axis=0)[most:]
            filled = most
    seconds = time.perf_counter() - began
    json.dump({"seconds": seconds, "best_of_first": [first[number] for number in sorted(first)]}, sys.stdout)


if __name__ == "__main__":
    main()
