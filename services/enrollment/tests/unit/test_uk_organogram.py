from __future__ import annotations

from uuid import uuid4

import pytest
from enrollment.domain.findings import Severity
from enrollment.domain.grades import UK_CIVIL_SERVICE
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.people import PersonRecord, UnitDirectory, UnitPolicy
from enrollment.domain.uk_organogram import parse_uk_organogram

UNIT = UnitPolicy(uuid4(), "MIN", UK_CIVIL_SERVICE, "Europe/London")
SENIOR = (
    "Post Unique Reference,Name,Grade,Job Title,Job/Team Function,Parent Department,Organisation,Unit,Contact Phone,Contact E-mail,"
    "Reports to Senior Post,FTE,Actual Pay Floor (£),,Professional/Occupational Group,Notes"
)
JUNIOR = (
    "Parent Department,Organisation,Unit,Reporting Senior Post,Grade,Payscale Minimum (£),Payscale Maximum (£),Generic Job Title,"
    "Number of Posts in FTE,Professional/Occupational Group"
)


def senior(
    post: str,
    superior: str,
    name: str = "Ann Other",
    grade: str = "SCS1",
    unit: str = "Policy",
    mail: str = "a@example.org",
) -> str:
    return f"{post},{name},{grade},Head,Does things,Min of X,Min of X,{unit},020,{mail},{superior},1.0,90000,0,Policy,"


def junior(
    superior: str,
    posts: str,
    grade: str = "HEO",
    unit: str = "Policy",
    title: str = "Officer",
    pay: str = "25000,30000",
) -> str:
    return f"Min of X,Min of X,{unit},{superior},{grade},{pay},{title},{posts},Operational Delivery"


def parse(seniors: list[str], juniors: list[str] | None = None) -> ParsedFile:
    return parse_uk_organogram(
        "\n".join([SENIOR, *seniors]).encode(),
        None if juniors is None else "\n".join([JUNIOR, *juniors]).encode(),
        UnitDirectory.of([UNIT], {UNIT.business_unit_id}),
        UNIT,
    )


def told(parsed: ParsedFile) -> set[tuple[str, int, str]]:
    """What is said about rows; what is said about columns is the same for every file here."""
    return {(finding.file, finding.row, finding.code) for finding in parsed.findings if finding.row > 1}


def by_number(parsed: ParsedFile) -> dict[str, PersonRecord]:
    return {record.reference.employee_number: record for record in parsed.records}


def superior_of(record: PersonRecord) -> str | None:
    return record.manager.employee_number if record.manager else None


def test_a_junior_row_counts_several_posts_and_fractions_round_up() -> None:
    parsed = parse(
        [senior("P1", "XX")],
        [junior("P1", "3.0"), junior("P1", "0.78", title="Clerk"), junior("P1", "17.36", grade="AO")],
    )
    assert len(parsed.records) == 1 + 3 + 1 + 18
    assert all(superior_of(record) == "min-of-x:P1" for record in parsed.records[1:])
    assert told(parsed) == set()


@pytest.mark.parametrize("fte", ["", "N/D"])
def test_a_missing_number_of_posts_is_taken_as_one_and_said(fte: str) -> None:
    parsed = parse([senior("P1", "XX")], [junior("P1", fte)])
    assert len(parsed.records) == 2
    assert told(parsed) == {("junior", 2, "missing-fte")}


@pytest.mark.parametrize("fte", ["0", "-1", "many", "nan", "inf", "1000000"])
def test_an_impossible_number_of_posts_is_an_error_and_shields_everybody_from_leaving(fte: str) -> None:
    parsed = parse([senior("P1", "XX")], [junior("P1", fte)])
    assert len(parsed.records) == 1
    assert told(parsed) == {("junior", 2, "bad-fte")}
    assert parsed.rows_in_error == 1
    assert parsed.unidentified == {UNIT.business_unit_id}


def test_leading_zeros_and_case_lost_on_one_side_still_find_the_post() -> None:
    parsed = parse(
        [senior("9000", "XX"), senior("66", "00009000"), senior("ab1", "00000066")],
        [junior("0066", "1.0"), junior("AB1", "1")],
    )
    found = by_number(parsed)
    assert superior_of(found["min-of-x:66"]) == "min-of-x:9000"
    assert superior_of(found["min-of-x:AB1"]) == "min-of-x:66"
    assert sorted(str(superior_of(record)) for record in parsed.records if record.file == "junior") == [
        "min-of-x:66",
        "min-of-x:AB1",
    ]
    assert told(parsed) == set()


def test_zeros_do_count_where_two_posts_differ_by_nothing_else() -> None:
    parsed = parse(
        [senior("P0", "XX"), senior("066", "P0"), senior("66", "P0"), senior("P1", "066"), senior("P2", "0066")]
    )
    found = by_number(parsed)
    assert superior_of(found["min-of-x:P1"]) == "min-of-x:066"
    assert superior_of(found["min-of-x:P2"]) is None
    assert told(parsed) == {("senior", 6, "unknown-superior")}


@pytest.mark.parametrize("name", ["Vacant", "Eliminated", "'Eliminated'", '"""Eliminated"""', "Vacant'", "ELIMINATED"])
def test_an_empty_post_employs_nobody_and_lines_run_through_it(name: str) -> None:
    parsed = parse([senior("P1", "XX"), senior("P2", "P1", name=name), senior("P3", "P2")], [junior("P2", "1.0")])
    assert sorted(by_number(parsed))[:2] == [
        "min-of-x:P1",
        "min-of-x:P2:j-" + sorted(by_number(parsed))[1].split("j-")[1],
    ]
    assert {superior_of(record) for record in parsed.records[1:]} == {"min-of-x:P1"}
    assert all(finding.severity is Severity.INFO for finding in parsed.findings if finding.row > 1)


def test_undisclosed_names_are_people_without_a_name() -> None:
    parsed = parse([senior("P1", "XX", name="N/D", mail="N/D"), senior("P2", "P1", name="ND", mail="nobody at home")])
    first, second = parsed.records
    assert (first.identity.given_name, first.identity.family_name, first.identity.email) == (None, None, None)
    assert second.identity.email is None
    assert told(parsed) == {("senior", 3, "bad-email")}


def test_two_people_on_one_post_share_their_reports() -> None:
    parsed = parse([senior("P1", "XX"), senior("P1", "XX", name="Bo Other"), senior("P2", "P1")], [junior("P1", "1.0")])
    found = by_number(parsed)
    assert set(found) >= {"min-of-x:P1", "min-of-x:P1:2", "min-of-x:P2"}
    assert superior_of(found["min-of-x:P2"]) == "min-of-x:P1"
    assert [reference.employee_number for reference in found["min-of-x:P2"].dotted] == ["min-of-x:P1:2"]
    assert told(parsed) == {("senior", 3, "shared-post")}


def test_a_post_that_reports_to_itself_is_imported_without_a_superior() -> None:
    parsed = parse([senior("P1", "P1"), senior("P2", "P1")])
    assert superior_of(by_number(parsed)["min-of-x:P1"]) is None
    assert told(parsed) == {("senior", 2, "reports-to-self")}


def test_references_are_unique_only_within_a_department() -> None:
    other = senior("P2", "P1", name="Cy Other").replace("Min of X", "Dept of Y")
    parsed = parse([senior("P1", "XX"), senior("P2", "P1"), senior("P1", "XX").replace("Min of X", "Dept of Y"), other])
    found = by_number(parsed)
    assert superior_of(found["min-of-x:P2"]) == "min-of-x:P1"
    assert superior_of(found["dept-of-y:P2"]) == "dept-of-y:P1"
    assert told(parsed) == set()


def test_a_circle_of_empty_posts_is_reported() -> None:
    parsed = parse([senior("P1", "P2", name="Vacant"), senior("P2", "P1", name="Vacant"), senior("P3", "P1")])
    assert superior_of(by_number(parsed)["min-of-x:P3"]) is None
    assert ("senior", 4, "empty-cycle") in told(parsed)


def test_grades_come_from_the_ladder_then_the_equivalents_then_the_pay_scale_and_all_but_the_first_are_reported() -> (
    None
):
    parsed = parse(
        [senior("P1", "XX", grade="OF-7")],
        [
            junior("P1", "1"),
            junior("P1", "1", grade="C2"),
            junior("P1", "1", grade="Pilot", pay="26000,31000"),
            junior("P1", "1", grade="Odd", pay="N/A,N/A"),
        ],
    )
    assert [(record.grade, record.grade_rank) for record in parsed.records] == [
        ("OF-7", 10),
        ("HEO", 4),
        ("C2", 4),
        ("Pilot", 4),
        ("Odd", 0),
    ]
    assert told(parsed) == {
        ("senior", 2, "grade-by-equivalence"),
        ("junior", 3, "grade-by-equivalence"),
        ("junior", 4, "grade-by-pay-scale"),
        ("junior", 5, "unranked-grade"),
    }


def test_a_team_is_the_unit_or_who_reports_to_one_post_when_the_file_names_one_unit_only() -> None:
    several = parse([senior("P1", "XX"), senior("P2", "P1", unit="Delivery")], [junior("P2", "1.0")])
    assert [record.team for record in several.records] == ["Policy", "Delivery", "Policy"]
    one = parse(
        [senior("P1", "XX"), senior("P2", "P1"), senior("P3", "P1")], [junior("P2", "1.0"), junior("P3", "1.0")]
    )
    teams = [record.team for record in one.records]
    assert teams[1] == teams[2]
    assert teams[3] != teams[4]


def test_the_next_edition_finds_the_same_people_in_whatever_order() -> None:
    rows = [junior("P1", "2.0"), junior("P1", "1.0"), junior("P1", "1.0", title="Clerk")]
    first = parse([senior("P1", "XX"), senior("P2", "P1")], rows)
    second = parse([senior("P2", "P1"), senior("P1", "XX")], list(reversed(rows)))
    assert set(by_number(first)) == set(by_number(second))
    assert len(by_number(first)) == 2 + 4


@pytest.mark.requirement("R0-06")
def test_pay_and_telephone_are_dropped_and_reported() -> None:
    parsed = parse([senior("P1", "XX")], [junior("P1", "1.0")])
    columns = {(finding.field, finding.code) for finding in parsed.findings if finding.row == 1}
    assert ("Contact Phone", "refused-column") in columns
    assert ("Actual Pay Floor (£)", "refused-column") in columns
    assert (None, "blank-heading") in columns
    assert "90000" not in repr(parsed)
