"""The first two stages of the solver: coverage and floor, on candidates that grow until the proof holds for all edges."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from matching.domain.flow import Network, covered
from matching.domain.graph import Edges, EdgeSource, Flags, Longs, Shorts
from matching.domain.objective import HIGHEST_SCORE, Claimed, Objective, Report, Unsolvable, lexical_bound

BEST = 50
"""Candidates of each person to begin with."""
MISSING = 16
"""Edges per mentor that one question to the source may add."""
_NO_QUOTAS = np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Candidates:
    """The edges looked at so far, and those taken (as keys)."""

    objective: Objective
    source: EdgeSource
    told: Report
    edges: Edges = field(init=False)
    taken: Longs = field(init=False)
    statistics: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.told("candidates", 0.0)
        edges = self.source.best(BEST)
        if self.objective.rematch:
            edges = edges.joined(self.source.pinned())
        self.edges = self.usable(edges)
        self.taken = self.usable(self.source.pinned()).keys if self.objective.rematch else self.edges.keys[:0]
        self.taken = self.within_places(self.taken)

    def usable(self, edges: Edges) -> Edges:
        """Those between people with places."""
        has_places = self.objective.mentors.places > 0, self.objective.mentees.places > 0
        if bool(has_places[0].all() and has_places[1].all()):
            return edges
        return edges.select(has_places[0][edges.mentor] & has_places[1][edges.mentee])

    def add(self, found: Edges) -> int:
        """Add edges; how many were new."""
        new = self.usable(found).without(self.edges)
        if len(new):
            self.edges = self.edges.joined(new)
        return len(new)

    def count(self, name: str, number: int = 1) -> None:
        """Count something for the statistics."""
        self.statistics[name] = self.statistics.get(name, 0) + number

    def within_places(self, keys: Longs) -> Longs:
        """Of edges, by their keys, the first that fit into the places."""
        free = [self.objective.mentors.places.tolist(), self.objective.mentees.places.tolist()]
        kept = []
        for key in keys.tolist():
            mentor, mentee = key >> 32, key & 0xFFFFFFFF
            if free[0][mentor] and free[1][mentee]:
                free[0][mentor] -= 1
                free[1][mentee] -= 1
                kept.append(key)
        return np.array(kept, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Coverage:
    """People covered per class, how (keys of edges), and why not more: the classes reached by the search for further mentors,
    as (mentors, mentees), and by that for further mentees, as (mentors, mentees).
    """

    profile: tuple[int, ...]
    taken: Longs
    reached: tuple[tuple[Shorts, Shorts], tuple[Shorts, Shorts]]
    claim: Claimed


def cover_all(candidates: Candidates) -> Coverage:
    """Stage 1: the most people covered by all edges, proven."""
    candidates.told("coverage", 0.0)
    coverage = _proven(candidates, 1, None)
    if coverage.claim[3] != coverage.profile:
        raise Unsolvable(f"{coverage.profile} people are covered, the proof says {coverage.claim[3]}")
    candidates.taken = coverage.taken
    candidates.told("coverage", 1.0)
    return coverage


def highest_floor(candidates: Candidates, coverage: Coverage) -> tuple[int, Claimed]:
    """Stage 2: the highest score from which the edges cover as many, and the proof that no higher one does."""
    low, high = 1, HIGHEST_SCORE + 1
    while True:
        while high - low > 1:
            candidates.told("floor", 1 - (high - low) / HIGHEST_SCORE)
            middle = (low + high) // 2
            tried = cover_candidates(candidates, middle)
            if tried.profile == coverage.profile:
                low, candidates.taken = middle, tried.taken
            else:
                high = middle
        tried = _proven(candidates, low + 1, coverage.profile)
        if tried.profile != coverage.profile:
            candidates.told("floor", 1.0)
            return low, tried.claim
        low, high, candidates.taken = low + 1, HIGHEST_SCORE + 1, tried.taken


def _proven(candidates: Candidates, least: int, wanted: tuple[int, ...] | None) -> Coverage:
    """The coverage by all edges from `least`; it may end early when `wanted` is reached."""
    while True:
        coverage = cover_candidates(candidates, least)
        if coverage.profile == wanted or not candidates.add(_missing(candidates, least, coverage)):
            return coverage


def _missing(candidates: Candidates, least: int, coverage: Coverage) -> Edges:
    """Edges of the source that lead out of what was reached, class by class."""
    found = Edges.none()
    for turned, (mentors, mentees) in enumerate(coverage.reached):
        searched = (mentors, mentees)[turned]
        for rank in np.unique(searched[searched > 0]).tolist():
            within = [(side > 0) & (side <= rank) for side in (mentors, mentees)]
            marks: list[Flags] = [within[0] if turned else ~within[0], ~within[1] if turned else within[1]]
            candidates.count("coverage_passes")
            found = found.joined(candidates.source.covering(least, marks[0], marks[1], MISSING))
    return found


def cover_candidates(candidates: Candidates, least: int) -> Coverage:
    """The coverage by the candidates from `least`, beginning with what is taken."""
    objective = candidates.objective
    edges = candidates.edges
    if least > 1:
        edges = edges.select(edges.score >= least)
    network = Network.of(edges.mentor, edges.mentee, len(objective.mentors), len(objective.mentees))
    taken = edges.among(candidates.taken)
    ranks = [objective.ranks(side) for side in (objective.mentors, objective.mentees)]
    places = [side.places.astype(np.int32) for side in (objective.mentors, objective.mentees)]
    of_mentors, of_mentees = covered(network, (ranks[0], places[0]), (ranks[1], places[1]), taken)
    reached = (of_mentors, (of_mentees[1], of_mentees[0]))
    chosen = edges.select(taken)
    profile = objective.profile(chosen)
    return Coverage(profile, chosen.keys, reached, _claim(objective, least, reached))


def _claim(objective: Objective, least: int, reached: tuple[tuple[Shorts, Shorts], tuple[Shorts, Shorts]]) -> Claimed:
    """What was reached as prices: whom the search could exchange costs a person of the class, who is full brings one."""
    (mentors, full_mentees), (full_mentors, mentees) = reached
    prices = tuple(
        (
            (full_mentors == number).astype(np.int64) - (mentors == number),
            (full_mentees == number).astype(np.int64) - (mentees == number),
            _NO_QUOTAS,
        )
        for number in range(1, len(objective.classes) + 1)
    )
    levels = objective.coverage_levels
    no_gains = [np.zeros(0, dtype=np.int64) for _ in levels]
    return levels, least, prices, lexical_bound(objective, prices, levels, no_gains, Edges.none())
