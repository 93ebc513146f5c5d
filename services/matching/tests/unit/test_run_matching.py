"""A whole run: certified, replayable byte for byte, checked by code that shares nothing with the solver, explained."""

from __future__ import annotations

import inspect
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain import checker, checker_hours, checker_rows, checker_world
from matching.domain import run_matching as module
from matching.domain.explanation import UnmatchedReason
from matching.domain.facts import Line, PairType, Quota, Role, Snapshot
from matching.domain.optimum import solved
from matching.domain.rules import HardRules, Rule
from matching.domain.run_matching import Outcome, Rejected, run_matching
from matching.domain.sentences import LANGUAGES, said
from matching.domain.ties import names_of, pair_ranks

from .worlds import RULES, UNIT, mentee, mentor, participation, person, random_snapshot, snapshot


def shuffled(world: Snapshot, seed: int) -> Snapshot:
    """The same facts in another order, down to the keys of every mapping."""
    draw = random.Random(seed)

    def mixed(items: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(draw.sample(items, len(items)))

    def turned(mapping: dict) -> dict:  # type: ignore[type-arg]
        return dict(mixed(tuple(mapping.items())))

    def redone(items: tuple) -> tuple:  # type: ignore[type-arg]
        return mixed(
            tuple(
                replace(item, offers=turned(item.offers), asks=turned(item.asks), languages=turned(item.languages))
                for item in items
            )
        )

    return replace(
        world,
        mentors=redone(world.mentors),
        mentees=redone(world.mentees),
        lines=mixed(world.lines),
        earlier_pairs=frozenset(mixed(tuple(world.earlier_pairs))),
    )


def pairs_of(outcome: Outcome) -> list[tuple[str, str, int]]:
    return [
        (str(pair.mentor.participation_id), str(pair.mentee.participation_id), pair.score.total)
        for pair in outcome.pairs
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_same_facts_in_another_order_give_the_same_bytes(seed: int, order: int) -> None:
    world = random_snapshot(seed, 6, 6)
    one, other = run_matching(world), run_matching(shuffled(world, order))
    assert one.certificate.content == other.certificate.content
    assert pairs_of(one) == pairs_of(other)
    assert one.unmatched == other.unmatched
    assert one.proof.content == other.proof.content


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    script = (
        "import sys; from services.matching.tests.unit.worlds import random_snapshot;"
        "from matching.domain.run_matching import run_matching;"
        "sys.stdout.buffer.write(run_matching(random_snapshot(7, 9, 9)).certificate.content)"
    )
    root = Path(__file__).parents[4]
    contents = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=300,
        ).stdout
        for seed in ("1", "2")
    ]
    assert contents[0] == contents[1] == run_matching(random_snapshot(7, 9, 9)).certificate.content


def test_the_certificate_says_what_it_rests_on_and_nothing_of_when() -> None:
    outcome = run_matching(snapshot(mentor(1), mentor(2, team="x"), mentee(3, team="x"), mentee(4)))
    body = outcome.certificate.body
    assert json.loads(outcome.certificate.content) == body
    assert (body["status"], body["violations"]) == ("optimal", 0)
    assert body["objective"] == body["bound"]
    assert [level["level"] for level in body["objective"]] == ["people_covered", "floor", "score", "tie_rank"]
    assert body["checked"] == {"pairs_taken": 2, "mentors": 2, "of_mentors": 2, "every_pair": True}
    assert body["counts"]["possible_pairs"] == 4
    assert body["counts"]["allowed_pairs"] == 3
    assert body["excluded"] == {"same_team": 1}
    assert body["input_hash"] == outcome.input_hash
    assert set(body) == {
        "format", "input_hash", "input_key", "rules", "scoring", "ties", "solver", "status", "objective", "bound",
        "violations", "checked", "blocking_pairs", "locks", "rematch", "counts", "excluded", "result_hash", "proof_hash",
    }  # fmt: skip
    assert str(participation(1)) not in outcome.certificate.content.decode()


def test_any_changed_fact_changes_the_input_hash() -> None:
    world = random_snapshot(3, 3, 3)
    base = run_matching(world).input_hash
    first = world.mentors[0]
    for changed in (
        replace(first, grade_rank=first.grade_rank + 1),
        replace(first, taken=first.taken + 1),
        replace(first, team="new"),
        replace(first, offers={**first.offers, "trends.culture": 1}),
        replace(first, employed=not first.employed),
    ):
        assert run_matching(replace(world, mentors=(changed, *world.mentors[1:]))).input_hash != base
    weights = replace(world.rules.weights, topics=world.rules.weights.topics + 1)
    assert run_matching(replace(world, rules=replace(world.rules, weights=weights))).input_hash != base


@pytest.mark.requirement("R3-25", "R0-20", "R1-08", "I6")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_no_pair_breaks_a_rule_and_no_capacity_is_exceeded(seed: int) -> None:
    world = random_snapshot(seed, 7, 7)
    outcome = run_matching(world)
    hard = HardRules(world)
    assert all(hard.judge(pair.mentor, pair.mentee).broken == () for pair in outcome.pairs)
    used = Counter(side.participation_id for pair in outcome.pairs for side in (pair.mentor, pair.mentee))
    for candidate in (*world.mentors, *world.mentees):
        assert candidate.taken + used[candidate.participation_id] <= max(candidate.places, candidate.taken)
    assert len(set(pairs_of(outcome))) == len(outcome.pairs)


def check(world: Snapshot, outcome: Outcome, **changes: Any) -> tuple[str, ...]:
    values = {level["level"]: level["value"] for level in outcome.certificate.body["objective"]}
    result = checker.Result(
        pairs=[
            (pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total) for pair in outcome.pairs
        ],
        values={"class:1": values["people_covered"], "score": values["score"], "ties": values["tie_rank"]},
        floor=values["floor"],
        claims=outcome.proof.claims,
        seed=outcome.input_hash,
    )
    return checker.findings(world, replace(result, **changes))


@pytest.mark.requirement("N4", "I6")
def test_the_checker_accepts_what_the_solver_gives_and_finds_every_planted_fault() -> None:
    conflict = (Line(person(1), person(3)),)
    world = snapshot(mentor(1), mentor(2, places=2), mentee(3), mentee(4, asks={"technology.ai": 5}), lines=conflict)
    world = priority_one(world)
    outcome = run_matching(world)
    one, two, three, four = (participation(number) for number in (1, 2, 3, 4))
    assert check(world, outcome) == ()
    good = [(pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total) for pair in outcome.pairs]
    assert sorted(good) == [(one, four, 1000), (two, three, 1000)]
    assert "reporting_chain" in check(world, outcome, pairs=[(one, three, 1000), (two, four, 1000)])[0]
    assert "twice" in check(world, outcome, pairs=[*good, good[0]])[0]
    assert "places" in check(world, outcome, pairs=[*good, (two, four, 1000)])[0]
    assert "score" in check(world, outcome, pairs=[(one, four, 999), good[1]])[0]
    assert "not a mentor" in check(world, outcome, pairs=[(three, four, 1000)])[0]
    assert "class:1 is 2, not 4" in check(world, outcome, pairs=good[:1])[0]
    assert "ties" in check(world, outcome, values={"class:1": 4, "score": 2000, "ties": 0})[0]
    assert "below the floor" in check(world, outcome, floor=1001)[0]
    assert "claims" in check(world, outcome, claims=outcome.proof.claims[:1])[0]
    quota = replace(world, quotas=(Quota(UNIT, 1),))
    assert "quota" in check(quota, outcome)[0]


@pytest.mark.requirement("N4")
def test_prices_that_prove_less_are_found_out() -> None:
    world = priority_one(random_snapshot(5, 8, 8))
    outcome = run_matching(world)
    assert outcome.pairs
    assert check(world, outcome) == ()
    for number, claim in enumerate(outcome.proof.claims):
        for level in range(len(claim.levels)):
            dearer = [prices.copy() for prices in claim.mentors]
            dearer[level] = dearer[level] + 7
            claims = list(outcome.proof.claims)
            claims[number] = replace(claim, mentors=dearer)
            assert check(world, outcome, claims=claims) != (), (claim.name, claim.levels[level])
        claims = list(outcome.proof.claims)
        claims[number] = replace(claim, mentors=[prices[:-1] for prices in claim.mentors])
        assert "belong" in check(world, outcome, claims=claims)[0]


@pytest.mark.requirement("N4")
def test_a_worse_result_is_not_proven_by_any_prices() -> None:
    world = priority_one(snapshot(mentor(1), mentor(2, offers={"technology": 5}), mentee(3)))
    outcome = run_matching(world)
    assert [pair.mentor.participation_id for pair in outcome.pairs] == [participation(1)]
    worse = [(participation(2), participation(3), 500)]
    ties = int(pair_ranks(*(names_of(outcome.input_hash, [participation(one)]) for one in (2, 3)))[0])
    found = check(world, outcome, pairs=worse, floor=500, values={"class:1": 2, "score": 500, "ties": ties})
    assert found != ()


@pytest.mark.requirement("N4")
def test_a_floor_needs_its_proof_unless_no_score_is_higher() -> None:
    for level, best in ((5, True), (3, False)):
        world = snapshot(mentor(1, offers={"technology.ai": level}), mentee(3, asks={"technology.ai": 5}))
        outcome = run_matching(world)
        names = {claim.name for claim in outcome.proof.claims}
        assert ("floor" not in names) is best
        bare = [claim for claim in outcome.proof.claims if claim.name != "floor"]
        assert (check(world, outcome, claims=bare) == ()) is best


def priority_one(world: Snapshot) -> Snapshot:
    """The world with everybody in the first class of coverage."""
    return replace(
        world,
        mentors=tuple(replace(one, priority=1) for one in world.mentors),
        mentees=tuple(replace(one, priority=1) for one in world.mentees),
    )


def test_the_checker_shares_no_code_with_what_it_checks() -> None:
    imported = {
        match[1]
        for module_ in (checker, checker_hours, checker_rows, checker_world)
        for match in re.finditer(r"(?m)^\s*(?:from|import) (matching[\w.]*)", inspect.getsource(module_))
    }
    assert imported == {
        f"matching.domain.{name}" for name in ("facts", "checker_hours", "checker_rows", "checker_world")
    }


def test_a_result_that_the_checker_refuses_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def cheap(*arguments: Any, **named: Any) -> Any:
        best = solved(*arguments, **named)
        return replace(best, claims=best.claims[:1])

    monkeypatch.setattr(module, "solved", cheap)
    with pytest.raises(Rejected):
        run_matching(snapshot(mentor(1), mentee(2)))


def test_reciprocal_and_traditional_cohorts_run_too() -> None:
    for pair_type, ranks in ((PairType.TRADITIONAL, (8, 2)), (PairType.RECIPROCAL, (5, 5))):
        world = snapshot(
            mentor(1, grade_rank=ranks[0]), mentee(2, grade_rank=ranks[1]), rules=replace(RULES, pair_type=pair_type)
        )
        assert len(run_matching(world).pairs) == 1


@pytest.mark.requirement("R2-10")
def test_a_cohort_of_one_pair_is_a_cohort() -> None:
    outcome = run_matching(snapshot(mentor(1), mentee(2)))
    assert len(outcome.pairs) == 1
    assert outcome.unmatched == ()
    assert outcome.objective[:2] == (2, 1000)


@pytest.mark.requirement("R1-08", "R3-25")
def test_every_pair_says_why_without_telling_one_person_about_the_other() -> None:
    world = snapshot(mentor(1, asks={"trends.esg": 2}), mentee(2, offers={"trends": 4}))
    (pair,) = run_matching(world).pairs
    assert said(pair.words)[:2] == (
        "The mentor offers ai (technology), which the mentee asks for.",
        "The mentee offers trends, close to esg (trends), which the mentor asks for.",
    )
    assert (pair.shared_languages, pair.overlap_minutes, pair.grade_gap) == (("en",), 480, 6)
    for language in LANGUAGES:
        told = " ".join(said(pair.words, language))
        assert not any(character.isdigit() for character in told)
        assert "|" not in told
        assert "C1" not in told
        assert "Paris" not in told


def test_the_unmatched_are_told_which_rules_left_nobody() -> None:
    world = snapshot(mentor(1, team="x", languages={}), mentee(2, team="x"), mentee(3, places=0), mentee(4))
    unmatched = {item.participation_id: item for item in run_matching(world).unmatched}
    alone = unmatched[participation(1)]
    assert alone.reason is UnmatchedReason.RULES_EXCLUDE_ALL
    assert (alone.considered, alone.allowed) == (3, 0)
    assert alone.broken == {Rule.SHARED_LANGUAGE: 3, Rule.SAME_TEAM: 1, Rule.CAPACITY: 1}
    assert said(alone.words)[1] == "3 of 3: no shared language at the program's level."
    assert said(alone.words, "de")[1] == "3 von 3: keine gemeinsame Sprache auf dem Niveau des Programms."
    assert unmatched[participation(3)].reason is UnmatchedReason.NO_OWN_PLACE


def test_the_unmatched_learn_that_others_took_the_places() -> None:
    world = snapshot(mentor(1), mentee(2), mentee(3), without_facts={participation(9): Role.MENTEE})
    reasons = sorted(item.reason for item in run_matching(world).unmatched)
    assert reasons == [UnmatchedReason.FACTS_MISSING, UnmatchedReason.PARTNERS_TAKEN]
    (lonely,) = run_matching(snapshot(mentee(2))).unmatched
    assert lonely.reason is UnmatchedReason.NOBODY_ON_OTHER_SIDE


def test_somebody_with_a_pair_and_no_further_one_is_not_unmatched() -> None:
    world = snapshot(mentor(1, places=2, taken=1), mentee(2, languages={}))
    assert [item.participation_id for item in run_matching(world).unmatched] == [participation(2)]
