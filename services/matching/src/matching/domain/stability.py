"""Whether two people would rather have each other than whom a run gave them: the blocking pairs of a result.

A pair blocks by ranked preference when it is allowed, not taken, each has ranked the other, and each prefers the other to
somebody they have, or has a place left. Somebody unranked is dearer to nobody, so an unranked pair never blocks. It blocks by
shared score when its score is above the worst score each of the two has, a place left counting as 0. An optimum of the cohort
need not be stable; how far it is from that is stated, not hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from matching.domain.graph import Edges, EdgeSource, Flags, ListedEdges, Longs, Shorts, Side

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Stability:
    """The blocking pairs of a result: by ranked preference as positions (mentor, mentee), ascending; by shared score counted."""

    by_preference: tuple[tuple[int, int], ...]
    by_score: int


def stability(
    taken: Edges,
    mentors: Side,
    mentees: Side,
    ranks: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]],
    edges: Edges | EdgeSource,
) -> Stability:
    """The blocking pairs of `taken`.

    `mentors` and `mentees` are the sides as the run was given them: `places` before anything was taken. `ranks` are, by
    position, whom each mentor and each mentee has ranked of the other side (positions, the dearest first, cut at the
    program's limit). `edges` are all allowed pairs with their scores, or the source of them when they are too many to list.
    A pair that was ranked and is not among the allowed ones is no pair and does not block.
    """
    left = _left(mentors.places, taken.mentor), _left(mentees.places, taken.mentee)
    wanted = _by_preference(taken, left, ranks)
    source = ListedEdges(mentors, mentees, edges) if isinstance(edges, Edges) else edges
    allowed = _listed(wanted, mentors, mentees, source)
    return Stability(_among(wanted, allowed), _by_score(taken, left, mentors, mentees, source))


def ranks_by_position(
    ranked: Mapping[UUID, Sequence[UUID]], own: Sequence[UUID], others: Sequence[UUID], limit: int
) -> list[list[int]]:
    """`ranked` of the participations `own` as positions among `others`, cut at `limit`; who is not there is left out."""
    position = {participation_id: place for place, participation_id in enumerate(others)}
    return [[position[one] for one in ranked.get(mine, ())[:limit] if one in position] for mine in own]


def _left(places: Shorts, side: Shorts) -> Flags:
    """Whether each person has a place left; who never had one has none."""
    left: Flags = np.bincount(side, minlength=len(places)) < places
    return left


def _by_preference(
    taken: Edges, left: tuple[Flags, Flags], ranks: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]
) -> list[tuple[int, int]]:
    """Pairs in which each has ranked the other and would change, allowed or not; ascending."""
    place = [
        {(mine, other): rank for mine, row in enumerate(side) for rank, other in reversed(list(enumerate(row)))}
        for side in ranks
    ]
    together = set(zip(taken.mentor.tolist(), taken.mentee.tolist(), strict=True))
    # The worst rank among those whom each has; -1 for who has nobody, and so prefers nobody to them.
    worst = [np.full(len(flags), -1, dtype=np.int64) for flags in left]
    for mentor, mentee in together:
        worst[0][mentor] = max(worst[0][mentor], place[0].get((mentor, mentee), _NEVER))
        worst[1][mentee] = max(worst[1][mentee], place[1].get((mentee, mentor), _NEVER))
    found = []
    for (mentor, mentee), rank in place[0].items():
        other_rank = place[1].get((mentee, mentor))
        if other_rank is None or (mentor, mentee) in together:
            continue
        if (left[0][mentor] or rank < worst[0][mentor]) and (left[1][mentee] or other_rank < worst[1][mentee]):
            found.append((mentor, mentee))
    return sorted(found)


def _among(wanted: Sequence[tuple[int, int]], allowed: Edges) -> tuple[tuple[int, int], ...]:
    keys = np.array([(mentor << 32) | mentee for mentor, mentee in wanted], dtype=np.int64)
    return tuple(pair for pair, there in zip(wanted, np.isin(keys, allowed.keys), strict=True) if there)


def _listed(wanted: Sequence[tuple[int, int]], mentors: Side, mentees: Side, source: EdgeSource) -> Edges:
    """The edges of the source among the wanted pairs: those of the mentors concerned, at the mentees concerned."""
    if not wanted:
        return Edges.none()
    rows = np.unique(np.array([mentor for mentor, _ in wanted], dtype=np.int32))
    concerned = np.unique(np.array([mentee for _, mentee in wanted], dtype=np.int32))
    # At everybody else a price above every score leaves no edge.
    prices = np.full(len(mentees), _NEVER, dtype=np.int64)
    prices[concerned] = 0
    away = np.full(len(mentors), _NEVER, dtype=np.int64)
    away[rows] = 0
    found, _ = source.exceeding(1, away, prices, len(concerned), rows=rows)
    return found


def _thresholds(taken: Edges, left: Flags, places: Shorts, side: Shorts) -> Longs:
    """The worst score each person has, 0 with a place left, and more than any score for who has no place at all."""
    worst = np.full(len(left), _NEVER, dtype=np.int64)
    np.minimum.at(worst, side, taken.score.astype(np.int64))
    worst[left] = 0
    worst[places <= 0] = _NEVER
    return worst


def _by_score(taken: Edges, left: tuple[Flags, Flags], mentors: Side, mentees: Side, edges: EdgeSource) -> int:
    """The edges above both thresholds, less those that are taken and have several pairs or a place left."""
    of_mentors = _thresholds(taken, left[0], mentors.places, taken.mentor)
    of_mentees = _thresholds(taken, left[1], mentees.places, taken.mentee)
    return edges.above(of_mentors, of_mentees) - ListedEdges(mentors, mentees, taken).above(of_mentors, of_mentees)
