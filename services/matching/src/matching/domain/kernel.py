"""Every pair of a cohort, judged and scored in machine code and never stored: the source of edges for the solver.

It decides what `matching.domain.rules` and `matching.domain.scoring` decide. Memory grows with the number of people, not
with that of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matching.domain.encoded_reach import priced
from matching.domain.encoding import Encoded, encode, in_order
from matching.domain.facts import Snapshot
from matching.domain.graph import Edges, Flags, Longs, Shorts, Side
from matching.domain.kernel_best import best_rows, count_best, join_heaps, list_best
from matching.domain.kernel_counts import Survey, survey
from matching.domain.kernel_rules import world_of
from matching.domain.kernel_scores import PARTS
from matching.domain.kernel_search import ABOVE, COVERING, EXCEEDING, TIGHT, Asked, Found, judge_list, search_rows
from matching.domain.kernel_tile import TILE

STRETCH = 8 * TILE
"""Rows one call of a kernel takes."""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the kernel says of listed pairs, one element each: whether every rule allows it (bool), its total (int32, 0 if it is
    not allowed), and its parts by name (int32, -1 where a part does not apply or the pair is not allowed).
    """

    allowed: Flags
    score: Shorts
    parts: Mapping[str, Shorts]


class KernelEdges:
    """The edges of a snapshot, computed whenever they are asked for (an `EdgeSource`).

    `threads` change how long an answer takes and nothing else. `check` is called between stretches of rows in the thread
    of the caller's choice and may raise to give up.
    """

    def __init__(self, encoded: Encoded, *, threads: int = 1, check: Callable[[], None] | None = None) -> None:
        self._encoded = encoded
        self._world = world_of(encoded)
        self._threads = max(1, threads)
        self._check = check
        self._rows, self._columns = len(encoded.inner_mentors), len(encoded.inner_mentees)
        self._most_asked = int(encoded.topics.asked_count.max(initial=0))
        self._position_bits = max(1, max(self._rows, self._columns).bit_length())
        kept = encoded.pairs.kept
        row = np.repeat(np.arange(self._rows), np.diff(kept.starts))
        self._kept_keys = np.sort(
            (encoded.mentors.position[row].astype(np.int64) << 32) | encoded.mentees.position[kept.items]
        )

    @classmethod
    def of(cls, snapshot: Snapshot, seed: str, *, threads: int = 1) -> KernelEdges:
        """The edges of a snapshot; `seed` is that of the rule for ties."""
        return cls(encode(snapshot, seed), threads=threads)

    @property
    def encoded(self) -> Encoded:
        """What the edges are computed from."""
        return self._encoded

    def best(self, most: int) -> Edges:
        """See EdgeSource. Equal scores are ordered by the upper bits of their rank (all 40 up to 16,383 people a side, 37 up to
        131,071), then by position.
        """
        most_columns, most_rows = min(most, self._columns), min(most, self._rows)
        if most_columns == 0 or most_rows == 0:
            return Edges.none()
        rows = np.zeros((self._rows, most_columns), np.uint64)

        def work(stretches: Iterator[tuple[int, int]]) -> NDArray[np.uint64]:
            columns = np.zeros((self._columns, most_rows), np.uint64)
            needs = np.zeros(self._columns, np.int64)
            for first, last in stretches:
                best_rows(self._world, first, last, self._most_asked, self._position_bits, rows, columns, needs)
            return columns

        heaps = self._all(work)
        columns = heaps.pop()
        while heaps:
            join_heaps(columns, heaps.pop())
        return self._listed(rows, columns)

    def covering(self, least: int, mentors: Flags, mentees: Flags, most: int) -> Edges:
        """See EdgeSource; of each mentor the best."""
        encoded = self._encoded
        only, columns = ~mentors[encoded.mentors.position], ~mentees[encoded.mentees.position]
        found, _ = self._search(COVERING, least, most, near=(np.zeros(self._rows, np.bool_), columns, only))
        return found

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
        prices = mentor_prices, mentee_prices
        return self._search(EXCEEDING, least, most, near=self._near(rows, columns), prices=prices)

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
        prices, ties = (mentor_prices, mentee_prices), (tie_mentor_prices, tie_mentee_prices)
        found, _ = self._search(TIGHT, least, most, near=self._near(rows, columns), prices=prices, ties=ties)
        return found

    def above(self, mentor_scores: Longs, mentee_scores: Longs) -> int:
        """See EdgeSource."""
        _, counts = self._search(ABOVE, 1, 0, near=self._near(None, None), prices=(mentor_scores, mentee_scores))
        return int(counts.sum())

    def pinned(self) -> Edges:
        """See EdgeSource."""
        return self.listed((self._kept_keys >> 32).astype(np.int32), (self._kept_keys & 0xFFFFFFFF).astype(np.int32))

    def listed(self, mentors: Shorts, mentees: Shorts) -> Edges:
        """Of the pairs at these positions those that every rule allows."""
        judged = self.judge(mentors, mentees)
        return self._edges(mentors[judged.allowed], mentees[judged.allowed], judged.score[judged.allowed])

    def judge(self, mentors: Shorts, mentees: Shorts) -> Judged:
        """Verdict, total and parts of the pairs at these positions, in their order."""
        row, column = self._encoded.inner_mentors[mentors], self._encoded.inner_mentees[mentees]
        order = np.argsort(row, kind="stable")
        allowed = np.zeros(len(row), np.bool_)
        score = np.zeros(len(row), np.int32)
        parts = np.full((len(PARTS), len(row)), -1, np.int32)

        def work(chosen: Longs) -> None:
            judge_list(self._world, self._most_asked, row, column, chosen, allowed, score, parts)

        if self._threads == 1 or len(order) < STRETCH:
            work(order)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(work, np.array_split(order, self._threads)))
        return Judged(allowed, score, dict(zip(PARTS, parts, strict=True)))

    def survey(self) -> Survey:
        """How many pairs there are, how many are allowed, and how many break each rule, in all and for each person."""
        return survey(self._encoded, self._world, self._all)

    def _listed(self, rows: NDArray[np.uint64], columns: NDArray[np.uint64]) -> Edges:
        encoded = self._encoded
        more = np.zeros(self._rows, np.int32)
        places = encoded.inner_mentors, encoded.mentees.position, self._position_bits
        total = count_best(rows, columns, *places, more)
        mentor, mentee, score = (np.zeros(total, np.int32) for _ in range(3))
        list_best(rows, columns, *places, more, mentor, mentee, score)
        return Edges(mentor, mentee, score, self._keep(mentor, mentee))

    def _search(
        self,
        kind: int,
        least: int,
        most: int,
        *,
        near: tuple[Flags, Flags, Flags],
        prices: tuple[Longs, Longs] | None = None,
        ties: tuple[Longs, Longs] | None = None,
    ) -> tuple[Edges, Longs]:
        """A pass over the pairs `near` says (see `_near`): its edges, and `Found.worst` by position of mentor."""
        encoded = self._encoded
        whole, columns, only = near
        row_prices, column_prices = self._inner(prices)
        row_ties, column_ties = self._inner(ties)
        bits = np.zeros(self._world.grade_bits.shape[1] * 64, np.bool_)
        bits[: self._columns] = columns
        asked = Asked(
            kind,
            max(1, least),
            whole,
            np.packbits(bits, bitorder="little").view(np.uint64),
            priced(column_prices, self._world.grade_bits.shape[1]),
            row_prices,
            column_prices,
            row_ties,
            column_ties,
            only,
        )
        width = min(most, self._columns)
        worst = np.zeros(self._rows, np.int64)

        def work(stretches: Iterator[tuple[int, int]]) -> list[tuple[Shorts, Shorts, Shorts]]:
            pieces = []
            for first, last in stretches:
                if not only[first:last].any():
                    continue
                rows = last - first
                found = Found(
                    np.zeros(rows, np.int32),
                    np.zeros((rows, width), np.int64),
                    np.zeros((rows, width), np.uint64),
                    np.zeros((rows, width), np.int32),
                    np.zeros((rows, width), np.int32),
                    worst[first:last],
                )
                search_rows(self._world, first, last, self._most_asked, asked, found)
                used = np.arange(width) < found.used[:, np.newaxis]
                row = np.repeat(np.arange(first, last, dtype=np.int32), found.used)
                pieces.append((row, found.column[used], found.score[used]))
            return pieces

        pieces = [piece for some in self._all(work) for piece in some]
        row, column, score = (
            np.concatenate([piece[part] for piece in pieces] or [np.zeros(0, np.int32)]) for part in range(3)
        )
        found = self._edges(encoded.mentors.position[row], encoded.mentees.position[column], score)
        return found, worst[encoded.inner_mentors]

    def _near(self, rows: Shorts | None, columns: Shorts | None) -> tuple[Flags, Flags, Flags]:
        """Inner flags of the pairs at one of these positions (None, None: all pairs): the rows of which all columns count, the
        columns that count for the others, and the rows that count at all.
        """
        everywhere = rows is None and columns is None
        whole = np.full(self._rows, everywhere, np.bool_)
        marked = np.zeros(self._columns, np.bool_)
        if rows is not None:
            whole[self._encoded.inner_mentors[rows]] = True
        if columns is not None and len(columns):
            marked[self._encoded.inner_mentees[columns]] = True
            return whole, marked, np.ones(self._rows, np.bool_)
        return whole, marked, whole

    def _inner(self, values: tuple[Longs, Longs] | None) -> tuple[Longs, Longs]:
        """Values by position as values by inner number; zeros for None."""
        if values is None:
            return np.zeros(self._rows, np.int64), np.zeros(self._columns, np.int64)
        mentors, mentees = (np.asarray(side, dtype=np.int64) for side in values)
        return mentors[self._encoded.mentors.position], mentees[self._encoded.mentees.position]

    def _edges(self, mentor: Shorts, mentee: Shorts, score: Shorts) -> Edges:
        return Edges.of(mentor, mentee, score, self._keep(mentor, mentee))

    def _keep(self, mentor: Shorts, mentee: Shorts) -> Flags:
        if len(self._kept_keys) == 0:
            return np.zeros(len(mentor), np.bool_)
        return np.isin((mentor.astype(np.int64) << 32) | mentee, self._kept_keys)

    def _all(self, work: Callable[[Iterator[tuple[int, int]]], _Result]) -> list[_Result]:
        """What each thread returns for the stretches of rows it was given; together they take every row once."""
        numbers = count()

        def stretches() -> Iterator[tuple[int, int]]:
            while (first := next(numbers) * STRETCH) < self._rows:
                if self._check is not None:
                    self._check()
                yield first, min(first + STRETCH, self._rows)

        if self._threads == 1:
            return [work(stretches())]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(lambda _: work(stretches()), range(self._threads)))


def sides_of(snapshot: Snapshot, encoded: Encoded) -> tuple[Side, Side]:
    """The two sides of the solver's problem, by position."""
    sides = []
    for candidates, people, inner in (
        (snapshot.mentors, encoded.mentors, encoded.inner_mentors),
        (snapshot.mentees, encoded.mentees, encoded.inner_mentees),
    ):
        ordered = in_order(candidates)
        sides.append(
            Side(
                places=np.array([one.free_places if one.employed else 0 for one in ordered], dtype=np.int32),
                coverable=np.array([one.taken == 0 for one in ordered], dtype=np.bool_),
                priority=np.array([one.priority for one in ordered], dtype=np.int8),
                names=people.names[inner],
            )
        )
    return sides[0], sides[1]
