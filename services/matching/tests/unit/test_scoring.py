"""The score: topics with levels in both directions, difference, language and hours, each normalised, in integers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matching.domain.facts import Background, Candidate, LanguageLevel, PairType, Weights
from matching.domain.rules import HardRules
from matching.domain.scoring import PairScore

from .worlds import OTHER_UNIT, RULES, mentee, mentor, random_snapshot, snapshot


def score(one: Candidate, other: Candidate, weights: Weights | None = None, **changes: object) -> PairScore:
    rules = replace(RULES, **changes, **({} if weights is None else {"weights": weights}))  # type: ignore[arg-type]
    return HardRules(snapshot(one, other, rules=rules)).judge(one, other).score


@pytest.mark.requirement("R2-13", "R1-01")
@pytest.mark.parametrize(
    ("offers", "asks", "points"),
    [
        ({"technology.ai": 5}, {"technology.ai": 3}, 1000),
        ({"technology.ai": 3}, {"technology.ai": 3}, 1000),
        ({"technology.ai": 1}, {"technology.ai": 4}, 250),
        ({"technology": 5}, {"technology.ai": 3}, 500),
        ({"technology.ai": 5}, {"technology": 3}, 500),
        ({"technology": 5, "technology.ai": 2}, {"technology.ai": 4}, 500),
        ({"technology.ai": 5}, {"technology.ai": 3, "trends.esg": 1}, 500),
        ({"technology.ai": 5}, {"technology.ai_ethics": 3}, 0),
        ({}, {"technology.ai": 3}, 0),
    ],
)
def test_points_come_only_from_what_both_declared(offers: dict[str, int], asks: dict[str, int], points: int) -> None:
    result = score(mentor(1, offers=offers), mentee(2, asks=asks))
    assert result.topics == points
    assert result.has_reason == (points > 0)


def test_both_directions_count_by_their_weights() -> None:
    one = mentor(1, asks={"trends.esg": 4, "trends.culture": 2})
    other = mentee(2, offers={"trends.esg": 2})
    result = score(one, other)
    assert (result.topics, result.reciprocity) == (1000, 250)
    assert result.total == (4 * 1000 + 1 * 250) // 5
    assert [reason.asked for reason in result.reasons_to_mentor] == ["trends.esg"]


def test_a_mentor_who_asks_for_nothing_loses_nothing() -> None:
    assert score(mentor(1), mentee(2)).total == 1000
    assert "reciprocity" not in score(mentor(1), mentee(2)).parts


def test_difference_language_and_hours() -> None:
    one = mentor(
        1, background=Background("it", "emea", "FR"), languages={"en": LanguageLevel.C2, "fr": LanguageLevel.B1}
    )
    other = mentee(
        2,
        background=Background("sales", "emea", None),
        business_unit_id=OTHER_UNIT,
        languages={"en": LanguageLevel.B2, "fr": LanguageLevel.C2},
    )
    result = score(one, other, Weights(0, 0, 1, 1, 1))
    assert (result.distance, result.language, result.hours) == (2000 // 3, 4000 // 6, 1000)
    assert result.total == (666 + 666 + 1000) // 3


@pytest.mark.requirement("R1-08")
def test_difference_alone_makes_no_pair() -> None:
    far = mentee(2, asks={"trends.esg": 1}, business_unit_id=OTHER_UNIT)
    assert not score(mentor(1), far, Weights(1, 1, 5, 5, 5)).has_reason


def test_a_reason_is_worth_at_least_one_point() -> None:
    assert score(mentor(1), mentee(2), Weights(0, 0, 1, 0, 0)).total == 1


@pytest.mark.parametrize("pair_type", list(PairType))
def test_all_parts_are_normalised(pair_type: PairType) -> None:
    for seed in range(20):
        world = random_snapshot(seed, 4, 4)
        world = replace(world, rules=replace(world.rules, pair_type=pair_type))
        hard = HardRules(world)
        for one in world.mentors:
            for other in world.mentees:
                result = hard.judge(one, other).score
                assert all(0 <= part <= 1000 for part in [result.total, *result.parts.values()])
