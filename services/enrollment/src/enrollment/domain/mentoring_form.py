"""The people of a mentoring scheme's sign-up form, for a unit that sends no HR file: name, address, grade, organisation, profession.

The form has no employee numbers, so people are numbered by their address; whoever the unit knows by that address already is left as the
HR system has them. Characteristics and biographies are dropped and reported, never stored: they are of special categories, or
repeat them in free text (R3-17). The organisation is taken for the team: a scheme across organisations pairs nobody within one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from chassis.ports import InvalidInput

from enrollment.domain.change_sets import KnownPerson
from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.grades import UK_EQUIVALENT_GRADES, grade_key
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
from enrollment.domain.updraft_csv import is_email

FILE = "people"
COLUMNS = (
    "first name", "last name", "email address", "both mentor and mentee", "job title", "grade", "organisation", "profession",
)  # fmt: skip
REQUIRED = ("email address", "grade")
_LONGEST_TITLE = 200


def form_number(address: str) -> str:
    """The employee number of whoever signs up under an address: the same for the same address, whatever its case."""
    return f"form-{hashlib.sha256(address.strip().casefold().encode()).hexdigest()[:16]}"


def parse_mentoring_form(data: bytes, directory: UnitDirectory, unit: UnitPolicy) -> ParsedFile:
    """Read one side of the form, mentors or mentees; every row becomes a record or one error finding.

    Raises InvalidInput when the file as a whole cannot be read or lacks a required column.
    """
    table = read_table(data, FILE)
    headings = {heading.casefold() for heading in table.headings}
    missing = [name for name in REQUIRED if name not in headings]
    if missing:
        raise InvalidInput(
            f"the header lacks {', '.join(missing)}", field=FILE, remedy=f"the form's columns are {', '.join(COLUMNS)}"
        )
    parsed = ParsedFile(
        rows_read=len(table.rows) + sum(each.severity is Severity.ERROR for each in table.findings),
        unit_ids={unit.business_unit_id},
    )
    parsed.findings += table.findings + report_columns(FILE, table.headings, frozenset(COLUMNS))
    seen: dict[str, int] = {}
    for raw in table.rows:
        row = Row(raw.number, {heading.casefold(): cell for heading, cell in raw.cells.items()})
        address = row.get("email address")
        key = address.casefold()
        problem = _problem(row, address, directory, unit)
        if problem is None and key in seen:
            problem = ("email address", "duplicate-address", f"row {seen[key]} has this address", "keep one of the two")
        if problem is not None:
            column, code, message, remedy = problem
            parsed.findings.append(RowFinding(FILE, row.number, column, Severity.ERROR, code, message, remedy))
            continue
        seen[key] = row.number
        parsed.records.append(_record(row, address, directory, unit))
    return parsed


def leave_known_people(parsed: ParsedFile, known: Collection[KnownPerson]) -> None:
    """Take out of the file whoever is known by their address under another number, and say so."""
    numbers: dict[str, set[str]] = {}
    for person in known:
        if person.employed and person.particulars.identity.email:
            numbers.setdefault(person.particulars.identity.email.casefold(), set()).add(person.employee_number)
    kept = []
    for record in parsed.records:
        others = numbers.get((record.identity.email or "").casefold(), set()) - {record.reference.employee_number}
        if others:
            parsed.findings.append(
                RowFinding(
                    FILE, record.row, "email address", Severity.INFO, "already-known",
                    "somebody is known under this address; they stay as the HR file has them", "none needed",
                )
            )  # fmt: skip
        else:
            kept.append(record)
    parsed.records = kept


def _problem(row: Row, address: str, directory: UnitDirectory, unit: UnitPolicy) -> tuple[str, str, str, str] | None:
    if not is_email(address):
        return "email address", "bad-email", "the address is not an e-mail address", "correct it"
    if _rung(row, directory, unit) is None:
        return "grade", "unknown-grade", "the grade is not on the unit's ladder", "add it to the ladder, or correct it"
    for column, longest in (
        ("first name", LONGEST_NAME),
        ("last name", LONGEST_NAME),
        ("organisation", LONGEST_NAME),
        ("job title", _LONGEST_TITLE),
    ):
        if len(row.get(column)) > longest:
            return column, "too-long", f"the cell has more than {longest} characters", "shorten it"
    return None


def _rung(row: Row, directory: UnitDirectory, unit: UnitPolicy) -> tuple[str, int] | None:
    key = grade_key(row.get("grade"))
    rung = directory.rungs(unit).get(key)
    if rung is None and key in UK_EQUIVALENT_GRADES:
        rung = directory.rungs(unit).get(grade_key(UK_EQUIVALENT_GRADES[key].grade))
    return None if rung is None else (rung.grade, rung.rank)


def _record(row: Row, address: str, directory: UnitDirectory, unit: UnitPolicy) -> PersonRecord:
    grade, rank = _rung(row, directory, unit) or ("unknown", 0)
    return PersonRecord(
        file=FILE,
        row=row.number,
        reference=PersonReference(unit.business_unit_id, form_number(address)),
        identity=Identity(
            given_name=row.get("first name") or None,
            family_name=row.get("last name") or None,
            email=address,
            job_title=row.get("job title") or None,
        ),
        grade=grade,
        grade_rank=rank,
        team=row.get("organisation") or None,
        function=code_of(row.get("profession")),
        region=None,
        country=None,
        time_zone=unit.default_time_zone,
        languages=(),
        manager=None,
        dotted=(),
        joined_on=None,
    )
