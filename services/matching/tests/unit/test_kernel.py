"""The kernels against the readable rules, pair by pair, and against lists that hold every edge."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matching.domain.encoding import encode, in_order
from matching.domain.facts import Direction, PairType, Snapshot, UnitPolicy
from matching.domain.graph import Edges, ListedEdges
from matching.domain.kernel import STRETCH, KernelEdges, sides_of
from matching.domain.rules import HardRules, Rule, Verdict
from matching.domain.stability import stability

from .worlds import random_snapshot

SEED = "a seed"
WORLDS = range(300)


def small_world(number: int) -> Snapshot:
    """A random cohort of up to 14 a side, of every type of pair; every tenth has at most one person on a side."""
    draw = random.Random(number)
    most = 1 if number % 10 == 0 else 14
    world = random_snapshot(draw, draw.randint(0, most), draw.randint(0, 14))
    previous = frozenset(
        (one.participation_id, other.participation_id)
        for one in world.mentors
        for other in world.mentees
        if draw.random() < 0.1
    )
    return replace(world, previous=previous if draw.random() < 0.5 else None)


def verdicts(world: Snapshot) -> list[list[Verdict]]:
    """What the readable rules say, by position."""
    hard = HardRules(world)
    return [[hard.judge(one, other) for other in in_order(world.mentees)] for one in in_order(world.mentors)]


def listed(world: Snapshot, said: Sequence[Sequence[Verdict]], seed: str = SEED) -> ListedEdges:
    """A source that holds every edge the readable rules allow."""
    kept = world.previous or frozenset()
    mentors, mentees = in_order(world.mentors), in_order(world.mentees)
    edges = [
        (row, column, verdict.score.total, (mentors[row].participation_id, mentees[column].participation_id) in kept)
        for row, line in enumerate(said)
        for column, verdict in enumerate(line)
        if verdict.allowed
    ]
    columns: list[Any] = [[edge[place] for edge in edges] for place in range(4)]
    return ListedEdges(*sides_of(world, encode(world, seed)), Edges.of(*columns))


def as_tuples(edges: Edges) -> list[tuple[int, int, int, bool]]:
    return list(
        zip(edges.mentor.tolist(), edges.mentee.tolist(), edges.score.tolist(), edges.kept.tolist(), strict=True)
    )


@pytest.mark.requirement("R0-05", "R0-20", "R1-08", "R3-06", "R3-23", "R3-25", "R4-15", "N1")
@pytest.mark.parametrize("number", WORLDS)
def test_every_pair_is_judged_and_scored_as_by_the_readable_rules(number: int) -> None:
    world = small_world(number)
    said = verdicts(world)
    edges = KernelEdges.of(world, SEED)
    rows, columns = len(world.mentors), len(world.mentees)
    pairs = [(row, column) for row in range(rows) for column in range(columns)]
    random.Random(number).shuffle(pairs)
    judged = edges.judge(
        np.array([row for row, _ in pairs], np.int32), np.array([column for _, column in pairs], np.int32)
    )
    for place, (row, column) in enumerate(pairs):
        verdict = said[row][column]
        assert judged.allowed[place] == verdict.allowed, verdict.broken
        if verdict.allowed:
            assert judged.score[place] == verdict.score.total
            parts = {name: int(part[place]) for name, part in judged.parts.items() if part[place] >= 0}
            assert parts == verdict.score.parts


@pytest.mark.requirement("R3-25", "N1")
@pytest.mark.parametrize("number", WORLDS)
def test_every_count_is_that_of_the_readable_rules(number: int) -> None:
    world = small_world(number)
    said = verdicts(world)
    survey = KernelEdges.of(world, SEED).survey()
    everything = [verdict for line in said for verdict in line]
    assert survey.possible == len(everything)
    assert survey.allowed == sum(verdict.allowed for verdict in everything)
    assert survey.broken == Counter(rule for verdict in everything for rule in verdict.broken)
    for row, line in enumerate(said):
        assert survey.mentor_allowed[row] == sum(verdict.allowed for verdict in line)
        assert_counts(survey.mentor_broken, row, line)
    for column in range(len(world.mentees)):
        line = [one[column] for one in said]
        assert survey.mentee_allowed[column] == sum(verdict.allowed for verdict in line)
        assert_counts(survey.mentee_broken, column, line)


def assert_counts(counts: Any, place: int, line: Sequence[Verdict]) -> None:
    broken = Counter(rule for verdict in line for rule in verdict.broken)
    assert {rule: int(count[place]) for rule, count in counts.items() if count[place]} == broken


@pytest.mark.requirement("R3-23", "N3")
@pytest.mark.parametrize("number", WORLDS)
def test_every_question_of_the_solver_is_answered_as_from_a_list_of_all_edges(number: int) -> None:
    world = small_world(number)
    draw = random.Random(number)
    every = listed(world, verdicts(world))
    edges = KernelEdges.of(world, SEED)
    rows, columns = len(world.mentors), len(world.mentees)

    def numbers(count: int, least: int, most: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([draw.randint(least, most) for _ in range(count)], dtype=np.int64)

    def flags(count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.array([draw.random() < 0.3 for _ in range(count)], dtype=np.bool_)

    def some(count: int) -> np.ndarray[Any, np.dtype[np.int32]]:
        return np.array(draw.sample(range(count), draw.randint(0, count)), dtype=np.int32)

    for most in (1, 3, 100):
        least = draw.choice([1, 300, 600])
        assert as_tuples(edges.best(most)) == as_tuples(every.best(most))
        marks = flags(rows), flags(columns)
        assert as_tuples(edges.covering(least, *marks, most)) == as_tuples(every.covering(least, *marks, most))
        prices = numbers(rows, -200, 500), numbers(columns, -200, 500)
        for restricted in ((None, None), (some(rows), None), (None, some(columns)), (some(rows), some(columns))):
            found, worst = edges.exceeding(least, *prices, most, *restricted)
            expected, expected_worst = every.exceeding(least, *prices, most, *restricted)
            assert as_tuples(found) == as_tuples(expected)
            assert worst.tolist() == expected_worst.tolist()
        # Prices that are tight for many pairs: the commonest score less what the other side asks.
        level = Counter(every.edges.score.tolist()).most_common(1)
        even = np.full(rows, level[0][0] if level else 500, np.int64), np.zeros(columns, np.int64)
        ties = numbers(rows, 0, 2**39), numbers(columns, -(2**39), 2**38)
        for restricted in ((None, None), (some(rows), None), (None, some(columns)), (some(rows), some(columns))):
            expected = every.tight(least, *even, *ties, most, *restricted)
            assert as_tuples(edges.tight(least, *even, *ties, most, *restricted)) == as_tuples(expected)
        # Scores that somebody has, or one less.
        scores = numbers(rows, 0, 1), numbers(columns, 0, 1)
        scores[0][every.edges.mentor] += every.edges.score - 1
        scores[1][every.edges.mentee] += every.edges.score - 1
        assert edges.above(*scores) == every.above(*scores)
    assert as_tuples(edges.pinned()) == as_tuples(every.pinned())


@pytest.mark.requirement("R3-23", "N3")
@pytest.mark.parametrize("number", range(8))
def test_bounds_rule_out_nothing_that_is_asked_for(number: int) -> None:
    world = random_snapshot(number, 90, 330)  # columns of many groups in several words
    edges = KernelEdges.of(world, SEED, threads=2)
    rows, columns = len(world.mentors), len(world.mentees)
    every_row, every_column = np.divmod(np.arange(rows * columns, dtype=np.int32), np.int32(columns))
    every = ListedEdges(*sides_of(world, edges.encoded), edges.listed(every_row, every_column))
    assert len(every.edges) > 50
    # Prices just below the best score of everybody, so that next to everything is ruled out.
    best = np.zeros(rows, np.int64), np.zeros(columns, np.int64)
    np.maximum.at(best[0], every.edges.mentor, every.edges.score)
    np.maximum.at(best[1], every.edges.mentee, every.edges.score)
    for share in (0, 300, 500, 1000):
        prices = best[0] * share // 1000 - 5, best[1] * (1000 - share) // 1000 - 5
        found, worst = edges.exceeding(1, *prices, 4)
        expected, expected_worst = every.exceeding(1, *prices, 4)
        assert as_tuples(found) == as_tuples(expected)
        assert worst.tolist() == expected_worst.tolist()
        flat = np.full(rows, -(2**40), np.int64), np.full(columns, -(2**40), np.int64)
        assert as_tuples(edges.tight(1, *prices, *flat, 4)) == as_tuples(every.tight(1, *prices, *flat, 4))
        least = best[0] * share // 1000 - 1, best[1] * share // 1000 - 1
        assert edges.above(*least) == every.above(*least)
    nobody = np.zeros(rows, np.bool_), np.zeros(columns, np.bool_)
    highest = int(best[0].max())
    for least_score in (highest - 50, highest):
        found = edges.covering(least_score, *nobody, 100)
        assert as_tuples(found) == as_tuples(every.covering(least_score, *nobody, 100))
        assert len(found) > 0
    assert as_tuples(edges.best(3)) == as_tuples(every.best(3))


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("number", range(40))
def test_blocking_pairs_are_counted_as_from_a_list_of_all_edges(number: int) -> None:
    world = small_world(number)
    every = listed(world, verdicts(world)).edges
    edges = KernelEdges.of(world, SEED)
    mentors, mentees = sides_of(world, edges.encoded)
    draw = random.Random(number)
    left, taken = (mentors.places.copy(), mentees.places.copy()), []
    for place in draw.sample(range(len(every)), len(every)):
        row, column = every.mentor[place], every.mentee[place]
        if left[0][row] and left[1][column] and draw.random() < 0.7:
            left[0][row] -= 1
            left[1][column] -= 1
            taken.append(place)
    chosen = every.select(np.sort(np.array(taken, np.int64)))
    ranks = (
        [draw.sample(range(len(mentees)), len(mentees)) for _ in range(len(mentors))],
        [draw.sample(range(len(mentors)), len(mentors)) for _ in range(len(mentees))],
    )
    expected = stability(chosen, mentors, mentees, ranks, every)
    assert stability(chosen, mentors, mentees, ranks, edges) == expected
    assert expected.by_score > 0 or len(every) - len(chosen) < 10


@pytest.mark.requirement("R3-23", "N3")
@pytest.mark.parametrize("number", range(2))
def test_the_best_of_many_are_those_of_a_list(number: int) -> None:
    world = random_snapshot(number, 3 * STRETCH // 2, 700)
    open_to_all = replace(
        world.rules, direction=Direction.EXPERTISE, unit_policy=UnitPolicy.ANY, minimum_overlap_minutes=0
    )
    world = replace(world, rules=open_to_all, waived=frozenset())
    edges = KernelEdges.of(world, SEED, threads=2)
    rows, columns = len(world.mentors), len(world.mentees)
    every_row, every_column = np.divmod(np.arange(rows * columns, dtype=np.int32), np.int32(columns))
    every = ListedEdges(*sides_of(world, edges.encoded), edges.listed(every_row, every_column))
    assert len(every.edges) > 20_000
    for most in (1, 5, 40):
        assert as_tuples(edges.best(most)) == as_tuples(every.best(most))


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("number", range(3))
def test_neither_threads_nor_the_order_of_the_input_leave_a_trace(number: int) -> None:
    world = random_snapshot(number, 4 * STRETCH - 1, 150)  # two stretches of rows for each of two threads
    draw = random.Random(number)
    world = replace(world, waived=frozenset(draw.sample(sorted(world.waived), 300)))
    shuffled = replace(
        world,
        mentors=tuple(draw.sample(world.mentors, len(world.mentors))),
        mentees=tuple(draw.sample(world.mentees, len(world.mentees))),
        lines=tuple(draw.sample(world.lines, len(world.lines))),
    )
    one, two, other = (
        KernelEdges.of(world, SEED, threads=1),
        KernelEdges.of(world, SEED, threads=2),
        KernelEdges.of(shuffled, SEED, threads=2),
    )
    prices = np.full(len(world.mentors), 300, np.int64), np.full(len(world.mentees), 250, np.int64)
    best, (violated, worst) = one.best(5), one.exceeding(1, *prices, 4)
    broken, above = one.survey().broken, one.above(*prices)
    assert len(best) > 500
    assert above > 500
    for edges in (two, other):
        assert as_bytes(edges.best(5)) == as_bytes(best)
        found, largest = edges.exceeding(1, *prices, 4)
        assert (as_bytes(found), largest.tobytes()) == (as_bytes(violated), worst.tobytes())
        assert edges.survey().broken == broken
        assert edges.above(*prices) == above


def as_bytes(edges: Edges) -> bytes:
    return b"".join(part.tobytes() for part in (edges.mentor, edges.mentee, edges.score, edges.kept))


@pytest.mark.requirement("R3-25", "R1-08", "R4-15")
def test_the_random_worlds_break_every_rule_and_use_every_part() -> None:
    broken: Counter[Rule] = Counter()
    parts: Counter[str] = Counter()
    types: Counter[PairType] = Counter()
    for number in WORLDS:
        world = small_world(number)
        types[world.rules.pair_type] += 1
        for line in verdicts(world):
            for verdict in line:
                broken.update(verdict.broken)
                if verdict.allowed:
                    parts.update(name for name, part in verdict.score.parts.items() if part > 0)
    assert set(broken) == set(Rule)
    assert len(parts) == 9
    assert set(types) == set(PairType)
    assert min(broken.values()) > 20
    assert min(parts.values()) > 50


def test_a_long_list_is_judged_alike_by_any_number_of_threads() -> None:
    world = random_snapshot(5, 40, 40)
    draw = np.random.default_rng(5)
    mentors, mentees = (draw.integers(0, 40, 3 * STRETCH).astype(np.int32) for _ in range(2))
    one, several = (KernelEdges.of(world, SEED, threads=count).judge(mentors, mentees) for count in (1, 3))
    single = KernelEdges.of(world, SEED)
    assert (one.allowed == several.allowed).all()
    assert (one.score == several.score).all()
    assert all((one.parts[name] == several.parts[name]).all() for name in one.parts)
    assert 0 < one.allowed.sum() < len(mentors)
    for place in range(0, len(mentors), 29):
        alone = single.judge(mentors[place : place + 1], mentees[place : place + 1])
        assert (bool(alone.allowed[0]), int(alone.score[0])) == (bool(one.allowed[place]), int(one.score[place]))
