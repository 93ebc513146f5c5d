"""What a pair costs the cohort, and what would change a proposal: every figure as enumeration finds it."""

from __future__ import annotations

import random
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from matching.domain.counterfactual import WhyNotReason, why_not
from matching.domain.facts import Candidate, Quota, Snapshot
from matching.domain.graph import Edges, Side
from matching.domain.rules import HardRules
from matching.domain.run_input import RunInput, with_locks
from matching.domain.run_matching import Outcome, run_matching
from matching.domain.sentences import LANGUAGES, said
from matching.domain.ties import names_of
from matching.domain.would_change import Holds, WouldChange, would_change

from .solver_problems import Problem, feasible_sets, vector
from .worlds import TOPICS, UNIT, mentee, mentor, participation, snapshot

Vector = tuple[tuple[int, ...], int, int, int, int]
Pair = tuple[UUID, UUID]


def loose(seed: int, *, rematch: bool = False, quotas: bool = False) -> Snapshot:
    """Few rules and many different scores; places scarce or plenty, classes, people who have a pair already."""
    draw = random.Random(seed)

    def topics() -> dict[str, int]:
        return {topic: draw.randint(1, 5) for topic in draw.sample(TOPICS, 2)}

    def places() -> dict[str, int]:
        many = draw.randint(1, 2)
        return {"places": many, "taken": int(many == 2 and draw.random() < 0.4), "priority": draw.choice([1, 1, 2])}

    world = snapshot(
        *(mentor(number, offers=topics(), **places()) for number in range(1, 4)),
        *(mentee(number, asks=topics(), **places()) for number in range(11, 15)),
    )
    if quotas:
        world = replace(world, quotas=(Quota(UNIT, draw.randint(1, 3)),))
    if not rematch:
        return world
    every = [(one.participation_id, other.participation_id) for one in world.mentors for other in world.mentees]
    return replace(world, previous=frozenset(draw.sample(every, 3)))


def problem_of(world: Snapshot, seed: str) -> tuple[Problem, list[Pair]]:
    """The snapshot for the enumeration, by the readable rules, and the pair of each edge."""
    hard = HardRules(world)
    order = [sorted(side, key=lambda one: one.participation_id.int) for side in (world.mentors, world.mentees)]

    def side(people: list[Candidate]) -> Side:
        return Side(
            np.array([one.free_places for one in people], np.int32),
            np.array([one.taken == 0 for one in people], np.bool_),
            np.array([one.priority for one in people], np.int8),
            names_of(seed, (one.participation_id for one in people)),
        )

    rows, columns, scores, kept, pairs = [], [], [], [], []
    for row, one in enumerate(order[0]):
        for column, other in enumerate(order[1]):
            verdict = hard.judge(one, other)
            if verdict.allowed:
                pair = one.participation_id, other.participation_id
                rows.append(row)
                columns.append(column)
                scores.append(verdict.score.total)
                kept.append(world.previous is not None and pair in world.previous)
                pairs.append(pair)
    quotas = tuple(
        (np.array([one.business_unit_id == quota.business_unit_id for one in order[0]]), None, quota.places)
        for quota in world.quotas
    )
    edges = Edges.of(rows, columns, scores, kept)
    return Problem(side(order[0]), side(order[1]), edges, world.previous is not None, quotas), pairs


def best_with(problem: Problem, edge: int, *, score: int | None = None) -> Vector | None:
    """The best vector of all results that hold the edge, worth `score` (None: its own)."""
    scores = problem.edges.score.copy()
    if score is not None:
        scores[edge] = score
    changed = replace(problem, edges=replace(problem.edges, score=scores))
    best: Vector | None = None

    def visit(taken: list[int]) -> None:
        nonlocal best
        if edge in taken:
            found = vector(changed, taken)
            best = found if best is None else max(best, found)

    feasible_sets(changed, visit)
    return best


def best_without(problem: Problem, edge: int | None) -> Vector:
    best = vector(problem, [])

    def visit(taken: list[int]) -> None:
        nonlocal best
        if edge not in taken:
            best = max(best, vector(problem, taken))

    feasible_sets(problem, visit)
    return best


def told(changed: dict[str, int]) -> tuple[tuple[int, ...], int, int]:
    """Levels of an answer as coverage by class, floor or kept, and score."""
    coverage = tuple(value for level, value in changed.items() if level.startswith("people_covered"))
    return coverage, changed["floor"] if "floor" in changed else changed["kept"], changed["score"]


def less(one: Vector, other: Vector) -> tuple[tuple[int, ...], int, int]:
    coverage = tuple(mine - theirs for mine, theirs in zip(one[0], other[0], strict=True))
    return coverage, one[1] + one[2] - other[1] - other[2], one[3] - other[3]


def proposed_by(outcome: Outcome) -> set[Pair]:
    return {(one.mentor.participation_id, one.mentee.participation_id) for one in outcome.pairs}


@pytest.mark.requirement("N4")
@pytest.mark.parametrize("kind", ["fresh", "rematch", "quotas"])
def test_what_a_pair_costs_is_what_enumeration_finds(kind: str) -> None:
    asked = lower = 0
    for seed in range(12):
        world = loose(seed, rematch=kind == "rematch", quotas=kind == "quotas")
        outcome = run_matching(world)
        problem, pairs = problem_of(world, outcome.input_hash)
        best, proposed = best_without(problem, None), proposed_by(outcome)
        for edge, pair in enumerate(pairs):
            if pair in proposed:
                continue
            found = why_not(RunInput(world), outcome.proof.content, outcome.input_hash, pair, exact=True)
            forced = best_with(problem, edge)
            if forced is None:
                continue
            assert found.exactly is not None
            assert told(dict(found.exactly)) == less(forced, best), (seed, pair)
            asked += 1
            lower += found.reason is WhyNotReason.BELOW_FLOOR
    assert asked > 30
    assert lower > 3 or kind == "rematch"


@pytest.mark.requirement("N4")
def test_a_forced_pair_is_not_charged_with_a_floor_that_the_others_need_not_keep() -> None:
    """Alone, two 600s are worth more than a 1000 and a 400 for the floor; beside a pair of 200 they are not."""
    world = snapshot(
        mentor(1, offers={"a": 3, "b": 5}),
        mentor(2, offers={"a": 2, "b": 3}),
        mentor(3, offers={"c": 1, "d": 4}),
        mentor(4, offers={"c": 4, "d": 4}),
        *(mentee(number, asks={topic: 5}) for number, topic in ((11, "a"), (12, "b"), (13, "c"), (14, "d"))),
    )
    outcome = run_matching(world)
    assert sorted(pair.score.total for pair in outcome.pairs) == [600, 600, 800, 800]
    pair = participation(3), participation(13)
    found = why_not(RunInput(world), outcome.proof.content, outcome.input_hash, pair, exact=True)
    assert found.reason is WhyNotReason.BELOW_FLOOR
    assert found.exactly == {"people_covered": 0, "floor": -400, "score": 200 + 800 + 1000 + 400 - 2800}


def asked(given: RunInput, outcome: Outcome, pair: Pair) -> WouldChange:
    return would_change(given, outcome.proof.content, outcome.input_hash, pair)


@pytest.mark.requirement("N4")
@pytest.mark.parametrize("kind", ["fresh", "rematch", "quotas"])
def test_a_proposal_gives_way_at_the_score_at_which_enumeration_drops_it(kind: str) -> None:
    reasons = {Holds.NEEDED: 0, Holds.SCORE: 0}
    for seed in range(20, 36):
        world = loose(seed, rematch=kind == "rematch", quotas=kind == "quotas")
        outcome = run_matching(world)
        problem, pairs = problem_of(world, outcome.input_hash)
        best = best_without(problem, None)
        for pair in sorted(proposed_by(outcome)):
            edge = pairs.index(pair)
            second = best_without(problem, edge)
            found = asked(RunInput(world), outcome, pair)
            reasons[found.holds] += 1
            assert told(dict(found.without)) == less(second, best), (seed, pair)
            own = int(problem.edges.score[edge])
            assert found.score == own

            def holds_at(score: int, edge: int = edge, second: Vector = second, problem: Problem = problem) -> bool:
                together = best_with(problem, edge, score=score)
                return together is not None and together > second

            if found.holds is Holds.NEEDED:
                assert holds_at(1), (seed, pair)
            else:
                assert found.gives_way_at is not None
                assert holds_at(found.gives_way_at + 1), (seed, pair, found)
                assert not holds_at(found.gives_way_at), (seed, pair, found)
                assert found.points == own - found.gives_way_at > 0
    assert all(count > 3 for count in reasons.values()), reasons


@pytest.mark.requirement("N4", "N3")
def test_whom_the_two_would_meet_instead_is_told_and_their_own_answer_tells_of_nobody() -> None:
    world = snapshot(
        mentor(1), mentor(2, offers={"technology.ai": 2}), mentee(11), mentee(12, asks={"technology.ai": 5})
    )
    outcome = run_matching(world)
    (first, second) = sorted(proposed_by(outcome))
    found = asked(RunInput(world), outcome, first)
    assert found.mentor_meets == (second[1],)
    assert found.mentee_meets == (second[0],)
    for language in LANGUAGES:
        (sentence,) = said(found.words, language)
        assert not any(character.isdigit() for character in sentence)


@pytest.mark.requirement("N4")
def test_what_was_locked_or_not_proposed_is_said_to_be() -> None:
    world = snapshot(mentor(1), mentor(2), mentee(11), mentee(12), mentee(13, languages={}))
    one, other = (participation(1), participation(11)), (participation(1), participation(13))
    given = with_locks(world, [one])
    outcome = run_matching(given.snapshot)
    assert asked(given, outcome, one).holds is Holds.LOCKED
    assert asked(given, outcome, other).holds is Holds.NOT_PROPOSED
    assert asked(given, outcome, (participation(99), participation(11))).holds is Holds.NOT_PROPOSED
