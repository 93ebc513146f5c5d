"""The levels of the objective as numbers: packed into one for the solver, and apart again for the proof.

A first place is worth (classes + 1 - its class) * `person`, a pair to keep `kept`, a score itself. Each weight is more than
the sum of scores (of kept pairs) on any chain of changes, and a price is what one such chain from one place costs:
a multiple of `person` for one class at most, a number of kept pairs, and a sum of scores. So packed prices can be taken
apart without loss, and compare like the vectors of their levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from matching.domain.flow import Seating
from matching.domain.graph import Edges, Longs, Shorts, Side

HIGHEST_SCORE = 1000

PricesOfLevel = tuple[Longs, Longs, Longs]
"""Prices of one level: of mentors, mentees and quotas."""
Claimed = tuple[tuple[str, ...], int, tuple[PricesOfLevel, ...], tuple[int, ...]]
"""What is proven: the levels, the least score of the edges it is about, prices per level, and the bound per level."""
Quotas = tuple[tuple[Longs, int | None, int], ...]
"""Quotas as (positions of mentors, position of the mentee or None for all, places)."""
Report = Callable[[str, float], None]


class Unsolvable(Exception):
    """The solver's own prices do not prove what it found; never passed on as a result."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is known from an earlier run on similar people: prices of mentors and of mentees, an array per level as in a claim,
    by position (int64; 0 for who is new), and the floor (0: unknown). The levels `class:<k>` and `score` are used.

    It changes how long solving takes, never what comes out.
    """

    levels: tuple[str, ...]
    mentors: tuple[Longs, ...]
    mentees: tuple[Longs, ...]
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fresh optimum beside a re-match: its sum of scores, its floor, whether both are proven, and a start for later runs."""

    score: int
    floor: int
    proven: bool
    start: Start


@dataclass(frozen=True, slots=True)
class Optimum:
    """The result: edges taken; names, values and proven bounds of the levels, the first counting most; the floor (the
    worst pair's score; 0 for a re-match, without pairs and where nobody can newly be covered).

    `levels` are `class:<k>` (people of priority k covered), for a re-match `kept`, `score`, `ties`. `status` is `optimal`
    when every bound is reached, else `bounded`. `prices` prove by name: `coverage` (all edges), `floor` (those above the
    floor do not cover as many; not where it was bounded by hand) and `result`; for a re-match `result` alone. `fresh` is
    what a match without regard to pairs to keep would come to, where that was asked for.
    """

    taken: Edges
    levels: tuple[str, ...]
    values: tuple[int, ...]
    bounds: tuple[int, ...]
    floor: int
    status: str
    prices: dict[str, Claimed]
    fresh: Fresh | None = None
    statistics: dict[str, int] = field(default_factory=dict)

    @property
    def start(self) -> Start:
        """For a later start from here: from the fresh optimum where one is known, else from this one."""
        if self.fresh is not None:
            return self.fresh.start
        levels, _, prices, _ = self.prices["result"]
        return Start(levels, tuple(level[0] for level in prices), tuple(level[1] for level in prices), self.floor)


@dataclass(frozen=True, slots=True)
class Objective:
    """The weights of one problem. `classes` are the priorities of people who can newly be covered, ascending."""

    mentors: Side
    mentees: Side
    classes: tuple[int, ...]
    rematch: bool
    kept: int
    person: int

    @classmethod
    def of(cls, mentors: Side, mentees: Side, *, rematch: bool) -> Objective:
        """The weights that are large enough for these places, as powers of two so that similar problems share them."""
        present: set[int] = set()
        for side in (mentors, mentees):
            present.update(np.unique(side.priority[side.coverable & (side.places > 0)]).tolist())
        pairs = 1 + min(exact(mentors.places), exact(mentees.places))
        kept = 1 << (2 * pairs * HIGHEST_SCORE).bit_length() if rematch else 0
        person = 1 << (2 * pairs * (HIGHEST_SCORE + kept)).bit_length()
        return cls(mentors, mentees, tuple(sorted(present)), rematch, kept, person)

    @property
    def levels(self) -> tuple[str, ...]:
        """The names of all levels."""
        return (*self.coverage_levels, *(("kept",) if self.rematch else ()), "score", "ties")

    @property
    def coverage_levels(self) -> tuple[str, ...]:
        """The names of the levels that count people."""
        return tuple(f"class:{priority}" for priority in self.classes)

    def ranks(self, side: Side) -> Shorts:
        """The number of everybody's class from 1; 0 for who cannot newly be covered."""
        ranks = 1 + np.searchsorted(np.array(self.classes, dtype=np.int64), side.priority)
        return np.where(side.coverable & (side.places > 0), ranks, 0).astype(np.int32)

    def weight(self, ranks: Shorts) -> Longs:
        """What covering somebody of the class is worth; 0 for 0."""
        weights: Longs = np.where(ranks > 0, (len(self.classes) + 1 - ranks.astype(np.int64)) * self.person, 0)
        return weights

    def seating(self, side: Side) -> Seating:
        """The places of a side with the worth of the first."""
        ranks = self.ranks(side)
        return Seating(side.places.astype(np.int32), (ranks > 0).astype(np.int32), self.weight(ranks))

    def values(self, edges: Edges) -> Longs:
        """What edges are worth."""
        values = edges.score.astype(np.int64)
        return values + self.kept * edges.kept if self.rematch else values

    def profile(self, edges: Edges) -> tuple[int, ...]:
        """People newly covered, per class."""
        counts = np.zeros(len(self.classes) + 1, dtype=np.int64)
        for side, positions in ((self.mentors, edges.mentor), (self.mentees, edges.mentee)):
            covered = np.zeros(len(side), dtype=np.bool_)
            covered[positions] = True
            counts += np.bincount(self.ranks(side)[covered], minlength=len(counts))
        return tuple(int(count) for count in counts[1:])

    def apart(self, packed: Longs) -> list[Longs]:
        """Packed prices level by level, without ties. Raises Unsolvable where they are no price of one chain."""
        people = (packed + self.person // 2) // self.person
        rest = packed - people * self.person
        if bool((np.abs(people) > len(self.classes)).any()):
            raise Unsolvable("a price is not that of one chain of changes")
        parts = [np.sign(people) * (np.abs(people) == len(self.classes) - place) for place in range(len(self.classes))]
        if self.rematch:
            kept = (rest + self.kept // 2) // self.kept
            parts.append(kept)
            rest = rest - kept * self.kept
        return [*parts, rest]

    def of_classes(self, packed: Longs) -> Longs:
        """What packed prices have of the classes alone."""
        classes: Longs = (packed + self.person // 2) // self.person * self.person
        return classes

    def packed(self, levels: tuple[str, ...], prices: tuple[Longs, ...]) -> Longs:
        """Prices level by level as one, without kept pairs and ties; of other classes than these nothing is taken."""
        known = dict(zip(levels, prices, strict=True))
        packed = known["score"].astype(np.int64)
        if tuple(level for level in levels if level.startswith("class:")) == self.coverage_levels:
            for place, level in enumerate(self.coverage_levels):
                packed = packed + known[level] * (len(self.classes) - place) * self.person
        return packed

    def reached(self, edges: Edges, ties: int) -> tuple[int, ...]:
        """The values of all levels."""
        kept = (int(edges.kept.sum()),) if self.rematch else ()
        return (*self.profile(edges), *kept, exact(edges.score), ties)


def exact(values: Shorts) -> int:
    """The sum of 32-bit numbers without overflow."""
    return int(values.sum(dtype=np.int64))


def lexical_bound(
    objective: Objective, prices: tuple[PricesOfLevel, ...], levels: tuple[str, ...], edges: list[Longs], ends: Edges
) -> tuple[int, ...]:
    """What prices allow at most, level by level in lexicographic order: places, and the given `edges` (gains per level) that
    are worth more than their prices.
    """
    total = [0] * len(levels)
    for number, side in enumerate((objective.mentors, objective.mentees)):
        own = [level[number] for level in prices]
        first = (side.coverable & (side.places > 0)).astype(np.int64)
        gains = [price + _covers(level, side) for level, price in zip(levels, own, strict=True)]
        for margins, count in ((gains, first), (own, side.places - first)):
            positive = lexically_positive(margins)
            for place, margin in enumerate(margins):
                total[place] += int((margin * count)[positive].sum(dtype=object) or 0)
    margins = [gain - level[0][ends.mentor] - level[1][ends.mentee] for gain, level in zip(edges, prices, strict=True)]
    positive = lexically_positive(margins)
    for place, margin in enumerate(margins):
        total[place] += int(margin[positive].sum(dtype=object) or 0)
    return tuple(total)


def lexically_positive(vectors: list[Longs]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Of vectors given level by level: which are above zero, the first level that is not zero deciding."""
    positive = np.zeros(len(vectors[0]) if vectors else 0, dtype=np.bool_)
    for level in reversed(vectors):
        positive = (level > 0) | ((level == 0) & positive)
    return positive


def _covers(level: str, side: Side) -> Longs:
    if not level.startswith("class:"):
        return np.zeros(len(side), dtype=np.int64)
    covers: Longs = (side.coverable & (side.priority == int(level.removeprefix("class:")))).astype(np.int64)
    return covers
