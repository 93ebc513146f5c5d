"""The problem as a graph: people on two sides with places, and the source of its edges.

Positions are indices into the arrays of a side, in ascending order of participation id. An edge is a pair that no hard
rule forbids; whether all edges can be held in memory is the source's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matching.domain.ties import pair_ranks

Flags = NDArray[np.bool_]
Shorts = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """The people of one side, one element each.

    `places` (int32) are pairs a person can still take, 0 to 3 by the rules, any number here. `coverable` (bool) says
    that the first of them covers a person without a pair. `priority` (int8) is the class of coverage, 1 before 2.
    `names` (uint64) are the names of the rule for ties.
    """

    places: Shorts
    coverable: Flags
    priority: NDArray[np.int8]
    names: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Edges:
    """Allowed pairs, sorted by (mentor, mentee), each once: positions (int32), score of 1 to 1000 (int32), and whether a
    re-match should keep the pair (bool).
    """

    mentor: Shorts
    mentee: Shorts
    score: Shorts
    kept: Flags

    def __len__(self) -> int:
        return len(self.mentor)

    @classmethod
    def of(cls, mentor: object, mentee: object, score: object, kept: object | None = None) -> Edges:
        """Edges in any order, sorted; what appears twice is taken once. No pair is to be kept unless said."""
        rows, columns = np.asarray(mentor, dtype=np.int32), np.asarray(mentee, dtype=np.int32)
        scores = np.asarray(score, dtype=np.int32)
        keep = np.zeros(len(rows), dtype=np.bool_) if kept is None else np.asarray(kept, dtype=np.bool_)
        keys = (rows.astype(np.int64) << 32) | columns
        if len(keys) > 1 and not bool((keys[1:] > keys[:-1]).all()):
            _, first = np.unique(keys, return_index=True)
            rows, columns, scores, keep = rows[first], columns[first], scores[first], keep[first]
        return cls(rows, columns, scores, keep)

    @classmethod
    def none(cls) -> Edges:
        """No edges."""
        return cls.of([], [], [])

    @property
    def keys(self) -> Longs:
        """One ascending number per edge: mentor * 2^32 + mentee."""
        keys: Longs = (self.mentor.astype(np.int64) << 32) | self.mentee
        return keys

    def select(self, chosen: Flags | Longs) -> Edges:
        """The edges of a mask or of ascending numbers."""
        return Edges(self.mentor[chosen], self.mentee[chosen], self.score[chosen], self.kept[chosen])

    def among(self, keys: Longs) -> Flags:
        """Which edges have one of these keys."""
        found = np.zeros(len(self), dtype=np.bool_)
        if len(self) and len(keys):
            own = self.keys
            places = np.minimum(np.searchsorted(own, keys), len(own) - 1)
            found[places[own[places] == keys]] = True
        return found

    def joined(self, other: Edges) -> Edges:
        """The edges of both, each once, as they are here."""
        new = other.without(self)
        if not len(new):
            return self
        at = np.searchsorted(self.keys, new.keys)
        return Edges(
            np.insert(self.mentor, at, new.mentor),
            np.insert(self.mentee, at, new.mentee),
            np.insert(self.score, at, new.score),
            np.insert(self.kept, at, new.kept),
        )

    def without(self, other: Edges) -> Edges:
        """The edges that `other` does not have."""
        return self.select(~self.among(other.keys))


class EdgeSource(Protocol):
    """The edges of the whole problem, asked for in parts. Every answer depends on the arguments alone."""

    def best(self, most: int) -> Edges:
        """The `most` best of each mentor and of each mentee, by score, equal scores by rank (highest first)."""
        ...

    def covering(self, least: int, mentors: Flags, mentees: Flags, most: int) -> Edges:
        """Edges with a score of at least `least` between people of whom neither is marked; per mentor at most `most`, and
        at least one if there is one.
        """
        ...

    def exceeding(
        self,
        least: int,
        mentor_prices: Longs,
        mentee_prices: Longs,
        most: int,
        rows: Shorts | None = None,
        columns: Shorts | None = None,
    ) -> tuple[Edges, Longs]:
        """Edges with a score of at least `least` that is above the sum of both prices; per mentor at most `most`, those
        with the largest excess. And per mentor the largest excess, 0 if there is none.

        `rows` and `columns` restrict both answers to edges at one of these mentors or one of these mentees.
        """
        ...

    def tight(
        self,
        least: int,
        mentor_prices: Longs,
        mentee_prices: Longs,
        tie_mentor_prices: Longs,
        tie_mentee_prices: Longs,
        most: int,
        rows: Shorts | None = None,
        columns: Shorts | None = None,
    ) -> Edges:
        """Edges with a score of at least `least` equal to the sum of both prices, whose rank is above the sum of both tie
        prices; per mentor at most `most`, those with the largest excess of rank. `rows` and `columns` as for `exceeding`.
        """
        ...

    def above(self, mentor_scores: Longs, mentee_scores: Longs) -> int:
        """How many edges have a score above what is given for both the mentor and the mentee."""
        ...

    def pinned(self) -> Edges:
        """All edges that a re-match should keep."""
        ...


class ListedEdges:
    """A source that holds every edge; for problems small enough, and the reference for every other source."""

    def __init__(self, mentors: Side, mentees: Side, edges: Edges) -> None:
        self._sizes = (len(mentors), len(mentees))
        self._edges = edges
        self._ranks = pair_ranks(mentors.names[edges.mentor], mentees.names[edges.mentee])

    @property
    def edges(self) -> Edges:
        """All of them."""
        return self._edges

    def best(self, most: int) -> Edges:
        """See EdgeSource."""
        chosen = np.zeros(len(self._edges), dtype=np.bool_)
        for side in (self._edges.mentor, self._edges.mentee):
            chosen[self._first(side, most, self._ranks, self._edges.score)] = True
        return self._edges.select(chosen)

    def covering(self, least: int, mentors: Flags, mentees: Flags, most: int) -> Edges:
        """See EdgeSource: of each mentor the best."""
        found = self._edges.score >= least
        found &= ~mentors[self._edges.mentor] & ~mentees[self._edges.mentee]
        return self._chosen(np.flatnonzero(found), most, self._ranks, self._edges.score)

    def exceeding(
        self,
        least: int,
        mentor_prices: Longs,
        mentee_prices: Longs,
        most: int,
        rows: Shorts | None = None,
        columns: Shorts | None = None,
    ) -> tuple[Edges, Longs]:
        """See EdgeSource."""
        excess = self._edges.score - mentor_prices[self._edges.mentor] - mentee_prices[self._edges.mentee]
        found = (excess > 0) & (self._edges.score >= least)
        found &= self._near(rows, columns)
        worst = np.zeros(self._sizes[0], dtype=np.int64)
        np.maximum.at(worst, self._edges.mentor[found], excess[found])
        return self._chosen(np.flatnonzero(found), most, self._ranks, excess), worst

    def tight(
        self,
        least: int,
        mentor_prices: Longs,
        mentee_prices: Longs,
        tie_mentor_prices: Longs,
        tie_mentee_prices: Longs,
        most: int,
        rows: Shorts | None = None,
        columns: Shorts | None = None,
    ) -> Edges:
        """See EdgeSource."""
        mentor, mentee = self._edges.mentor, self._edges.mentee
        found = (self._edges.score == mentor_prices[mentor] + mentee_prices[mentee]) & (self._edges.score >= least)
        found &= self._near(rows, columns)
        excess = self._ranks - tie_mentor_prices[mentor] - tie_mentee_prices[mentee]
        return self._chosen(np.flatnonzero(found & (excess > 0)), most, self._ranks, excess)

    def above(self, mentor_scores: Longs, mentee_scores: Longs) -> int:
        """See EdgeSource."""
        edges = self._edges
        better = (edges.score > mentor_scores[edges.mentor]) & (edges.score > mentee_scores[edges.mentee])
        return int(np.count_nonzero(better))

    def pinned(self) -> Edges:
        """See EdgeSource."""
        return self._edges.select(self._edges.kept)

    def _near(self, rows: Shorts | None, columns: Shorts | None) -> Flags:
        """Which edges are at one of these mentors or mentees; all if both are None."""
        near = np.full(len(self._edges), rows is None and columns is None, dtype=np.bool_)
        for positions, wanted in ((self._edges.mentor, rows), (self._edges.mentee, columns)):
            if wanted is not None:
                near |= np.isin(positions, wanted)
        return near

    def _chosen(self, found: Longs, most: int, *worth: NDArray[np.int32] | Longs) -> Edges:
        """Of the edges numbered in `found` the `most` of each mentor with the greatest worth, the last key first."""
        chosen = self._first(self._edges.mentor[found], most, *(values[found] for values in worth))
        return self._edges.select(np.sort(found[chosen]))

    @staticmethod
    def _first(owner: Shorts, most: int, *worth: NDArray[np.int32] | Longs) -> Longs:
        """The numbers of the `most` elements of each owner with the greatest worth, compared from the last key on."""
        order = np.lexsort((*(-values for values in worth), owner))
        sorted_owner = owner[order]
        starts = np.flatnonzero(np.r_[True, sorted_owner[1:] != sorted_owner[:-1]]) if len(owner) else order
        place = np.arange(len(owner)) - np.repeat(starts, np.diff(np.r_[starts, len(owner)]))
        first: Longs = order[place < most]
        return first
