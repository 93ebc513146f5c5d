"""Reciprocal pairs: both teach and both learn, whatever their grades; who is on which side was fixed at admission."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matching.domain.facts import PairType, Role, Weights
from matching.domain.rules import HardRules, Rule
from matching.domain.run_matching import run_matching
from matching.domain.sentences import said
from matching.domain.suitability import fit_of

from .worlds import RULES, mentee, mentor, participation, snapshot

RECIPROCAL = replace(RULES, pair_type=PairType.RECIPROCAL, weights=Weights(1, 1, 0, 0, 0))
DATA, AI = {"technology.data": 4}, {"technology.ai": 4}


@pytest.mark.requirement("R4-09", "R4-15")
@pytest.mark.parametrize("ranks", [(2, 8), (5, 5), (8, 2)])
def test_grades_give_no_direction(ranks: tuple[int, int]) -> None:
    world = snapshot(
        mentor(1, grade_rank=ranks[0], offers=AI, asks=DATA),
        mentee(101, grade_rank=ranks[1], offers=DATA, asks=AI),
        rules=RECIPROCAL,
    )
    (pair,) = run_matching(world).pairs
    assert (pair.score.topics, pair.score.reciprocity, pair.score.total) == (1000, 1000, 1000)
    assert said(pair.words)[:3] == (
        "The mentor offers ai (technology), which the mentee asks for.",
        "The mentee offers data (technology), which the mentor asks for.",
        "Both teach and both learn, whatever their grades.",
    )


@pytest.mark.requirement("R4-09", "R1-08")
def test_a_topic_in_either_direction_is_a_reason_and_none_is_not() -> None:
    only_back = mentor(1, offers={}, asks=DATA), mentee(101, offers=DATA, asks={})
    (pair,) = run_matching(snapshot(*only_back, rules=RECIPROCAL)).pairs
    assert (pair.score.topics, pair.score.reciprocity, pair.score.total) == (None, 1000, 1000)
    assert run_matching(snapshot(*only_back)).pairs == ()
    nothing = mentor(1, offers=AI, asks={}), mentee(101, offers={}, asks=DATA)
    outcome = run_matching(snapshot(*nothing, rules=RECIPROCAL))
    assert outcome.pairs == ()
    assert {rule for one in outcome.unmatched for rule in one.broken} == {Rule.SUBSTANCE}


@pytest.mark.requirement("R4-09", "R4-10", "R1-04")
def test_who_learns_from_each_other_is_matched_before_who_learns_one_way() -> None:
    world = snapshot(
        mentor(1, offers=AI, asks=DATA),
        mentor(2, offers=AI, asks={"trends.esg": 3}),
        mentee(101, offers=DATA, asks=AI),
        rules=RECIPROCAL,
    )
    (pair,) = run_matching(world).pairs
    assert pair.mentor.participation_id == participation(1)
    verdict = HardRules(world).judge(pair.mentor, pair.mentee)
    fit = fit_of(pair.mentor, pair.mentee, verdict, world)
    assert {(topic.topic, topic.teacher) for topic in fit.topics} == {
        ("technology.ai", Role.MENTOR),
        ("technology.data", Role.MENTEE),
    }


@pytest.mark.requirement("R4-09")
def test_sides_stay_as_they_were_fixed_at_admission() -> None:
    """Two of one side are no pair, however well they fit."""
    world = snapshot(
        mentor(1, offers=AI, asks=DATA), mentor(2, offers=DATA, asks=AI), mentee(101, offers={}, asks=AI),
        rules=RECIPROCAL,
    )  # fmt: skip
    pairs = {(pair.mentor.participation_id, pair.mentee.participation_id) for pair in run_matching(world).pairs}
    assert pairs == {(participation(1), participation(101))}


@pytest.mark.requirement("R4-09", "R3-25")
def test_every_other_rule_holds_as_in_any_program() -> None:
    world = snapshot(
        mentor(1, team="red", offers=AI, asks=DATA), mentee(101, team="red", offers=DATA, asks=AI), rules=RECIPROCAL
    )
    assert run_matching(world).pairs == ()
