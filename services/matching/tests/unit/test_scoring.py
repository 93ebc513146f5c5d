"""The score: topics with levels in both directions, difference, language and hours, each normalised, in integers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matching.domain.facts import Background, Candidate, LanguageLevel, PairType, Weights
from matching.domain.rules import HardRules
from matching.domain.scoring import PairScore

from .worlds import OTHER_UNIT, RULES, mentee, mentor, participation, random_snapshot, snapshot


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


def only(part: str) -> Weights:
    return replace(Weights(0, 0, 0, 0, 0), **{part: 1})


@pytest.mark.requirement("R0-05", "R0-38", "R3-06")
@pytest.mark.parametrize(
    ("one", "other", "points"),
    [
        (Background(tenure="a"), Background(tenure="a"), 0),
        (Background(tenure="a"), Background(tenure="b"), 500),
        (Background(tenure="a"), Background(), 0),
        (Background(life=frozenset("ab")), Background(life=frozenset("bc")), (0 + 667) // 2),
        (Background(life=frozenset("a")), Background(life=frozenset("b")), 500),
        (Background(life=frozenset("a")), Background(), 0),
        (Background("x", "x", "x", "x", frozenset("a")), Background("y", "y", "y", "y", frozenset("b")), 5000 // 6),
    ],
)
def test_tenure_and_life_experience_count_where_both_are_known(one: Background, other: Background, points: int) -> None:
    result = score(mentor(1, background=one), mentee(2, background=other), only("distance"))
    assert result.distance == points
    assert result.total == max(1, points)


@pytest.mark.parametrize(
    ("one", "other", "points"),
    [("", "ab", None), ("ab", "ab", 1000), ("ab", "bc", 333), ("a", "bcd", 0), ("abcd", "a", 250)],
)
def test_values_count_by_what_is_shared_of_all(one: str, other: str, points: int | None) -> None:
    result = score(mentor(1, values=frozenset(one)), mentee(2, values=frozenset(other)), only("values"))
    assert result.values == points
    assert result.total == max(1, points or 0)


@pytest.mark.parametrize(
    ("one", "other", "points"),
    [
        ({"pace": 3}, {}, None),
        ({"pace": 3}, {"detail": 3}, None),
        ({"pace": 1}, {"pace": 5}, 0),
        ({"pace": 2, "detail": 4}, {"pace": 3, "detail": 4, "words": 1}, (750 + 1000) // 2),
    ],
)
def test_working_styles_count_by_their_nearness(one: dict[str, int], other: dict[str, int], points: int | None) -> None:
    assert score(mentor(1, style=one), mentee(2, style=other), only("style")).style == points


@pytest.mark.requirement("R1-13")
@pytest.mark.parametrize(
    ("one", "other", "points"),
    [("", "ab", None), ("ab", "abc", 1000), ("ab", "bc", 500), ("a", "bcd", 0)],
)
def test_channels_count_by_the_shorter_list(one: str, other: str, points: int | None) -> None:
    result = score(mentor(1, channels=frozenset(one)), mentee(2, channels=frozenset(other)), only("channel"))
    assert result.channel == points


@pytest.mark.parametrize(
    ("mentor_ranked", "mentee_ranked", "points"),
    [
        ((), (), None),
        ((2,), (), 1000),
        ((9, 2), (), 750),
        ((9, 8, 7, 6, 2), (), 0),
        ((9,), (), 0),
        ((2,), (1,), 1000),
        ((2,), (9,), 500),
        ((9, 9, 2), (7, 1), (500 + 750) // 2),
    ],
)
def test_ranks_count_from_the_sides_that_ranked_anybody(
    mentor_ranked: tuple[int, ...], mentee_ranked: tuple[int, ...], points: int | None
) -> None:
    one = mentor(1, ranked=tuple(participation(number) for number in mentor_ranked))
    other = mentee(2, ranked=tuple(participation(number) for number in mentee_ranked))
    assert score(one, other, only("preferences"), preference_limit=4).preferences == points


@pytest.mark.requirement("R3-23")
def test_every_part_that_applies_counts_by_its_weight_and_no_other() -> None:
    one = mentor(1, values=frozenset("ab"), channels=frozenset("a"))
    other = mentee(2, values=frozenset("a"), channels=frozenset("b"))
    weights = Weights(2, 7, 0, 0, 0, values=3, style=50, preferences=50, channel=5)
    assert score(one, other, weights).total == (2 * 1000 + 3 * 500 + 5 * 0) // (2 + 3 + 5)


@pytest.mark.requirement("R2-13", "R4-13")
def test_tenure_never_counts_towards_a_side() -> None:
    # Exchanging the two people's bands changes nothing: only the difference counts.
    bands = Background(tenure="under_1_year"), Background(tenure="over_20_years")
    weights = Weights(1, 1, 1, 1, 1)
    assert score(mentor(1, background=bands[0]), mentee(2, background=bands[1]), weights) == score(
        mentor(1, background=bands[1]), mentee(2, background=bands[0]), weights
    )
