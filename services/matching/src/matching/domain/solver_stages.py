"""The first two stages of the solver: coverage and floor, on candidates that grow until the proof holds for all edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.domain.flow import Network, covered
from matching.domain.flow_paths import first_within
from matching.domain.graph import Edges, EdgeSource, Flags, Longs, Shorts
from matching.domain.objective import HIGHEST_SCORE, Claimed, Objective, Report, Start, Unsolvable, lexical_bound
from matching.domain.solver_known import Known, Search

BEST = 32
"""Candidates of each person to begin with."""
NEAR = 32
"""Candidates of each mentor to begin with where prices are known,"""
NEAR_SLACK = 25
"""and how far below the prices they may be."""
MISSING = 16
"""Edges per mentor that one question to the source may add."""
FORESIGHT = 100
"""How far above the floor tried it is foreseen who has no edges there, where the candidates began with few."""
FORESEEN = 64
"""Edges per mentor that are added of those."""
_NO_QUOTAS = np.zeros(0, dtype=np.int64)


class Candidates:
    """The edges looked at so far, and those taken (as keys). They begin with the best of everybody, with a start with those near
    its prices, or with those of `others`; in a re-match or where `kept` says so also with all that a re-match should keep, which are taken,
    and some between those for whom that leaves places. `known` is what they hold of all edges.
    """

    edges: Edges
    pinned: Longs
    taken: Longs

    def __init__(
        self,
        objective: Objective,
        source: EdgeSource,
        told: Report,
        *,
        start: Start | None = None,
        others: Candidates | None = None,
        kept: bool = False,
    ) -> None:
        self.objective, self.source, self.told = objective, source, told
        unit = objective.kept or objective.person
        self.known = Known(objective.mentors.places > 0, objective.mentees.places > 0, unit)
        self.statistics: dict[str, int] = {}
        # Who has all edges that a higher floor may want: at first everybody, but with a start nobody.
        begun = np.full(len(objective.mentors), start is None), np.full(len(objective.mentees), start is None)
        self.ample: tuple[Flags, Flags] = begun
        self.told("candidates", 0.0)
        if others is not None:
            self.edges, self.known, self.pinned = others.edges, others.known.copy(unit), others.pinned
        else:
            pinned = self.usable(source.pinned()) if objective.rematch or kept else Edges.none()
            self.edges = self.usable(source.best(BEST) if start is None else self._near(start)).joined(pinned)
            self.pinned = pinned.keys
        self.taken = self.within_places(self.pinned)
        if len(self.pinned) and others is None:
            self.add(self._among_the_rest())

    def _near(self, start: Start) -> Edges:
        packed = self.objective.packed
        prices = packed(start.levels, start.mentors), packed(start.levels, start.mentees)
        asked = self.known.closed(prices)
        found, _ = self.source.exceeding(1, asked[0] - NEAR_SLACK, asked[1], NEAR)
        self.known.learn(Search(), found, prices, slack=NEAR_SLACK, margin=0, most=NEAR)
        return found

    def _among_the_rest(self) -> Edges:
        """Edges between people with places left by what is taken."""
        used = np.bincount(self.taken >> 32, minlength=len(self.objective.mentors))
        used_mentees = np.bincount(self.taken & 0xFFFFFFFF, minlength=len(self.objective.mentees))
        full = used >= self.objective.mentors.places, used_mentees >= self.objective.mentees.places
        return self.source.covering(1, *full, BEST)

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
        places = self.objective.mentors.places, self.objective.mentees.places
        kept: Longs = keys[first_within(keys >> 32, keys & 0xFFFFFFFF, places[0].copy(), places[1].copy())]
        return kept


@dataclass(frozen=True, slots=True)
class Coverage:
    """People covered per class, how (keys of edges), and why not more: the classes reached by the search for further mentors,
    as (mentors, mentees), and by that for further mentees, as (mentors, mentees).
    """

    profile: tuple[int, ...]
    taken: Longs
    reached: tuple[tuple[Shorts, Shorts], tuple[Shorts, Shorts]]
    least: int

    def claim(self, objective: Objective) -> Claimed:
        """What was reached as prices: whom the search could exchange costs a person of the class, who is full brings one."""
        (mentors, full_mentees), (full_mentors, mentees) = self.reached
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
        return levels, self.least, prices, lexical_bound(objective, prices, levels, no_gains, Edges.none())


def cover_all(candidates: Candidates) -> tuple[Coverage, Claimed]:
    """Stage 1: the most people covered by all edges, and the proof."""
    candidates.told("coverage", 0.0)
    coverage = _proven(candidates, 1, None)
    claim = coverage.claim(candidates.objective)
    if claim[3] != coverage.profile:
        raise Unsolvable(f"{coverage.profile} people are covered, the proof says {claim[3]}")
    candidates.taken = coverage.taken
    candidates.told("coverage", 1.0)
    return coverage, claim


def highest_floor(
    candidates: Candidates, coverage: Coverage, *, most: int = HIGHEST_SCORE, guess: int = 0
) -> tuple[int, Claimed | None]:
    """Stage 2: the highest score up to `most` from which the edges cover as many, and the proof that no higher one does; None
    where that is `most`. A `guess` saves time if it is near.
    """
    low, high = 1, most + 1
    while True:
        high = min(high, _highest_thinkable(candidates, coverage) + 1)
        hopes = {high - 1, guess}
        while high - low > 1:
            candidates.told("floor", 1 - (high - low) / HIGHEST_SCORE)
            middle = (low + high) // 2
            if within := [hope for hope in hopes if low < hope < high]:
                middle = max(within)
            elif low in hopes:
                middle = min(low + 1 + (high - low) // 64, middle)
            elif high in hopes:
                middle = max(high - 1 - (high - low) // 64, middle)
            tried = cover_candidates(candidates, middle)
            if tried.profile == coverage.profile:
                low, candidates.taken = middle, tried.taken
            else:
                high = middle
        if low == most:
            candidates.told("floor", 1.0)
            return low, None
        tried = _proven(candidates, low + 1, coverage.profile)
        if tried.profile != coverage.profile:
            candidates.told("floor", 1.0)
            return low, tried.claim(candidates.objective)
        low, high, guess, candidates.taken = low + 1, most + 1, low + 1, tried.taken


def _highest_thinkable(candidates: Candidates, coverage: Coverage) -> int:
    """The highest score from which as many people of each class and side as are covered have a candidate at all."""
    objective, edges = candidates.objective, candidates.edges
    taken = edges.select(edges.among(coverage.taken))
    thinkable = HIGHEST_SCORE
    for side, positions, ends in (
        (objective.mentors, edges.mentor, taken.mentor),
        (objective.mentees, edges.mentee, taken.mentee),
    ):
        ranks, highest = objective.ranks(side), _highest(edges, positions, len(side))
        has = np.zeros(len(side), dtype=np.bool_)
        has[ends] = True
        for rank in range(1, len(objective.classes) + 1):
            if many := int((has & (ranks == rank)).sum()):
                thinkable = min(thinkable, int(np.sort(highest[ranks == rank])[-many]))
    return thinkable


def _highest(edges: Edges, positions: Shorts, people: int) -> Shorts:
    """Everybody's highest score among the edges; 0 for none."""
    highest = np.zeros(people, dtype=np.int32)
    np.maximum.at(highest, positions, edges.score)
    return highest


def _proven(candidates: Candidates, least: int, wanted: tuple[int, ...] | None) -> Coverage:
    """The coverage by all edges from `least`; it may end early when `wanted` is reached."""
    while True:
        coverage = cover_candidates(candidates, least)
        if coverage.profile == wanted or not candidates.add(_missing(candidates, least, coverage)):
            return coverage
        if wanted is not None:
            candidates.add(_foreseen(candidates, least))


def _foreseen(candidates: Candidates, least: int) -> Edges:
    """The best edges from `least` of people who hold none that is much better: one after the other would stop the search."""
    edges, found = candidates.edges, Edges.none()
    for side, positions in enumerate((edges.mentor, edges.mentee)):
        ample = candidates.ample[side]
        weak = ~ample & (_highest(edges, positions, len(ample)) < least + FORESIGHT)
        ample |= weak
        if weak.any():
            nobody = np.zeros(len(candidates.ample[1 - side]), dtype=np.bool_)
            asked = (nobody, ~weak, MISSING) if side else (~weak, nobody, FORESEEN)
            found = found.joined(candidates.source.covering(least, *asked))
    return found


def _missing(candidates: Candidates, least: int, coverage: Coverage) -> Edges:
    """Edges of the source that lead out of what was reached, class by class."""
    found = Edges.none()
    for turned, (mentors, mentees) in enumerate(coverage.reached):
        searched = (mentors, mentees)[turned]
        for rank in np.unique(searched[searched > 0]).tolist():
            within = [(side > 0) & (side <= rank) for side in (mentors, mentees)]
            found = found.joined(
                _between(candidates, least, ~within[0], within[1])
                if turned
                else _between(candidates, least, within[0], ~within[1])
            )
    return found


def _between(candidates: Candidates, least: int, mentors: Flags, mentees: Flags) -> Edges:
    """Edges of the source between these people, where it is not known that there are none but the candidates."""
    search = candidates.known.between(mentors, mentees, least)
    if search is None:
        return Edges.none()
    candidates.count("coverage_passes")
    ask = candidates.source.covering
    if search.rows is None or search.columns is None:
        return ask(least, ~mentors, ~mentees, MISSING)
    rows, columns = np.zeros(len(mentors), dtype=np.bool_), np.zeros(len(mentees), dtype=np.bool_)
    rows[search.rows], columns[search.columns] = True, True
    found = ask(least, ~(mentors & rows), ~mentees, MISSING) if len(search.rows) else Edges.none()
    if len(search.columns):
        found = found.joined(ask(least, ~(mentors & ~rows), ~(mentees & columns), MISSING))
    return found


def cover_candidates(candidates: Candidates, least: int) -> Coverage:
    """The coverage by the candidates from `least`, beginning with what is taken."""
    objective = candidates.objective
    edges = candidates.edges
    if least > 1:
        edges = edges.select(edges.score >= least)
    network = Network.of(edges.mentor, edges.mentee, len(objective.mentors), len(objective.mentees))
    return cover_network(candidates, least, edges, network)


def cover_network(candidates: Candidates, least: int, edges: Edges, network: Network) -> Coverage:
    """The coverage by the candidates from `least`, given as `edges` and as `network`."""
    objective = candidates.objective
    taken = edges.among(candidates.taken)
    ranks = [objective.ranks(side) for side in (objective.mentors, objective.mentees)]
    places = [side.places.astype(np.int32) for side in (objective.mentors, objective.mentees)]
    of_mentors, of_mentees = covered(network, (ranks[0], places[0]), (ranks[1], places[1]), taken)
    reached = (of_mentors, (of_mentees[1], of_mentees[0]))
    chosen = edges.select(taken)
    return Coverage(objective.profile(chosen), chosen.keys, reached, least)
