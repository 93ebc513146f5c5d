"""Blocking pairs of a result: by ranked preference named, by shared score counted, the same from a list and from a source."""

from __future__ import annotations

import random
from uuid import UUID

import numpy as np
import pytest
from matching.domain.graph import Edges, ListedEdges, Side
from matching.domain.stability import Stability, ranks_by_position, stability

Ranks = tuple[list[list[int]], list[list[int]]]


def side(places: list[int]) -> Side:
    size = len(places)
    return Side(
        np.array(places, dtype=np.int32),
        np.ones(size, dtype=np.bool_),
        np.ones(size, dtype=np.int8),
        np.arange(size, dtype=np.uint64),
    )


def report(
    taken: list[tuple[int, int]], scores: dict[tuple[int, int], int], places: tuple[list[int], list[int]], ranks: Ranks
) -> Stability:
    edges = Edges.of([i for i, _ in scores], [j for _, j in scores], list(scores.values()))
    chosen = Edges.of([i for i, _ in taken], [j for _, j in taken], [scores[pair] for pair in taken])
    mentors, mentees = side(places[0]), side(places[1])
    listed = stability(chosen, mentors, mentees, ranks, edges)
    assert listed == stability(chosen, mentors, mentees, ranks, ListedEdges(mentors, mentees, edges))
    return listed


def by_hand(
    taken: list[tuple[int, int]], scores: dict[tuple[int, int], int], places: tuple[list[int], list[int]], ranks: Ranks
) -> Stability:
    """The definition, word by word."""

    def partners(which: int, who: int) -> list[int]:
        return [pair[1 - which] for pair in taken if pair[which] == who]

    def has_room(which: int, who: int) -> bool:
        return len(partners(which, who)) < places[which][who]

    def prefers(which: int, who: int, other: int) -> bool:
        row = ranks[which][who]
        if other not in row:
            return False
        worse = [one for one in partners(which, who) if one not in row or row.index(one) > row.index(other)]
        return has_room(which, who) or bool(worse)

    def gains(which: int, who: int, pair: tuple[int, int]) -> bool:
        held = [scores[one] for one in taken if one[which] == who]
        if places[which][who] == 0:
            return False
        return has_room(which, who) or scores[pair] > min(held)

    free = [pair for pair in sorted(scores) if pair not in taken]
    return Stability(
        tuple((i, j) for i, j in free if prefers(0, i, j) and prefers(1, j, i)),
        sum(gains(0, pair[0], pair) and gains(1, pair[1], pair) for pair in free),
    )


def test_two_who_ranked_each_other_first_and_were_given_others_block() -> None:
    scores = {(0, 0): 500, (0, 1): 400, (1, 0): 900, (1, 1): 600}
    found = report([(0, 0), (1, 1)], scores, ([1, 1], [1, 1]), ([[1, 0], [0]], [[1, 0], [0]]))
    assert found == Stability(((0, 1), (1, 0)), 1)


def test_an_unranked_pair_never_blocks_by_preference_however_well_it_fits() -> None:
    scores = {(0, 0): 100, (0, 1): 1000, (1, 1): 100}
    one_sided = report([(0, 0), (1, 1)], scores, ([1, 1], [1, 1]), ([[1], []], [[], []]))
    assert one_sided == Stability((), 1)


def test_a_forbidden_pair_never_blocks() -> None:
    found = report([(0, 0)], {(0, 0): 500}, ([2], [1, 1]), ([[1, 0]], [[0], [0]]))
    assert found == Stability((), 0)


def test_who_has_a_place_left_blocks_with_who_would_change() -> None:
    scores = {(0, 0): 500, (1, 0): 501}
    assert report([(0, 0)], scores, ([1, 1], [1]), ([[0], [0]], [[1, 0]])) == Stability(((1, 0),), 1)
    assert report([(0, 0)], scores, ([1, 0], [1]), ([[0], []], [[1, 0]])).by_score == 0


@pytest.mark.requirement("N3")
def test_both_counts_are_those_of_the_definition_on_random_results() -> None:
    draw = random.Random(7)
    preferring = scoring = 0
    for _ in range(400):
        sizes = draw.randint(1, 6), draw.randint(1, 6)
        scores = {(i, j): draw.randint(1, 6) for i in range(sizes[0]) for j in range(sizes[1]) if draw.random() < 0.7}
        places = [draw.randint(0, 3) for _ in range(sizes[0])], [draw.randint(0, 3) for _ in range(sizes[1])]
        left = [list(one) for one in places]
        taken = []
        for i, j in draw.sample(sorted(scores), len(scores)):
            if left[0][i] and left[1][j] and draw.random() < 0.6:
                taken.append((i, j))
                left[0][i] -= 1
                left[1][j] -= 1
        ranks = tuple(
            [draw.sample(range(sizes[1 - which]), draw.randint(0, sizes[1 - which])) for _ in range(sizes[which])]
            for which in (0, 1)
        )
        expected = by_hand(taken, scores, places, (ranks[0], ranks[1]))
        assert report(taken, scores, places, (ranks[0], ranks[1])) == expected
        preferring += len(expected.by_preference)
        scoring += expected.by_score
    assert preferring > 50
    assert scoring > 200


def test_more_blocking_pairs_than_a_source_is_first_asked_for_are_all_counted() -> None:
    size = 150
    scores = {(0, j): 10 + j for j in range(size)}
    assert report([(0, 0)], scores, ([1], [1] * size), ([[]], [[] for _ in range(size)])).by_score == size - 1


def test_ranks_become_positions_and_the_limit_cuts() -> None:
    ids = [UUID(int=number) for number in range(4)]
    ranked = {ids[0]: (ids[3], UUID(int=99), ids[2], ids[1])}
    assert ranks_by_position(ranked, ids[:2], ids, 3) == [[3, 2], []]
