"""A second opinion on a result, from the raw snapshot. It shares no code with the rules, the score, the kernel or the
solver.

It reads only the plain facts and re-derives every rule and every score in its own way (`checker_world`, `checker_rows`).
Optimality is proved by weak duality, level by level: in the ordered vectors of the objective's levels no matching is
worth more than the dual value at any prices whatever, so a result that reaches it is the best there is. The proof has
one part a claim: that no pairs cover more people, that none do so above the floor, that none above or at the floor are
worth more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.domain.checker_rows import Rows
from matching.domain.checker_world import World
from matching.domain.facts import Candidate, Quota, Snapshot

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
_MASK = 2**64 - 1
_HIGHEST_SCORE = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """Prices that bound what can be reached with pairs of at least the score `least`.

    `levels` are the objective's levels, most important first: `class:<k>` (people of priority class k covered), `kept`,
    `score`, `ties`. `mentors` and `mentees` hold a price per level and person (ascending participation id), what the
    person's place costs a pair; `quotas` per level and quota of the snapshot in its canonical order, never negative.
    `bound` is what the prices prove.
    """

    name: str
    least: int
    levels: tuple[str, ...]
    mentors: Sequence[Longs]
    mentees: Sequence[Longs]
    quotas: Sequence[Longs]
    bound: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be checked: (mentor participation, mentee participation, score) of each pair, the values claimed by
    level in order, the floor (0: none), the claims, and the seed of the rule for ties.
    """

    pairs: Sequence[tuple[UUID, UUID, int]]
    values: Mapping[str, int]
    floor: int
    claims: Sequence[Claim]
    seed: str


def findings(snapshot: Snapshot, result: Result, *, rows: int | None = None) -> tuple[str, ...]:
    """Everything that is wrong with a result; empty if it is valid and the claims hold.

    Every pair taken is judged and scored, every place, quota and level is counted. The claims are checked on all pairs of
    a mentor and a mentee, or of `rows` mentors only, drawn from the seed.
    """
    world = World(snapshot)
    found = _pairs(world, result) or _places(world, result) or _values(world, result)
    return tuple(found) if found else tuple(_Claims(world, result, rows).findings())


def rows_checked(mentors: int, rows: int | None) -> int:
    """How many mentors' rows `findings` looks at."""
    return mentors if rows is None else min(rows, mentors)


def _pairs(world: World, result: Result) -> list[str]:
    found = []
    known = [(world.mentors.get(mentor), world.mentees.get(mentee)) for mentor, mentee, _ in result.pairs]
    world.expect([(mentor, mentee) for mentor, mentee in known if mentor is not None and mentee is not None])
    for mentor_id, mentee_id, score in result.pairs:
        mentor, mentee = world.mentors.get(mentor_id), world.mentees.get(mentee_id)
        if mentor is None or mentee is None:
            found.append(f"{mentor_id} with {mentee_id}: not a mentor and a mentee of the cohort")
            continue
        found.extend(f"{mentor_id} with {mentee_id}: {fault}" for fault in sorted(world.faults(mentor, mentee)))
        right = world.score(mentor, mentee)
        if right != score:
            found.append(f"{mentor_id} with {mentee_id}: score {score} instead of {right}")
        if score < result.floor:
            found.append(f"{mentor_id} with {mentee_id}: score {score} below the floor of {result.floor}")
    if len({(mentor, mentee) for mentor, mentee, _ in result.pairs}) != len(result.pairs):
        found.append("a pair appears twice")
    return found


def _places(world: World, result: Result) -> list[str]:
    used: dict[UUID, int] = {}
    for mentor, mentee, _ in result.pairs:
        used[mentor] = used.get(mentor, 0) + 1
        used[mentee] = used.get(mentee, 0) + 1
    everybody = {**world.mentors, **world.mentees}
    found = [
        f"{key}: {everybody[key].taken + count} places used of {everybody[key].places}"
        for key, count in used.items()
        if everybody[key].taken + count > everybody[key].places
    ]
    for quota in world.snapshot.quotas:
        places = sum(_within(quota, world.mentors[mentor], mentee) for mentor, mentee, _ in result.pairs)
        if places > quota.places:
            found.append(f"{places} places of unit {quota.business_unit_id} used of a quota of {quota.places}")
    return found


def _within(quota: Quota, mentor: Candidate, mentee: UUID) -> bool:
    return quota.business_unit_id == mentor.business_unit_id and quota.mentee in (None, mentee)


def _values(world: World, result: Result) -> list[str]:
    reached = {level: _reached(world, result, level) for level in result.values}
    wrong = {level: value for level, value in result.values.items() if reached[level] != value}
    return [f"{level} is {reached[level]}, not {value}" for level, value in wrong.items()]


def _reached(world: World, result: Result, level: str) -> int:
    if level == "score":
        return sum(score for _, _, score in result.pairs)
    if level == "ties":
        names = {key: _name(result.seed, key) for pair in result.pairs for key in pair[:2]}
        return sum(_rank(names[mentor], names[mentee]) for mentor, mentee, _ in result.pairs)
    if level == "kept":
        previous = world.snapshot.previous or frozenset()
        return sum((mentor, mentee) in previous for mentor, mentee, _ in result.pairs)
    if level == "floor":
        return min((score for _, _, score in result.pairs), default=0)
    everybody = {**world.mentors, **world.mentees}
    covered = {key for pair in result.pairs for key in pair[:2] if everybody[key].taken == 0}
    return sum(f"class:{everybody[key].priority}" == level for key in covered)


def _name(seed: str, participation_id: UUID) -> int:
    return int(hashlib.sha256(f"{seed}|{participation_id}".encode()).hexdigest()[:16], 16)


def _rank(mentor: int, mentee: int) -> int:
    mixed = (mentor ^ ((mentee >> 32) | ((mentee & 0xFFFFFFFF) << 32))) + 0x9E3779B97F4A7C15 & _MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _MASK
    return (mixed ^ (mixed >> 31)) >> 24


class _Claims:
    """The claims of a result upon the rows of the problem."""

    def __init__(self, world: World, result: Result, rows: int | None) -> None:
        self._world, self._result = world, result
        self._rows = Rows(world)
        self._people = (self._rows.mentors, self._rows.mentees)
        places = [{person.participation_id: place for place, person in enumerate(people)} for people in self._people]
        self._taken = tuple(
            np.array(values, dtype=np.int64)
            for values in (
                [places[0][mentor] for mentor, _, _ in result.pairs],
                [places[1][mentee] for _, mentee, _ in result.pairs],
                [score for _, _, score in result.pairs],
            )
        )
        seed, previous = result.seed, world.snapshot.previous or frozenset()
        self._names = [
            np.array([_name(seed, person.participation_id) for person in people], dtype=np.uint64)
            for people in self._people
        ]
        kept = [
            (places[0][mentor] << 32) | places[1][mentee]
            for mentor, mentee in previous
            if mentor in places[0] and mentee in places[1]
        ]
        self._kept: Longs = np.array(sorted(kept), dtype=np.int64)
        self._quotas = sorted(
            world.snapshot.quotas, key=lambda quota: (quota.business_unit_id, quota.mentee or UUID(int=0), quota.places)
        )
        self._members = [
            (
                np.array([one.business_unit_id == quota.business_unit_id for one in self._people[0]], dtype=np.bool_),
                np.array([quota.mentee in (None, one.participation_id) for one in self._people[1]], dtype=np.bool_),
            )
            for quota in self._quotas
        ]
        mentors = len(self._rows.mentors)
        self._all = rows is None or rows >= mentors
        # Names are as good as drawn by lot, and the same for the same seed.
        self._drawn = sorted(sorted(range(mentors), key=self._names[0].tolist().__getitem__)[:rows])

    def findings(self) -> list[str]:
        """What does not hold of the claims."""
        found: list[str] = []
        wanted = self._wanted()
        if sorted(claim.name for claim in self._result.claims) != sorted(wanted):
            return [f"the claims are not {', '.join(sorted(wanted))}"]
        for claim in self._result.claims:
            found.extend(self._shape(claim))
        if found:
            return found
        bounds = {claim.name: self._nodes(claim) for claim in self._result.claims}
        for place in self._drawn:
            allowed, scores = self._rows.row(place)
            for claim in self._result.claims:
                columns = np.flatnonzero(allowed & (scores >= claim.least))
                rows = np.full(len(columns), place, dtype=np.int64)
                added = self._worth(claim, rows, columns, scores[columns])
                bounds[claim.name] = _plus(bounds[claim.name], added)
        for claim in self._result.claims:
            found.extend(self._compared(claim, bounds[claim.name], wanted[claim.name]))
        return found

    def _wanted(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """The claims a result needs: the least score and the levels of each."""
        classes = tuple(sorted(level for level in self._result.values if level.startswith("class:")))
        classes = tuple(sorted(classes, key=lambda level: int(level.partition(":")[2])))
        if self._world.snapshot.previous is not None:
            return {"result": (1, (*classes, "kept", "score", "ties"))}
        result = (max(1, self._result.floor), (*classes, "score", "ties"))
        if self._result.floor >= _HIGHEST_SCORE or not any(self._result.values[level] for level in classes):
            # No score is higher; or nobody is newly covered, and there is no floor to keep coverage with.
            return {"coverage": (1, classes), "result": result}
        return {"coverage": (1, classes), "floor": (self._result.floor + 1, classes), "result": result}

    def _shape(self, claim: Claim) -> list[str]:
        least, levels = self._wanted()[claim.name]
        if (claim.least, claim.levels) != (least, levels):
            return [f"{claim.name}: not about pairs from {least} in {', '.join(levels)}"]
        sizes = (len(self._people[0]), len(self._people[1]), len(self._quotas))
        for prices, size in zip((claim.mentors, claim.mentees, claim.quotas), sizes, strict=True):
            if len(prices) != len(levels) or any(len(level) != size for level in prices):
                return [f"{claim.name}: the prices do not belong to the cohort"]
        if any(_sign([level[place] for level in claim.quotas]) < 0 for place in range(len(self._quotas))):
            return [f"{claim.name}: a quota has a negative price"]
        return []

    def _nodes(self, claim: Claim) -> tuple[int, ...]:
        """What the places of people and quotas are worth at the prices.

        A person's first place is worth what covering earns more than the price allows to save, a further one what the
        price says, nothing below zero.
        """
        total = tuple(0 for _ in claim.levels)
        for people, prices in zip(self._people, (claim.mentors, claim.mentees), strict=True):
            free = np.array([one.places - one.taken if one.employed else 0 for one in people], dtype=np.int64)
            first = np.array([one.taken == 0 for one in people], dtype=np.bool_) & (free > 0)
            classes = np.array([one.priority for one in people], dtype=np.int64)
            gains = [
                (classes == int(level.partition(":")[2])).astype(np.int64) if level.startswith("class:") else 0
                for level in claim.levels
            ]
            covering = [price + gain for price, gain in zip(prices, gains, strict=True)]
            total = _plus(total, _positive_sums(covering, first.astype(np.int64)))
            total = _plus(total, _positive_sums(list(prices), np.maximum(0, free - first)))
        for place, quota in enumerate(self._quotas):
            total = _plus(total, tuple(quota.places * int(level[place]) for level in claim.quotas))
        return total

    def _worth(self, claim: Claim, rows: Longs, columns: Longs, scores: Longs) -> tuple[int, ...]:
        """What pairs, given by positions and scores, are worth above the prices."""
        margins = []
        for number, level in enumerate(claim.levels):
            margin = self._gain(level, rows, columns, scores) - claim.mentors[number][rows]
            margin -= claim.mentees[number][columns]
            for order, members in enumerate(self._members):
                margin -= int(claim.quotas[number][order]) * (members[0][rows] & members[1][columns])
            margins.append(margin)
        return _positive_sums(margins, np.ones(len(columns), dtype=np.int64))

    def _gain(self, level: str, rows: Longs, columns: Longs, scores: Longs) -> Longs:
        if level == "score":
            return scores.copy()
        if level == "kept":
            keys = (rows << 32) | columns
            places = np.minimum(np.searchsorted(self._kept, keys), max(0, len(self._kept) - 1))
            return (self._kept[places] == keys).astype(np.int64) if len(self._kept) else np.zeros_like(keys)
        if level == "ties":
            return _ranks(self._names[0][rows], self._names[1][columns])
        return np.zeros(len(columns), dtype=np.int64)

    def _compared(self, claim: Claim, bound: tuple[int, ...], wanted: tuple[int, tuple[str, ...]]) -> list[str]:
        _, levels = wanted
        reached = tuple(self._result.values[level] for level in levels)
        if not self._all:
            # Of the rows not looked at only the pairs taken are counted: the bound is what it would be if none exceeded.
            bound = self._with_other_rows(claim, bound)
        if bound > claim.bound:
            return [f"{claim.name}: the prices allow {bound}, not {claim.bound}"]
        if claim.name == "floor":
            return [] if bound < reached else [f"a floor above {self._result.floor} is not excluded"]
        return [] if claim.bound >= reached else [f"{claim.name}: the bound is below what is reached"]

    def _with_other_rows(self, claim: Claim, bound: tuple[int, ...]) -> tuple[int, ...]:
        rows, columns, scores = self._taken
        others = ~np.isin(rows, self._drawn) & (scores >= claim.least)
        return _plus(bound, self._worth(claim, rows[others], columns[others], scores[others]))


def _positive_sums(vectors: Sequence[Longs], times: Longs) -> tuple[int, ...]:
    """Of vectors, given level by level, the sum of those above zero, each so many times."""
    positive = np.zeros(len(times), dtype=np.bool_)
    for level in reversed(vectors):
        positive = (level > 0) | ((level == 0) & positive)
    return tuple(int((level * times)[positive].sum()) for level in vectors)


def _ranks(mentors: NDArray[np.uint64], mentees: NDArray[np.uint64]) -> Longs:
    with np.errstate(over="ignore"):
        half = np.uint64(32)
        mixed = (mentors ^ ((mentees << half) | (mentees >> half))) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        ranks: Longs = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(24)).astype(np.int64)
    return ranks


def _plus(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(mine + theirs for mine, theirs in zip(one, other, strict=True))


def _sign(vector: Sequence[int]) -> int:
    return next((1 if value > 0 else -1 for value in vector if value != 0), 0)
