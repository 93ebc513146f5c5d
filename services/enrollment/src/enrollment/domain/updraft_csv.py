"""The project's own HR file: one row a person, several units in one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from chassis.ports import InvalidInput

from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.grades import grade_key
from enrollment.domain.languages import LanguageSkill, is_time_zone, parse_languages
from enrollment.domain.parsed_file import ParsedFile, report_columns
from enrollment.domain.people import (
    LONGEST_NAME,
    Identity,
    PersonRecord,
    PersonReference,
    UnitDirectory,
    UnitPolicy,
    code_of,
)
from enrollment.domain.tabular import Row, read_table

COLUMNS = (
    "business_unit", "employee_number", "given_name", "family_name", "email", "grade", "job_title", "team", "function", "region", "country",
    "time_zone", "languages", "manager_employee_number", "manager_business_unit", "dotted_line_employee_numbers", "joined_on",
    "project_codes", "reviewer_employee_numbers",
)  # fmt: skip
REQUIRED = ("business_unit", "employee_number", "grade")
NOBODY = frozenset(
    {"", "n/a", "n/d", "na", "nd", "none", "null", "-", "xx", "no_manager", "no_mgr", "no manager", "vacant", "tbd"}
)
FILE = "people"
MOST_DOTTED = 20
MOST_REVIEWERS = 20
MOST_PROJECTS = 20
LONGEST_PROJECT = 64
_EMPLOYEE_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,24}")
_COUNTRY = re.compile(r"[A-Z]{2}")
T = TypeVar("T")


def is_email(text: str) -> bool:
    """Whether `text` looks like one deliverable address."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


class _RowError(Exception):
    def __init__(self, field: str, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message, self.remedy = field, code, message, remedy


def parse_updraft_csv(data: bytes, directory: UnitDirectory) -> ParsedFile:
    """Read the file; every row becomes a record or at least one error finding.

    Raises InvalidInput when the file as a whole cannot be read or lacks a required column.
    """
    table = read_table(data, FILE)
    headings = tuple(h.casefold() for h in table.headings)
    missing = [name for name in REQUIRED if name not in headings]
    if missing:
        raise InvalidInput(
            f"the header lacks {', '.join(missing)}",
            field=FILE,
            remedy=f"the format's columns are {', '.join(COLUMNS)}",
        )
    parsed = ParsedFile(
        rows_read=len(table.rows) + len({f.row for f in table.findings if f.severity is Severity.ERROR})
    )
    parsed.findings += table.findings + report_columns(FILE, table.headings, frozenset(COLUMNS))
    shapeless = any(f.severity is Severity.ERROR for f in table.findings)
    seen: dict[tuple[object, str], int] = {}
    for raw in table.rows:
        row = Row(
            raw.number,
            {heading.casefold(): cell for heading, cell in raw.cells.items() if heading.casefold() in COLUMNS},
        )
        unit = directory.find(row.get("business_unit"))
        if unit is None or not directory.may_write(unit):
            parsed.findings.append(
                RowFinding(
                    FILE, row.number, "business_unit", Severity.ERROR, "unknown-unit", "no business unit by this code is yours",
                    "register the unit, or import as its program manager",
                )
            )  # fmt: skip
            continue
        parsed.unit_ids.add(unit.business_unit_id)
        number = row.get("employee_number")
        if not _EMPLOYEE_NUMBER.fullmatch(number):
            parsed.unidentified.add(unit.business_unit_id)
            parsed.findings.append(
                RowFinding(
                    FILE, row.number, "employee_number", Severity.ERROR, "bad-employee-number", "the employee number is blank or malformed",
                    "1 to 64 letters, digits and . _ : / -, beginning with a letter or digit",
                )
            )  # fmt: skip
            continue
        reference = PersonReference(unit.business_unit_id, number)
        if reference.key in seen:
            parsed.findings.append(
                RowFinding(
                    FILE, row.number, "employee_number", Severity.ERROR, "duplicate-employee-number",
                    f"row {seen[reference.key]} already has this employee number in this unit", "give each person one row",
                )
            )  # fmt: skip
            continue
        seen[reference.key] = row.number
        reader = _RowReader(row, reference, unit, directory)
        record = reader.record()
        parsed.findings += reader.findings
        if record is None:
            parsed.protected.add(reference.key)
        else:
            parsed.records.append(record)
    if shapeless:
        parsed.unidentified |= parsed.unit_ids
    return parsed


class _RowReader:
    """Reads one row of known unit and employee number, collecting what is to be said about it."""

    def __init__(self, row: Row, reference: PersonReference, unit: UnitPolicy, directory: UnitDirectory) -> None:
        self.row = row
        self.reference = reference
        self.unit = unit
        self.directory = directory
        self.findings: list[RowFinding] = []

    def note(self, severity: Severity, field: str, code: str, message: str, remedy: str) -> None:
        self.findings.append(RowFinding(FILE, self.row.number, field, severity, code, message, remedy))

    def record(self) -> PersonRecord | None:
        """The person; None when the row is in error."""
        grade, rank = self.read(self.grade, ("", 0))
        manager, named = self.manager()
        record = PersonRecord(
            file=FILE,
            row=self.row.number,
            reference=self.reference,
            identity=Identity(
                given_name=self.read(lambda: self.text("given_name"), None),
                family_name=self.read(lambda: self.text("family_name"), None),
                email=self.read(self.email, None),
                job_title=self.read(lambda: self.text("job_title", 200), None),
            ),
            grade=grade,
            grade_rank=rank,
            team=self.read(lambda: self.text("team"), None),
            function=code_of(self.row.get("function")),
            region=code_of(self.row.get("region")),
            country=self.read(self.country, None),
            time_zone=self.read(self.time_zone, self.unit.default_time_zone),
            languages=self.read(self.languages, ()),
            manager=manager,
            dotted=self.read(
                lambda: self.people("dotted_line_employee_numbers", "dotted line", "dotted lines", MOST_DOTTED), ()
            ),
            joined_on=self.read(self.joined_on, None),
            manager_named=named,
            projects=self.read(self.projects, ()),
            reviewers=self.read(
                lambda: self.people("reviewer_employee_numbers", "reviewer", "reviewers", MOST_REVIEWERS), ()
            ),
        )
        return None if any(finding.severity is Severity.ERROR for finding in self.findings) else record

    def read(self, reader: Callable[[], T], default: T) -> T:
        try:
            return reader()
        except _RowError as error:
            self.note(Severity.ERROR, error.field, error.code, error.message, error.remedy)
            return default

    def text(self, field: str, longest: int = LONGEST_NAME) -> str | None:
        value = self.row.get(field)
        if len(value) > longest:
            raise _RowError(field, "too-long", f"the cell has more than {longest} characters", "shorten it")
        return value or None

    def grade(self) -> tuple[str, int]:
        rung = self.directory.rungs(self.unit).get(grade_key(self.row.get("grade")))
        if rung is None:
            raise _RowError(
                "grade",
                "unknown-grade",
                "the grade is not on the unit's ladder",
                "add it to the unit's ladder, or correct it",
            )
        return rung.grade, rung.rank

    def country(self) -> str | None:
        value = self.row.get("country").upper()
        if value and not _COUNTRY.fullmatch(value):
            raise _RowError(
                "country", "bad-country", "the country is not an ISO 3166 code", "write two letters, such as DE"
            )
        return value or None

    def time_zone(self) -> str:
        value = self.row.get("time_zone")
        if value and not is_time_zone(value):
            raise _RowError(
                "time_zone",
                "unknown-time-zone",
                "no such time zone",
                "name it as the IANA database does: Europe/London",
            )
        return value or self.unit.default_time_zone

    def email(self) -> str | None:
        value = self.row.get("email")
        if value and not is_email(value):
            raise _RowError(
                "email", "bad-email", "the address is not an e-mail address", "correct it or leave it blank"
            )
        return value or None

    def joined_on(self) -> date | None:
        value = self.row.get("joined_on")
        if value in {"", "0000-00-00"}:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _RowError("joined_on", "bad-date", "the date is not a date", "write it as 2024-05-31") from None

    def languages(self) -> tuple[LanguageSkill, ...]:
        try:
            return parse_languages(self.row.get("languages"))
        except InvalidInput as error:
            raise _RowError("languages", "bad-languages", error.detail, error.remedy or "levels are A1 to C2") from None

    def manager(self) -> tuple[PersonReference | None, bool]:
        """The superior, and whether the row names one at all."""
        number = self.row.get("manager_employee_number")
        if number.casefold() in NOBODY:
            return None, False
        code = self.row.get("manager_business_unit")
        home = self.directory.find(code) if code else self.unit
        if home is None:
            self.note(
                Severity.WARNING, "manager_business_unit", "unknown-manager-unit",
                "no business unit by this code; imported without a superior", "correct the code",
            )  # fmt: skip
            return None, True
        superior = PersonReference(home.business_unit_id, number)
        if superior.key == self.reference.key:
            self.note(
                Severity.WARNING, "manager_employee_number", "reports-to-self",
                "the person reports to themself; imported without a superior", "name the superior, or leave it blank at the top",
            )  # fmt: skip
            return None, False
        return superior, True

    def people(self, field: str, one: str, many: str, most: int) -> tuple[PersonReference, ...]:
        """The people a cell names beside the superior, as `number` or `unit|number`, parted by semicolons; never the person themself."""
        found: dict[tuple[object, str], PersonReference] = {}
        for part in filter(None, (piece.strip() for piece in self.row.get(field).split(";"))):
            code, bar, number = part.partition("|")
            home = self.directory.find(code.strip()) if bar else self.unit
            if home is None:
                self.note(
                    Severity.WARNING, field, "unknown-manager-unit",
                    f"no business unit by this code; the {one} was dropped", f"write unit|number for a {one} of another unit",
                )  # fmt: skip
                continue
            named = PersonReference(home.business_unit_id, (number if bar else part).strip())
            if named.key != self.reference.key:
                found[named.key] = named
        if len(found) > most:
            raise _RowError(field, "too-many", f"more than {most} {many}", "keep the ones that count")
        return tuple(found.values())

    def projects(self) -> tuple[str, ...]:
        """The projects a cell names, as `code` or, for a project of another unit, `unit|code`, parted by semicolons."""
        found: dict[str, str] = {}
        for part in filter(None, (piece.strip() for piece in self.row.get("project_codes").split(";"))):
            before, bar, after = part.partition("|")
            home = self.directory.find(before.strip()) if bar else self.unit
            if home is None:
                self.note(
                    Severity.WARNING, "project_codes", "unknown-project-unit",
                    "no business unit by this code; the project was dropped", "write unit|code for a project of another unit",
                )  # fmt: skip
                continue
            project = f"{home.code}|{(after if bar else part).strip()}"
            found.setdefault(project.casefold(), project)
        if any(len(project) > LONGEST_PROJECT for project in found):
            raise _RowError(
                "project_codes", "too-long", f"a project has at most {LONGEST_PROJECT} characters", "use its short code"
            )
        if len(found) > MOST_PROJECTS:
            raise _RowError("project_codes", "too-many", f"more than {MOST_PROJECTS} projects", "keep the current ones")
        return tuple(sorted(found.values()))
