"""The hard rules, one by one: a pair that breaks one is no candidate pair at all."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import pytest
from matching.domain.facts import (
    Background,
    Candidate,
    Direction,
    LanguageLevel,
    Line,
    PairType,
    ProgramRules,
    Snapshot,
    UnitPolicy,
    WorkingTime,
)
from matching.domain.rules import WAIVABLE, HardRules, Rule

from .worlds import OFFICE, OTHER_UNIT, RULES, mentee, mentor, person, snapshot


def broken(one: Candidate, other: Candidate, **changes: object) -> tuple[Rule, ...]:
    return HardRules(snapshot(one, other, **changes)).judge(one, other).broken  # type: ignore[arg-type]


def test_two_people_with_a_reason_may_meet() -> None:
    assert broken(mentor(1), mentee(2)) == ()


@pytest.mark.requirement("R4-15", "R0-06", "R1-01", "R3-02")
@pytest.mark.parametrize(
    ("pair_type", "mentor_rank", "mentee_rank", "expected"),
    [
        (PairType.REVERSE, 2, 3, ()),
        (PairType.REVERSE, 3, 3, (Rule.DIRECTION,)),
        (PairType.REVERSE, 4, 3, (Rule.DIRECTION,)),
        (PairType.TRADITIONAL, 4, 3, ()),
        (PairType.TRADITIONAL, 2, 3, (Rule.DIRECTION,)),
        (PairType.RECIPROCAL, 3, 3, ()),
        (PairType.RECIPROCAL, 9, 1, ()),
    ],
)
def test_the_direction_follows_the_grades(
    pair_type: PairType, mentor_rank: int, mentee_rank: int, expected: tuple[Rule, ...]
) -> None:
    rules = replace(RULES, pair_type=pair_type)
    assert broken(mentor(1, grade_rank=mentor_rank), mentee(2, grade_rank=mentee_rank), rules=rules) == expected


@pytest.mark.requirement("R0-06")
def test_with_direction_by_expertise_grades_do_not_count() -> None:
    rules = replace(RULES, direction=Direction.EXPERTISE)
    assert broken(mentor(1, grade_rank=9), mentee(2, grade_rank=1), rules=rules) == ()


@pytest.mark.requirement("R0-20")
@pytest.mark.parametrize(("gap", "expected"), [(1, ()), (6, ()), (7, (Rule.GRADE_GAP,))])
def test_the_minimum_seniority_gap_is_a_rule(gap: int, expected: tuple[Rule, ...]) -> None:
    assert (
        broken(mentor(1, grade_rank=2), mentee(2, grade_rank=8), rules=replace(RULES, minimum_grade_gap=gap))
        == expected
    )


@pytest.mark.requirement("R0-06", "R2-13")
def test_nothing_of_a_person_that_tells_age_is_known_to_a_run() -> None:
    # A proxy would have to be a field: age, birth, generation, joining date, title, name, gender. Tenure counts only as a
    # difference between two people (R0-05), never towards a side.
    models = (Candidate, Background, Snapshot, ProgramRules, Line)
    known = {field.name for model in models for field in fields(model)}
    assert known == {
        "participation_id", "person_id", "business_unit_id", "role", "employed", "grade_rank", "team", "background",
        "offers", "asks", "languages", "working_time", "places", "taken", "starts_on", "rules", "mentors", "mentees",
        "lines", "earlier_pairs", "without_facts", "pair_type", "direction", "minimum_grade_gap",
        "minimum_language_level", "minimum_overlap_minutes", "weights", "manager_id", "dotted_line_ids",
        "function", "region", "country", "tenure", "life", "projects", "values", "style", "channels", "priority", "ranked",
        "reviewer_ids", "unit_policy", "repeat_pairs", "preference_limit", "excluded", "waived", "quotas", "previous",
    }  # fmt: skip


@pytest.mark.requirement("R3-25")
@pytest.mark.parametrize("depth", [1, 2, 3, 12])
@pytest.mark.parametrize("mentor_is_below", [True, False])
def test_no_pair_in_one_reporting_chain_at_any_depth(depth: int, mentor_is_below: bool) -> None:
    low, high = (1, 2) if mentor_is_below else (2, 1)
    between = [person(low), *(person(500 + step) for step in range(depth - 1)), person(high)]
    lines = tuple(Line(one, other) for one, other in pairwise(between))
    assert broken(mentor(1), mentee(2), lines=lines) == (Rule.REPORTING_CHAIN,)


@pytest.mark.requirement("R3-25")
def test_a_dotted_line_joins_a_chain_wherever_it_is() -> None:
    dotted_at_the_start = (
        Line(person(1), None, frozenset({person(500)})),
        Line(person(500), person(2)),
    )
    dotted_in_the_middle = (
        Line(person(1), person(500)),
        Line(person(500), person(600), frozenset({person(2)})),
    )
    assert broken(mentor(1), mentee(2), lines=dotted_at_the_start) == (Rule.DOTTED_LINE,)
    assert broken(mentor(1), mentee(2), lines=dotted_in_the_middle) == (Rule.DOTTED_LINE,)


@pytest.mark.requirement("R3-25")
def test_chains_cross_business_units() -> None:
    lines = (Line(person(1), person(500)), Line(person(500), person(2)))
    far = mentee(2, business_unit_id=person(77))
    assert broken(mentor(1), far, lines=lines) == (Rule.REPORTING_CHAIN,)


@pytest.mark.requirement("R3-25")
def test_a_common_superior_far_above_is_no_conflict() -> None:
    lines = (Line(person(1), person(500)), Line(person(500), person(600)), Line(person(2), person(600)))
    assert broken(mentor(1), mentee(2), lines=lines) == ()


@pytest.mark.requirement("R3-25")
def test_a_cycle_in_the_source_ends_and_counts_as_one_chain() -> None:
    lines = (Line(person(1), person(2)), Line(person(2), person(3)), Line(person(3), person(1)))
    assert Rule.REPORTING_CHAIN in broken(mentor(1), mentee(2), lines=lines)


@pytest.mark.requirement("R3-25")
def test_no_pair_within_a_team() -> None:
    assert broken(mentor(1, team="x"), mentee(2, team="x")) == (Rule.SAME_TEAM,)
    assert broken(mentor(1, team=None), mentee(2, team=None)) == ()
    same_manager = (Line(person(1), person(9)), Line(person(2), person(9)))
    assert broken(mentor(1), mentee(2), lines=same_manager) == (Rule.SAME_TEAM,)


@pytest.mark.parametrize(
    ("mentor_level", "mentee_level", "least", "allowed"),
    [("B1", "B1", "B1", True), ("C2", "A2", "B1", False), ("A2", "C2", "B1", False), ("B2", "C1", "C1", False)],
)
def test_both_need_one_language_at_the_level(mentor_level: str, mentee_level: str, least: str, allowed: bool) -> None:
    one = mentor(1, languages={"fr": LanguageLevel[mentor_level], "en": LanguageLevel.A1})
    other = mentee(2, languages={"fr": LanguageLevel[mentee_level], "de": LanguageLevel.C2})
    rules = replace(RULES, minimum_language_level=LanguageLevel[least])
    assert broken(one, other, rules=rules) == (() if allowed else (Rule.SHARED_LANGUAGE,))


@pytest.mark.requirement("R1-08")
def test_seniority_alone_is_no_reason() -> None:
    assert broken(mentor(1, offers={"trends.esg": 5}), mentee(2)) == (Rule.SUBSTANCE,)
    assert broken(mentor(1, offers={}), mentee(2)) == (Rule.SUBSTANCE,)
    assert broken(mentor(1), mentee(2, asks={})) == (Rule.SUBSTANCE,)


@pytest.mark.requirement("R1-08", "R4-15")
def test_a_reverse_pair_needs_what_the_mentor_teaches_a_reciprocal_one_either() -> None:
    one, other = mentor(1, offers={}, asks={"trends.esg": 2}), mentee(2, asks={}, offers={"trends.esg": 4})
    assert broken(one, other) == (Rule.SUBSTANCE,)
    assert broken(one, other, rules=replace(RULES, pair_type=PairType.RECIPROCAL)) == ()


def test_nobody_meets_themselves_a_leaver_or_the_same_partner_twice() -> None:
    assert broken(mentor(1), mentee(2, person_id=person(1), team="t")) == (Rule.SAME_PERSON,)
    assert broken(mentor(1, employed=False), mentee(2)) == (Rule.NOT_EMPLOYED,)
    assert broken(mentor(1), mentee(2), earlier_pairs=frozenset({(person(1), person(2))})) == (Rule.ALREADY_PAIRED,)
    assert broken(mentor(1, places=2, taken=2), mentee(2)) == (Rule.CAPACITY,)


def test_every_broken_rule_is_named() -> None:
    one = mentor(1, grade_rank=9, team="x", offers={}, languages={}, employed=False)
    other = mentee(2, team="x", taken=1)
    assert set(broken(one, other)) == {
        Rule.DIRECTION, Rule.SAME_TEAM, Rule.SUBSTANCE, Rule.SHARED_LANGUAGE, Rule.NOT_EMPLOYED, Rule.CAPACITY
    }  # fmt: skip


@pytest.mark.requirement("R3-25", "N2")
def test_no_pair_on_one_project() -> None:
    one = mentor(1, projects=frozenset({"apollo", "gemini"}))
    assert broken(one, mentee(2, projects=frozenset({"gemini"}))) == (Rule.SAME_PROJECT,)
    assert broken(one, mentee(2, projects=frozenset({"vostok"}))) == ()
    assert broken(mentor(1), mentee(2)) == ()


@pytest.mark.requirement("R3-25", "N2")
@pytest.mark.parametrize(("reviewed", "reviewer"), [(1, 2), (2, 1)])
def test_nobody_meets_who_reviews_their_performance(reviewed: int, reviewer: int) -> None:
    lines = (Line(person(reviewed), None, reviewer_ids=frozenset({person(reviewer)})),)
    assert broken(mentor(1), mentee(2), lines=lines) == (Rule.REVIEWER,)


@pytest.mark.requirement("R3-25")
def test_a_common_reviewer_or_a_reviewer_of_the_manager_is_no_conflict() -> None:
    lines = (
        Line(person(1), None, reviewer_ids=frozenset({person(9)})),
        Line(person(2), None, reviewer_ids=frozenset({person(9)})),
        Line(person(9), None, reviewer_ids=frozenset({person(2)})),
    )
    assert broken(mentor(1), mentee(2), lines=lines) == ()


@pytest.mark.requirement("R3-25")
@pytest.mark.parametrize(("low", "high"), [(1, 2), (2, 1)])
def test_a_registered_conflict_of_interest_excludes_whoever_is_the_mentor(low: int, high: int) -> None:
    one, other = mentor(low), mentee(high)
    assert broken(one, other, excluded=frozenset({(person(1), person(2))})) == (Rule.EXCLUDED,)
    assert broken(one, other, excluded=frozenset({(person(1), person(3))})) == ()


@pytest.mark.requirement("R3-06")
@pytest.mark.parametrize(
    ("policy", "same_unit", "expected"),
    [
        (UnitPolicy.ANY, True, ()),
        (UnitPolicy.ANY, False, ()),
        (UnitPolicy.ACROSS, True, (Rule.UNIT_POLICY,)),
        (UnitPolicy.ACROSS, False, ()),
        (UnitPolicy.WITHIN, True, ()),
        (UnitPolicy.WITHIN, False, (Rule.UNIT_POLICY,)),
    ],
)
def test_the_program_says_whether_pairs_cross_units(
    policy: UnitPolicy, same_unit: bool, expected: tuple[Rule, ...]
) -> None:
    other = mentee(2) if same_unit else mentee(2, business_unit_id=OTHER_UNIT)
    assert broken(mentor(1), other, rules=replace(RULES, unit_policy=policy)) == expected


def test_a_program_may_repeat_pairs() -> None:
    earlier = frozenset({(person(1), person(2))})
    assert broken(mentor(1), mentee(2), earlier_pairs=earlier) == (Rule.ALREADY_PAIRED,)
    assert broken(mentor(1), mentee(2), earlier_pairs=earlier, rules=replace(RULES, repeat_pairs=True)) == ()


NIGHT = WorkingTime("Europe/Paris", 22 * 60, 5 * 60, OFFICE.days)


def in_every_conflict(**changes: object) -> tuple[Rule, ...]:
    """What a pair breaks that breaks every rule but capacity, employment and direction."""
    everything: dict[str, object] = {
        "lines": (Line(person(1), person(2), frozenset(), frozenset({person(2)})),),
        "excluded": frozenset({(person(1), person(2))}),
        "earlier_pairs": frozenset({(person(1), person(2))}),
        "rules": replace(RULES, unit_policy=UnitPolicy.ACROSS, minimum_grade_gap=7),
    }
    one = mentor(1, team="x", projects=frozenset({"p"}), languages={}, offers={})
    other = mentee(2, team="x", projects=frozenset({"p"}), working_time=NIGHT)
    return broken(one, other, **(everything | changes))


@pytest.mark.requirement("R3-25", "N2")
@pytest.mark.parametrize("rule", list(Rule))
def test_a_waiver_lifts_one_rule_for_one_pair_where_that_may_be(rule: Rule) -> None:
    before = in_every_conflict()
    waived = in_every_conflict(waived=frozenset({(person(1), person(2), rule.value)}))
    assert waived == (tuple(one for one in before if one is not rule) if rule in WAIVABLE else before)
    assert in_every_conflict(waived=frozenset({(person(2), person(1), rule.value)})) == before
    assert in_every_conflict(waived=frozenset({(person(1), person(3), rule.value)})) == before


@pytest.mark.requirement("R3-25")
def test_what_can_be_waived_is_published() -> None:
    never = {
        Rule.SAME_PERSON, Rule.NOT_EMPLOYED, Rule.CAPACITY, Rule.DIRECTION, Rule.SHARED_LANGUAGE, Rule.SUBSTANCE, Rule.EXCLUDED
    }  # fmt: skip
    assert set(Rule) - WAIVABLE == never
    conflicts = set(in_every_conflict()) | {Rule.DOTTED_LINE}
    assert conflicts >= WAIVABLE
