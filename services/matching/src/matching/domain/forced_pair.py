"""The best result with two people paired, and the best without: over the same objective as the run itself, solved exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from matching.domain.checker import Claim
from matching.domain.facts import Candidate, Snapshot
from matching.domain.optimum import Solved, solved, stated_levels
from matching.domain.ties import names_of, pair_ranks
from matching.domain.what_if import PairKey, locked_in


@dataclass(frozen=True, slots=True)
class Reached:
    """What a result comes to. `coverage` counts people newly covered by class (`class:<k>`, the first counts most); `floor` is
    the worst pair's score, 0 in a re-match and where nobody is newly covered; `kept` is 0 in a fresh run.
    """

    coverage: Mapping[str, int]
    floor: int
    kept: int
    score: int
    ties: int
    rematch: bool

    def less(self, other: Reached) -> dict[str, int]:
        """By how much this is more than another, by the levels of a certificate without the ties; the first counts most."""
        classes = classes_of(self, other)
        changed = [(level, self.coverage.get(level, 0) - other.coverage.get(level, 0)) for level in classes]
        levels = list(stated_levels(changed))
        levels.append(("kept", self.kept - other.kept) if other.rematch else ("floor", self.floor - other.floor))
        return dict([*levels, ("score", self.score - other.score)])


def classes_of(*results: Reached) -> tuple[str, ...]:
    """The classes of people that any of the results counts, the first of them first."""
    levels = {level for one in results for level in one.coverage}
    return tuple(sorted(levels, key=lambda level: int(level.partition(":")[2])))


def proven(claim: Claim) -> Reached:
    """What the claim about a run's result bounds; an optimum reaches it."""
    values = dict(zip(claim.levels, claim.bound, strict=True))
    coverage = {level: value for level, value in values.items() if level.startswith("class:")}
    floor = claim.least if any(coverage.values()) and "kept" not in values else 0
    return Reached(
        coverage, floor, values.get("kept", 0), values.get("score", 0), values.get("ties", 0), "kept" in values
    )


def with_pair(
    snapshot: Snapshot,
    seed: str,
    mentor: Candidate,
    mentee: Candidate,
    score: int,
    *,
    most_floor: int | None = None,
    threads: int = 1,
) -> Reached:
    """The best result in which these two are a pair that is worth `score`, their own or another.

    No rule may forbid the pair. All others need not be better than it: the floor of the whole is at most `score`, and
    with `most_floor` at most that, so it is no gain to keep the others above it.
    """
    pair = mentor.participation_id, mentee.participation_id
    covers = [f"class:{one.priority}" for one in (mentor, mentee) if one.taken == 0]
    others = locked_in(snapshot, [pair]).snapshot
    cap = score if most_floor is None else min(score, most_floor)
    rest = solved(others, seed, threads=threads, most_floor=cap)
    covered = any(value for level, value in rest.levels if level.startswith("class:"))
    if not covers and not covered:
        # Nobody is covered who was not before: then no floor counts.
        rest = solved(others, seed, threads=threads)
    found = reached(rest, snapshot)
    coverage = dict(found.coverage)
    for level in covers:
        coverage[level] = coverage.get(level, 0) + 1
    floor = found.floor if covered and len(rest.taken) else score
    return replace(
        found,
        coverage=coverage,
        floor=min(score, floor) if (covers or covered) and not found.rematch else 0,
        kept=found.kept + (snapshot.previous is not None and pair in snapshot.previous),
        score=found.score + score,
        ties=found.ties + rank_of(seed, pair),
    )


def without_pair(snapshot: Snapshot, seed: str, mentor: Candidate, mentee: Candidate, *, threads: int = 1) -> Solved:
    """The best result in which these two are no pair, with nobody else's possibilities changed."""
    people = mentor.person_id, mentee.person_id
    apart = replace(snapshot, excluded=snapshot.excluded | {(min(people), max(people))})
    return solved(apart, seed, threads=threads)


def reached(best: Solved, snapshot: Snapshot) -> Reached:
    """What a result comes to."""
    values = dict(best.levels)
    coverage = {level: value for level, value in values.items() if level.startswith("class:")}
    return Reached(
        coverage,
        best.floor if any(coverage.values()) else 0,
        values.get("kept", 0),
        values.get("score", 0),
        values.get("ties", 0),
        snapshot.previous is not None,
    )


def rank_of(seed: str, pair: PairKey) -> int:
    """The rank of a pair by the rule for ties."""
    names = names_of(seed, pair)
    return int(pair_ranks(names[:1], names[1:])[0])
