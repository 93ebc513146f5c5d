"""What the candidates are known to hold of all edges, so that a pass over all pairs looks only where it is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.domain.graph import Edges, Flags, Longs, Shorts
from matching.domain.objective import HIGHEST_SCORE

CLOSED = 2**59
"""A price above all others, for people without places."""
_NEVER = 2**61
"""A margin that nothing falls below."""
MOST_LEVELS = 16
"""Levels of mentors' prices that are looked at one by one."""
_COLUMNS_COST = 0.04
"""What a pass over some columns costs at least, as a share of a pass over everything: it touches every row."""


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look: at pairs of these mentors or these mentees; everywhere if both are None."""

    rows: Shorts | None = None
    columns: Shorts | None = None


class Known:
    """Every edge between people with places whose score is above `rows[mentor] + columns[mentee]` is a candidate.

    At prices u and v, with a = u - rows and b = v - columns, an edge that is no candidate has a score of at most
    u + v - (a + b). So all edges above u + v - `margin` are candidates where a + b is at least `margin`.
    """

    def __init__(self, mentors: Flags, mentees: Flags, unit: int) -> None:
        """Nothing is known; the masks say who has places, `unit` is the least that prices of different levels differ by."""
        self._active, self._unit = (mentors, mentees), unit
        self._rows: Longs | None = None
        self._columns = np.zeros(len(mentees), dtype=np.int64)

    def copy(self, unit: int | None = None) -> Known:
        """The same, to go on from, maybe with another `unit`."""
        copied = Known(*self._active, unit or self._unit)
        copied._rows, copied._columns = self._rows, self._columns
        return copied

    def closed(self, prices: tuple[Longs, Longs]) -> tuple[Longs, Longs]:
        """Prices that leave out people without places."""
        mentors, mentees = (np.where(active, side, CLOSED) for active, side in zip(self._active, prices, strict=True))
        return mentors, mentees

    @property
    def anything(self) -> bool:
        """Whether there was a pass over everything."""
        return self._rows is not None

    def wanted(self, prices: tuple[Longs, Longs], margin: int) -> Search | None:
        """Where edges above the sum of both prices less `margin` may be that are no candidates, by the cheapest choice of rows
        and columns; None if nowhere.
        """
        if self._rows is None:
            return Search()
        rows = np.where(self._active[0], prices[0] - self._rows, _NEVER)
        columns = np.where(self._active[1], prices[1] - self._columns, _NEVER)
        return self._by_level(rows, columns, prices, margin)

    def _by_level(self, rows: Longs, columns: Longs, prices: tuple[Longs, Longs], margin: int) -> Search | None:
        """As `wanted`, for `rows` and `columns` that are what the prices are above the known ones; mentors level by level, since
        with most levels of mentees a sum is either above every score or known to be below all.
        """
        known = self._rows
        if known is None or not len(rows) or not len(columns) or int(rows.min()) + int(columns.min()) >= margin:
            return None
        levels = (prices[0] + self._unit // 2) // self._unit
        apart = np.unique(levels[self._active[0]])
        if len(apart) > MOST_LEVELS:
            return _cheapest(rows, columns, margin)
        found_rows, found_columns = np.zeros(len(rows), dtype=np.bool_), np.zeros(len(columns), dtype=np.bool_)
        for level in apart:
            among = self._active[0] & (levels == level)
            possible = self._columns + int(known[among].max()) > 0
            possible &= prices[1] + int(prices[0][among].min()) - margin < HIGHEST_SCORE
            found = _cheapest(np.where(among, rows, _NEVER), np.where(possible, columns, _NEVER), margin)
            if found is None:
                continue
            if found.rows is None or found.columns is None:
                return found
            found_rows[found.rows], found_columns[found.columns] = True, True
        if not found_rows.any() and not found_columns.any():
            return None
        return Search(np.flatnonzero(found_rows).astype(np.int32), np.flatnonzero(found_columns).astype(np.int32))

    def between(self, mentors: Flags, mentees: Flags, least: int) -> Search | None:
        """Where edges between these people may be that have a score of at least `least` and are no candidates; as `wanted`."""
        if self._rows is None:
            return Search()
        rows = np.where(self._active[0] & mentors, -self._rows, _NEVER)
        columns = np.where(self._active[1] & mentees, -self._columns, _NEVER)
        return _cheapest(rows, columns, 1 - least)

    def learn(
        self, search: Search, found: Edges, prices: tuple[Longs, Longs], *, slack: int, margin: int, most: int
    ) -> None:
        """Take note of an answer to `search`, wanted for `margin`: the edges above both prices less `slack`, per mentor the
        `most` best.
        """
        rows = prices[0] - slack
        if search.rows is not None:
            rows = prices[0] - margin
            rows[search.rows] = prices[0][search.rows] - slack
        full = np.bincount(found.mentor, minlength=len(rows)) >= most
        if bool(full.any()):
            lowest = np.full(len(rows), _NEVER, dtype=np.int64)
            np.minimum.at(lowest, found.mentor, found.score - prices[1][found.mentee])
            rows[full] = np.maximum(rows, lowest)[full]
        self._rows, self._columns = rows, prices[1].copy()


def _cheapest(rows: Longs, columns: Longs, margin: int) -> Search | None:
    """Rows and columns, as few as possible, that hold all pairs whose sum is below `margin`; None if there are no pairs."""
    if not len(rows) or not len(columns) or int(rows.min()) + int(columns.min()) >= margin:
        return None
    steps = np.unique(columns)
    many = (
        np.searchsorted(np.sort(rows), margin - steps) / len(rows),
        np.searchsorted(np.sort(columns), steps) / len(columns),
    )
    costs = many[0] + many[1] + _COLUMNS_COST * (many[1] > 0)
    chosen = int(np.argmin(costs))
    if costs[chosen] > 0.5:
        return Search()
    return Search(
        np.flatnonzero(rows < margin - steps[chosen]).astype(np.int32),
        np.flatnonzero(columns < steps[chosen]).astype(np.int32),
    )
