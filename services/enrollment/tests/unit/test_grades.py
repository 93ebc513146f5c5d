from __future__ import annotations

from uuid import uuid4

import pytest
from chassis.ports import InvalidInput
from enrollment.domain.business_units import register
from enrollment.domain.grades import UK_CIVIL_SERVICE, UK_EQUIVALENT_GRADES, GradeLadder, grade_key, grade_label


def test_a_ladder_finds_its_grades_whatever_their_spelling() -> None:
    ladder = GradeLadder.of([("Grade 7", 6), ("HEO-D", 4)])
    assert ladder.find("GRADE7") == ladder.rungs[1]
    assert ladder.find(" heo d ") == ladder.rungs[0]
    assert ladder.find("Grade 6") is None
    assert [rung.rank for rung in ladder.rungs] == [4, 6]


@pytest.mark.parametrize(
    "pairs", [[], [("A", 1), ("a", 2)], [("A", 0)], [("A", 1001)], [("", 1)], [("x" * 25, 1)], [("A;B", 1)]]
)
def test_ladders_that_make_no_sense_are_refused(pairs: list[tuple[str, int]]) -> None:
    with pytest.raises(InvalidInput):
        GradeLadder.of(pairs)


def test_the_civil_service_runs_from_administrative_assistant_to_permanent_secretary() -> None:
    grades = [rung.grade for rung in UK_CIVIL_SERVICE.rungs]
    assert grades == ["AA", "AO", "EO", "HEO", "SEO", "Grade 7", "Grade 6", "SCS1", "SCS1A", "SCS2", "SCS3", "SCS4"]
    assert UK_EQUIVALENT_GRADES[grade_key("G7")].grade == "Grade 7"
    assert UK_EQUIVALENT_GRADES[grade_key("OF-6")].grade == "SCS1"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("MSO 1 (in Port Group) - 9543", "MSO 1 in Port Group - 95"),
        ("Échelon 3", "Echelon 3"),
        ("??", "unknown"),
        ("SPS ", "SPS"),
    ],
)
def test_labels_that_are_published_are_plain_and_short(text: str, label: str) -> None:
    assert grade_label(text) == label


@pytest.mark.parametrize(
    ("code", "zone", "field"),
    [("1A", "Europe/Oslo", "code"), ("A B", "Europe/Oslo", "code"), ("A", "Oslo", "default_time_zone")],
)
def test_units_need_a_code_and_a_zone(code: str, zone: str, field: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        register(uuid4(), code=code, display_name=None, ladder=UK_CIVIL_SERVICE, default_time_zone=zone)
    assert problem.value.field == field
