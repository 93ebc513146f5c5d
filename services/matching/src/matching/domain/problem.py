"""The assignment problem in numbers: seats on two sides, allowed edges with scores, and the published rule for ties."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
TIE_RANKS = 2**24


@dataclass(frozen=True, slots=True)
class Seats:
    """What one candidate can take: `places` pairs; `uncovered` says that the first of them covers a person without a
    pair yet.
    """

    places: int
    uncovered: bool = True

    @property
    def covering(self) -> int:
        """Places that add a distinct person to the coverage: 0 or 1."""
        return 1 if self.uncovered and self.places > 0 else 0

    @property
    def further(self) -> int:
        """Places that add none."""
        return self.places - self.covering


@dataclass(frozen=True, slots=True)
class Problem:
    """Maximise distinct people covered, then the sum of scores, then the sum of tie ranks.

    Edge k joins `mentors[mentor_of[k]]` and `mentees[mentee_of[k]]`, has a score of 1 to 1000 and a tie rank of 0 to
    2^24 - 1. No edge appears twice; an edge is taken at most once.
    """

    mentors: tuple[Seats, ...]
    mentees: tuple[Seats, ...]
    mentor_of: Integers
    mentee_of: Integers
    scores: Integers
    ties: Integers

    @property
    def most_pairs(self) -> int:
        """An upper bound of the number of pairs."""
        return min(sum(seats.places for seats in self.mentors), sum(seats.places for seats in self.mentees))


@dataclass(frozen=True, slots=True)
class Levels:
    """The value of a matching, level by level; compared from the first to the last."""

    people: int
    score: int
    ties: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Dual values of one stage: what a further place at each candidate is worth. Integers, one a candidate."""

    mentors: tuple[int, ...]
    mentees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """The optimum: ascending numbers of the edges taken, its value, the bound that the prices prove, and the prices.

    `prices[0]` belong to coverage and score packed as `people * people_weight + score`, `prices[1]` to the ties among
    all optima of the first stage.
    """

    taken: tuple[int, ...]
    value: Levels
    bound: Levels
    people_weight: int
    prices: tuple[Prices, Prices]


def people_weight(most_pairs: int, highest_score: int) -> int:
    """A weight so large that one more person covered outweighs every sum of scores."""
    return 1 + most_pairs * highest_score


def tie_rank(seed: str, mentor: UUID, mentee: UUID) -> int:
    """The published rule for equal scores: the first 24 bits of SHA-256 over seed, mentor and mentee participation."""
    digest = hashlib.sha256(f"{seed}|{mentor}|{mentee}".encode()).digest()
    return int.from_bytes(digest[:3], "big")


def integers(values: Sequence[int]) -> Integers:
    """`values` as an array of 64-bit integers."""
    return np.array(values, dtype=np.int64)
