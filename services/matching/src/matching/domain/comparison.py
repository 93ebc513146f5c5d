"""What two well-known ways of matching would have made of the same cohort: the same allowed pairs, scores, places and quotas.

Greedy takes the best pair that is left, again and again. Deferred acceptance (Gale and Shapley 1962; with places on both sides
Roth 1984) lets mentees ask in the order of their wishes while mentors keep the best of those who asked. Wishes are the people
somebody ranked, in that order, then everybody else by score; equal wishes are told apart by the published rule for ties. So
where nobody ranked anybody both ways agree, and their result is the only stable one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace
from uuid import UUID

import numpy as np

from matching.domain.canonical import in_order, quotas_in_order
from matching.domain.encoding import encode
from matching.domain.facts import Candidate
from matching.domain.graph import Edges, Flags, Longs, Shorts, Side
from matching.domain.kernel import KernelEdges, sides_of
from matching.domain.run_input import RunInput
from matching.domain.stability import ranks_by_position, stability
from matching.domain.ties import pair_ranks

MOST_PAIRS = 4_000_000
"""Allowed pairs that are compared, all held at once; a cohort of 2,000 a side has fewer."""

Ranks = tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]
"""By position, whom each mentor and each mentee has ranked of the other side (positions, the dearest first)."""
Quotas = tuple[tuple[Flags, int | None, int], ...]
"""Quotas as (which mentors count, position of the mentee or None for all, places)."""

_AT_ONCE = 4_096


class TooMany(Exception):
    """The cohort has more allowed pairs than are compared."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What a way of matching made of the cohort. Covered and unmatched are people without a pair before; `worst` is the lowest
    score of a pair, 0 without pairs. Blocking pairs as in `stability`.
    """

    pairs: int
    mentors_covered: int
    mentees_covered: int
    mentors_unmatched: int
    mentees_unmatched: int
    score: int
    worst: int
    across_units: int
    blocking_by_preference: int
    blocking_by_score: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The run and both ways beside it; `stable` is None where quotas apply, for which stability is not defined."""

    allowed_pairs: int
    run: Measures
    greedy: Measures
    stable: Measures | None


def compare(given: RunInput, seed: str, proposed: Collection[tuple[UUID, UUID]], *, threads: int = 1) -> Comparison:
    """Both ways beside the pairs that a run over `given` proposed; `seed` is that of the run's rule for ties.

    Pairs that were locked hold their places in all three and are counted in none.

    :raises TooMany: there are more than `MOST_PAIRS` allowed pairs.
    """
    snapshot = given.snapshot
    encoded = encode(snapshot, seed)
    source = KernelEdges(encoded, threads=threads)
    allowed = source.survey().allowed
    if allowed > MOST_PAIRS:
        raise TooMany
    sides = sides_of(snapshot, encoded)
    people = in_order(snapshot.mentors), in_order(snapshot.mentees)
    nobody = np.zeros(len(sides[0]), np.bool_), np.zeros(len(sides[1]), np.bool_)
    edges = source.covering(1, *nobody, most=len(sides[1]))
    ranks = _ranks(people, snapshot.rules.preference_limit)
    quotas = _quotas(given, people)

    def measured(taken: Edges) -> Measures:
        return _measures(taken, edges, sides, people, ranks)

    return Comparison(
        allowed_pairs=allowed,
        run=measured(_taken(proposed, given, people, edges)),
        greedy=measured(greedy(*sides, edges, quotas)),
        stable=None if quotas else measured(stable(*sides, edges, ranks)),
    )


def greedy(mentors: Side, mentees: Side, edges: Edges, quotas: Quotas = ()) -> Edges:
    """The pairs taken in the order of their scores, equal ones by rank, as long as both have a place and no quota is full."""
    ties = pair_ranks(mentors.names[edges.mentor], mentees.names[edges.mentee])
    order = np.lexsort((-ties, -edges.score.astype(np.int64)))
    free = mentors.places.astype(np.int64), mentees.places.astype(np.int64)
    rest = [places for _, _, places in quotas]
    taken: list[int] = []
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        # Most pairs of later stretches are between people without a place.
        some = some[(free[0][edges.mentor[some]] > 0) & (free[1][edges.mentee[some]] > 0)]
        for edge in some.tolist():
            mentor, mentee = int(edges.mentor[edge]), int(edges.mentee[edge])
            if not (free[0][mentor] and free[1][mentee]):
                continue
            counted = [place for place, (who, at, _) in enumerate(quotas) if who[mentor] and at in (None, mentee)]
            if not all(rest[place] for place in counted):
                continue
            free[0][mentor] -= 1
            free[1][mentee] -= 1
            for place in counted:
                rest[place] -= 1
            taken.append(edge)
    return edges.select(np.sort(np.array(taken, dtype=np.int64)))


def stable(mentors: Side, mentees: Side, edges: Edges, ranks: Ranks) -> Edges:
    """The result of deferred acceptance in which mentees ask; no two people outside it would rather have each other."""
    ties = pair_ranks(mentors.names[edges.mentor], mentees.names[edges.mentee])
    wish_of_mentee = _wishes(edges.mentee, edges.mentor, ranks[1], edges, ties)
    wish_of_mentor = _wishes(edges.mentor, edges.mentee, ranks[0], edges, ties)
    asked = np.lexsort((wish_of_mentee, edges.mentee))
    ends = np.searchsorted(edges.mentee[asked], np.arange(len(mentees) + 1)).tolist()
    position, list_of = ends[:-1], asked.tolist()
    mentor_of, mentee_of, wish = edges.mentor.tolist(), edges.mentee.tolist(), wish_of_mentor.tolist()
    places = mentors.places.tolist()
    held: list[list[tuple[int, int]]] = [[] for _ in places]
    asking = [mentee for mentee, free in enumerate(mentees.places.tolist()) for _ in range(free)]
    while asking:
        mentee = asking.pop()
        while position[mentee] < ends[mentee + 1]:
            edge = list_of[position[mentee]]
            position[mentee] += 1
            mine = held[mentor_of[edge]]
            if len(mine) < places[mentor_of[edge]]:
                heappush(mine, (-wish[edge], edge))
                break
            if mine and wish[edge] < -mine[0][0]:
                _, refused = heapreplace(mine, (-wish[edge], edge))
                asking.append(mentee_of[refused])
                break
    return edges.select(np.sort(np.array([edge for mine in held for _, edge in mine], dtype=np.int64)))


def _wishes(own: Shorts, others: Shorts, ranked: Sequence[Sequence[int]], edges: Edges, ties: Longs) -> Longs:
    """The place of every edge in the wishes of its end `own`, the smaller the dearer; no two of one person are equal."""
    unranked = 1 + max((len(row) for row in ranked), default=0)
    rank = np.full(len(edges), unranked, dtype=np.int64)
    said = {
        (mine << 32) | other: place
        for mine, row in enumerate(ranked)
        for place, other in reversed(list(enumerate(row)))  # who is named twice counts where they are named first
    }
    if said:
        keys = (own.astype(np.int64) << 32) | others
        wanted = np.isin(keys, np.fromiter(said, np.int64, len(said)))
        rank[wanted] = [said[key] for key in keys[wanted].tolist()]
    order = np.lexsort((-ties, -edges.score.astype(np.int64), rank))
    wishes = np.empty(len(edges), dtype=np.int64)
    wishes[order] = np.arange(len(edges))
    return wishes


def _ranks(people: tuple[Sequence[Candidate], Sequence[Candidate]], limit: int) -> Ranks:
    ids = [[one.participation_id for one in side] for side in people]
    ranked = {one.participation_id: one.ranked for side in people for one in side if one.ranked}
    return ranks_by_position(ranked, ids[0], ids[1], limit), ranks_by_position(ranked, ids[1], ids[0], limit)


def _quotas(given: RunInput, people: tuple[Sequence[Candidate], Sequence[Candidate]]) -> Quotas:
    place = {one.participation_id: number for number, one in enumerate(people[1])}
    return tuple(
        (
            np.array([one.business_unit_id == quota.business_unit_id for one in people[0]], dtype=np.bool_),
            None if quota.mentee is None else place.get(quota.mentee, -1),
            quota.places,
        )
        for quota in quotas_in_order(given.snapshot.quotas)
    )


def _taken(
    proposed: Collection[tuple[UUID, UUID]],
    given: RunInput,
    people: tuple[Sequence[Candidate], Sequence[Candidate]],
    edges: Edges,
) -> Edges:
    place = [{one.participation_id: number for number, one in enumerate(side)} for side in people]
    locked = set(given.locked)
    keys = [
        (place[0][mentor] << 32) | place[1][mentee] for mentor, mentee in proposed if (mentor, mentee) not in locked
    ]
    taken = edges.select(edges.among(np.array(keys, dtype=np.int64)))
    if len(taken) != len(keys):
        raise ValueError("a run proposes a pair that its own input does not allow")
    return taken


def _measures(
    taken: Edges,
    edges: Edges,
    sides: tuple[Side, Side],
    people: tuple[Sequence[Candidate], Sequence[Candidate]],
    ranks: Ranks,
) -> Measures:
    covered = [
        int(np.count_nonzero(side.coverable[np.unique(ends)]))
        for side, ends in zip(sides, (taken.mentor, taken.mentee), strict=True)
    ]
    without = [int(np.count_nonzero(side.coverable)) for side in sides]
    units = [[one.business_unit_id for one in side] for side in people]
    pairs = zip(taken.mentor.tolist(), taken.mentee.tolist(), strict=True)
    blocking = stability(taken, *sides, ranks, edges)
    return Measures(
        pairs=len(taken),
        mentors_covered=covered[0],
        mentees_covered=covered[1],
        mentors_unmatched=without[0] - covered[0],
        mentees_unmatched=without[1] - covered[1],
        score=int(taken.score.sum(dtype=np.int64)),
        worst=int(taken.score.min()) if len(taken) else 0,
        across_units=sum(units[0][mentor] != units[1][mentee] for mentor, mentee in pairs),
        blocking_by_preference=len(blocking.by_preference),
        blocking_by_score=blocking.by_score,
    )
