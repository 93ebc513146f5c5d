from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from chassis.ports import InvalidInput
from enrollment.domain.findings import Severity
from enrollment.domain.grades import GradeLadder
from enrollment.domain.parsed_file import ParsedFile
from enrollment.domain.people import UnitDirectory, UnitPolicy
from enrollment.domain.special_columns import refused_kind
from enrollment.domain.updraft_csv import COLUMNS, parse_updraft_csv

LADDER = GradeLadder.of([("E1", 1), ("E2", 2), ("M1", 5)])
NORTH = UnitPolicy(uuid4(), "NORTH", LADDER, "Europe/Oslo")
SOUTH = UnitPolicy(uuid4(), "SOUTH", LADDER, "Europe/Madrid")
HEADER = ",".join(COLUMNS)


def parse(*lines: str, header: str = HEADER, writable: set[UUID] | None = None) -> ParsedFile:
    directory = UnitDirectory.of(
        [NORTH, SOUTH], {NORTH.business_unit_id, SOUTH.business_unit_id} if writable is None else writable
    )
    return parse_updraft_csv("\n".join([header, *lines]).encode(), directory)


def line(**cells: str) -> str:
    usual = {"business_unit": "NORTH", "employee_number": "7", "grade": "E1"}
    return ",".join((usual | cells).get(column, "") for column in COLUMNS)


def codes(parsed: ParsedFile) -> list[tuple[int, str | None, str]]:
    return [(finding.row, finding.field, finding.code) for finding in parsed.findings]


def test_a_whole_row_becomes_a_person_with_everything_it_says() -> None:
    parsed = parse(
        line(
            business_unit="north", given_name="Ada", family_name="Berg", email="ada.berg@example.org", grade="e-2", job_title="Engineer",
            team="Platform", function="Research & Development", region="Nordics", country="no", time_zone="Europe/Stockholm",
            languages="no:C2;en:c1", manager_employee_number="9", manager_business_unit="SOUTH", dotted_line_employee_numbers="3;SOUTH|4",
            joined_on="2021-04-01",
        )
    )  # fmt: skip
    assert parsed.findings == []
    (person,) = parsed.records
    assert (person.grade, person.grade_rank) == ("E2", 2)
    assert person.function == "research_development"
    assert person.country == "NO"
    assert [(skill.language, skill.level.value) for skill in person.languages] == [("en", "C1"), ("no", "C2")]
    assert person.manager is not None
    assert person.manager.key == (SOUTH.business_unit_id, "9")
    assert [reference.key for reference in person.dotted] == [
        (NORTH.business_unit_id, "3"),
        (SOUTH.business_unit_id, "4"),
    ]


def test_blank_cells_take_the_units_defaults_without_a_word() -> None:
    (person,) = parse(line()).records
    assert person.time_zone == "Europe/Oslo"
    assert person.manager is None
    assert not person.manager_named


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        ({"grade": "Z9"}, "grade", "unknown-grade"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "unknown-time-zone"),
        ({"languages": "english"}, "languages", "bad-languages"),
        ({"languages": "en:C1;en:C2"}, "languages", "bad-languages"),
        ({"country": "Norway"}, "country", "bad-country"),
        ({"email": "nobody"}, "email", "bad-email"),
        ({"joined_on": "01/04/2021"}, "joined_on", "bad-date"),
        ({"job_title": "x" * 201}, "job_title", "too-long"),
        ({"business_unit": "WEST"}, "business_unit", "unknown-unit"),
        ({"employee_number": " "}, "employee_number", "bad-employee-number"),
        ({"employee_number": "=1+1"}, "employee_number", "bad-employee-number"),
    ],
)
def test_a_row_in_error_is_reported_and_not_applied_at_all(cells: dict[str, str], field: str, code: str) -> None:
    parsed = parse(line(**cells), line(employee_number="8"))
    assert codes(parsed) == [(2, field, code)]
    assert parsed.findings[0].severity is Severity.ERROR
    assert parsed.findings[0].remedy
    assert [person.reference.employee_number for person in parsed.records] == ["8"]
    assert (parsed.rows_read, parsed.rows_in_error) == (2, 1)


def test_every_error_of_a_row_is_named_but_the_row_counts_once() -> None:
    parsed = parse(line(grade="Z9", country="Norway", languages="?"))
    assert [code for _, _, code in codes(parsed)] == ["unknown-grade", "bad-country", "bad-languages"]
    assert parsed.rows_in_error == 1


def test_findings_never_quote_what_a_cell_says() -> None:
    parsed = parse(line(email="secret-canary", given_name="c" * 130, grade="canary", joined_on="canary"))
    text = repr(parsed.findings)
    assert parsed.rows_in_error == 1
    assert "canary" not in text
    assert "cccc" not in text


def test_the_second_row_of_an_employee_number_is_in_error() -> None:
    parsed = parse(
        line(employee_number="a7"), line(employee_number="A7"), line(business_unit="SOUTH", employee_number="a7")
    )
    assert codes(parsed) == [(3, "employee_number", "duplicate-employee-number")]
    assert len(parsed.records) == 2


def test_units_the_importer_may_not_write_look_as_if_they_did_not_exist() -> None:
    foreign = parse(line(business_unit="SOUTH"), writable={NORTH.business_unit_id}).findings
    unknown = parse(line(business_unit="WEST"), writable={NORTH.business_unit_id}).findings
    assert foreign == unknown
    assert foreign[0].code == "unknown-unit"


def test_who_reports_to_themself_is_imported_without_a_superior() -> None:
    parsed = parse(line(manager_employee_number="7"))
    assert codes(parsed) == [(2, "manager_employee_number", "reports-to-self")]
    assert parsed.records[0].manager is None


@pytest.mark.parametrize("word", ["N/A", "NO_MANAGER", "XX", "-"])
def test_words_that_mean_nobody_mean_nobody(word: str) -> None:
    parsed = parse(line(manager_employee_number=word))
    assert parsed.findings == []
    assert not parsed.records[0].manager_named


@pytest.mark.requirement("R0-06", "R2-13")
def test_a_column_of_age_or_birth_is_dropped_and_reported_and_its_cells_are_nowhere() -> None:
    header = "business_unit,employee_number,grade,Date of Birth,gender,ageBand,Disability status,favourite colour"
    parsed = parse("NORTH,7,E1,1999-12-24,X,18-24,yes,teal", header=header)
    assert {(field, code) for _, field, code in codes(parsed)} == {
        ("Date of Birth", "refused-column"),
        ("gender", "refused-column"),
        ("ageBand", "refused-column"),
        ("Disability status", "refused-column"),
        ("favourite colour", "unused-column"),
    }
    assert len(parsed.records) == 1
    for trace in ("1999", "18-24", "teal"):
        assert trace not in repr(parsed)


@pytest.mark.requirement("R0-06")
@pytest.mark.parametrize(
    ("heading", "refused"),
    [
        ("DOB", True), ("dateOfBirth", True), ("Birth year", True), ("age", True), ("Age group", True), ("generation", True),
        ("Ethnicity", True), ("marital_status", True), ("Nationality", True), ("National Insurance No", True),
        ("Salary Cost of Reports (£)", True),
        ("languages", False), ("Stage", False), ("manager", False), ("Unit", False), ("team", False), ("Valid?", False),
    ],
)  # fmt: skip
def test_headings_that_announce_refused_data(heading: str, refused: bool) -> None:
    assert (refused_kind(heading) is not None) is refused


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"business_unit,grade\nNORTH,E1", "employee_number"),
        (b"business_unit,employee_number,grade,grade\nNORTH,1,E1,E1", "twice"),
        (b"business_unit,employee_number,grade\nNORTH,1\x00,E1", "NUL"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        parse_updraft_csv(data, UnitDirectory.of([NORTH], {NORTH.business_unit_id}))


def test_stray_blanks_line_breaks_semicolons_and_old_encodings_are_read() -> None:
    data = 'business_unit;employee_number;grade;team;\r\n NORTH ;7;E1;"Søk\u00a0og\r\n  innsikt";x\r\n;;;;\r\n'.encode(
        "cp1252"
    )
    parsed = parse_updraft_csv(data, UnitDirectory.of([NORTH], {NORTH.business_unit_id}))
    assert parsed.records[0].team == "Søk og innsikt"
    assert codes(parsed) == [(1, None, "blank-heading")]


def test_a_row_with_the_wrong_number_of_cells_is_in_error_and_shields_everybody_from_leaving() -> None:
    parsed = parse("NORTH,7", line(employee_number="8"))
    assert codes(parsed) == [(2, None, "misshapen-row")]
    assert parsed.unidentified == {NORTH.business_unit_id}


def test_projects_and_reviewers_are_read_like_dotted_lines() -> None:
    parsed = parse(
        line(project_codes="Atlas; south|Borealis;atlas", reviewer_employee_numbers="3;SOUTH|4;7"),
        line(employee_number="8", project_codes="NOWHERE|x;Cosmos", reviewer_employee_numbers="NOWHERE|1"),
    )
    first, second = parsed.records
    assert first.projects == ("NORTH|Atlas", "SOUTH|Borealis")
    assert [reviewer.key for reviewer in first.reviewers] == [
        (NORTH.business_unit_id, "3"),
        (SOUTH.business_unit_id, "4"),
    ]
    assert (second.projects, second.reviewers) == (("NORTH|Cosmos",), ())
    assert codes(parsed) == [
        (3, "project_codes", "unknown-project-unit"),
        (3, "reviewer_employee_numbers", "unknown-manager-unit"),
    ]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("project_codes", ";".join(f"p{number}" for number in range(21))),
        ("project_codes", "x" * 65),
        ("reviewer_employee_numbers", ";".join(str(number) for number in range(100, 121))),
    ],
)
def test_too_many_projects_or_reviewers_are_an_error(column: str, cell: str) -> None:
    parsed = parse(line(**{column: cell}))
    assert parsed.records == []
    assert [finding.severity for finding in parsed.findings] == [Severity.ERROR]
