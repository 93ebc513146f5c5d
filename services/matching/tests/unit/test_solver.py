"""The optimum against enumeration: coverage of distinct people, then score, then the published rule for ties."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain import solver
from matching.domain.problem import Levels, Problem, Seats, integers
from matching.domain.solver import Unsolvable, solve


def problem(mentors: list[Seats], mentees: list[Seats], edges: dict[tuple[int, int], tuple[int, int]]) -> Problem:
    joined = sorted(edges)
    return Problem(
        mentors=tuple(mentors),
        mentees=tuple(mentees),
        mentor_of=integers([row for row, _ in joined]),
        mentee_of=integers([column for _, column in joined]),
        scores=integers([edges[edge][0] for edge in joined]),
        ties=integers([edges[edge][1] for edge in joined]),
    )


def best_by_enumeration(given_problem: Problem) -> tuple[int, int, int]:
    """Every set of edges within the capacities."""
    best = (0, 0, 0)
    rows, columns = [0] * len(given_problem.mentors), [0] * len(given_problem.mentees)

    def extend(edge: int, people: int, score: int, ties: int) -> None:
        nonlocal best
        if edge == len(given_problem.scores):
            best = max(best, (people, score, ties))
            return
        extend(edge + 1, people, score, ties)
        row, column = int(given_problem.mentor_of[edge]), int(given_problem.mentee_of[edge])
        one, other = given_problem.mentors[row], given_problem.mentees[column]
        if rows[row] < one.places and columns[column] < other.places:
            covered = (rows[row] == 0 and one.uncovered) + (columns[column] == 0 and other.uncovered)
            rows[row] += 1
            columns[column] += 1
            extend(
                edge + 1,
                people + covered,
                score + int(given_problem.scores[edge]),
                ties + int(given_problem.ties[edge]),
            )
            rows[row] -= 1
            columns[column] -= 1

    extend(0, 0, 0, 0)
    return best


def value_of(given_problem: Problem, taken: tuple[int, ...]) -> tuple[int, int, int]:
    """The value of a set of edges, counted anew, and a check of its capacities."""
    rows = [int(given_problem.mentor_of[edge]) for edge in taken]
    columns = [int(given_problem.mentee_of[edge]) for edge in taken]
    for side, used in ((given_problem.mentors, rows), (given_problem.mentees, columns)):
        assert all(used.count(place) <= seats.places for place, seats in enumerate(side))
    people = sum(given_problem.mentors[row].uncovered for row in set(rows))
    people += sum(given_problem.mentees[column].uncovered for column in set(columns))
    return (
        people,
        sum(int(given_problem.scores[edge]) for edge in taken),
        sum(int(given_problem.ties[edge]) for edge in taken),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to 5 by 5 with capacities of 0 to 3, ties, empty rows, people covered already; at most 13 edges to enumerate."""
    mentors, mentees = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    seats = st.builds(Seats, st.integers(0, 3), st.booleans() | st.just(True))
    every = [(row, column) for row in range(mentors) for column in range(mentees)]
    chosen = draw(st.lists(st.sampled_from(every), unique=True, max_size=13)) if every else []
    highest = draw(st.sampled_from([1, 2, 10, 1000]))
    highest_tie = draw(st.sampled_from([0, 1, 2**24 - 1]))
    edges = {edge: (draw(st.integers(1, highest)), draw(st.integers(0, highest_tie))) for edge in chosen}
    return problem(
        draw(st.lists(seats, min_size=mentors, max_size=mentors)),
        draw(st.lists(seats, min_size=mentees, max_size=mentees)),
        edges,
    )


@settings(max_examples=400, deadline=None)
@given(problems())
def test_the_whole_objective_equals_enumeration(given_problem: Problem) -> None:
    solution = solve(given_problem)
    assert value_of(given_problem, solution.taken) == best_by_enumeration(given_problem)
    assert solution.value == solution.bound == Levels(*best_by_enumeration(given_problem))


def test_dense_five_by_five_one_to_one_equals_enumeration() -> None:
    draw = random.Random(5)
    for _ in range(3):
        edges = {(row, column): (draw.randint(1, 3), draw.randint(0, 3)) for row in range(5) for column in range(5)}
        given_problem = problem([Seats(1)] * 5, [Seats(1)] * 5, edges)
        assert value_of(given_problem, solve(given_problem).taken) == best_by_enumeration(given_problem)


def test_the_trap_two_people_left_unmatched_although_all_can_be() -> None:
    # Scores 10, 4, 4 and one forbidden pair: taking the 10 leaves two people alone.
    trap = problem([Seats(1), Seats(1)], [Seats(1), Seats(1)], {(0, 0): (10, 0), (0, 1): (4, 0), (1, 0): (4, 0)})
    solution = solve(trap)
    assert solution.value == Levels(people=4, score=8, ties=0)


def test_distinct_people_come_before_further_places() -> None:
    # The mentor of capacity 2 could take both good matches; the second mentor would stay alone.
    edges = {(0, 0): (1000, 0), (0, 1): (1000, 0), (1, 1): (1, 0)}
    one_to_one = solve(problem([Seats(2), Seats(1)], [Seats(1), Seats(1)], edges))
    assert one_to_one.value.people == 4
    further = solve(problem([Seats(2), Seats(1)], [Seats(1), Seats(2)], edges))
    assert further.value == Levels(people=4, score=2001, ties=0)


def test_a_person_with_a_pair_does_not_add_to_the_coverage() -> None:
    covered = Seats(1, uncovered=False)
    edges = {(0, 0): (1000, 0), (0, 1): (1, 0)}
    solution = solve(problem([Seats(1)], [covered, Seats(1)], edges))
    assert solution.value == Levels(people=2, score=1, ties=0)


def test_equal_scores_are_decided_by_the_ties_alone() -> None:
    edges = {(0, 0): (5, 1), (0, 1): (5, 7), (1, 0): (5, 8), (1, 1): (5, 3)}
    solution = solve(problem([Seats(1)] * 2, [Seats(1)] * 2, edges))
    assert solution.value.ties == 15


def test_nothing_to_match() -> None:
    assert solve(problem([], [], {})).value == Levels(0, 0, 0)
    assert solve(problem([Seats(1)], [], {})).taken == ()
    assert solve(problem([Seats(0)], [Seats(3)], {(0, 0): (9, 9)})).taken == ()


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_more_capacity_or_one_more_edge_never_lowers_the_value(given_problem: Problem, data: st.DataObject) -> None:
    before = solve(given_problem).value
    if given_problem.mentors:
        place = data.draw(st.integers(0, len(given_problem.mentors) - 1))
        mentors = list(given_problem.mentors)
        mentors[place] = replace(mentors[place], places=mentors[place].places + 1)
        after = solve(replace(given_problem, mentors=tuple(mentors))).value
        assert (after.people, after.score) >= (before.people, before.score)


def test_an_answer_that_is_not_the_optimum_is_never_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = {(0, 0): (10, 0), (0, 1): (4, 0), (1, 0): (4, 0)}

    def lazy(*arguments: object) -> object:
        return 0 * arguments[1]  # type: ignore[operator]

    monkeypatch.setattr(solver, "_circulate", lazy)
    with pytest.raises(Unsolvable):
        solve(problem([Seats(1), Seats(1)], [Seats(1), Seats(1)], edges))
