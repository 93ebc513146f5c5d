"""Applications that people have made elsewhere, in one file: the project's own columns, or a mentoring scheme's sign-up form.

A form knows no topics and no working hours. What its answers mean is declared by whoever imports it (`FormMapping`) and never guessed: a
profession is an offer or an ask only because the mapping says so (R2-13). Life experience is not imported: consent is the person's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import TypeVar

from chassis.ports import InvalidInput

from enrollment.domain.declarations import Channel, Declarations
from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.languages import LanguageSkill, WorkingHours, parse_languages
from enrollment.domain.parsed_file import report_columns
from enrollment.domain.participations import Application, Role
from enrollment.domain.tabular import Row, read_table
from enrollment.domain.topics import TopicLevel

FILE = "applications"
MOST_APPLICATIONS = 1_000
COLUMNS = (
    "employee_number", "role", "offers", "asks", "languages", "time_zone", "hours", "days", "capacity", "cadence_floor_days", "values",
    "style", "channels",
)  # fmt: skip
FORM_COLUMNS = ("first name", "last name", "email address", "both mentor and mentee", "grade", "profession")
_FORM_KNOWN = frozenset((*FORM_COLUMNS, "job title", "organisation"))
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
T = TypeVar("T")


class ApplicationDialect(StrEnum):
    """`updraft_csv`: one row an application. `mentoring_form`: one row a person who signed up on one side of a mentoring scheme."""

    UPDRAFT_CSV = "updraft_csv"
    MENTORING_FORM = "mentoring_form"


@dataclass(frozen=True, slots=True)
class FormMapping:
    """What the importer declares about all rows.

    `topics` are the topics each profession stands for, by case-folded profession; a mentor of the form offers them at `offered_level`, a
    mentee asks for them at `asked_level`. `languages`, `time_zone` and `hours` hold where a row says nothing.
    """

    topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    offered_level: int = 4
    asked_level: int = 3
    languages: str = ""
    time_zone: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class ReadApplication:
    """An application that was read without error. Who made it is named by `number` or by `address`, in case-folded form."""

    row: int
    number: str | None
    address: str | None
    application: Application


@dataclass(slots=True)
class ReadApplications:
    """What a file holds: whole applications, and findings about everything else."""

    rows_read: int = 0
    applications: list[ReadApplication] = field(default_factory=list)
    findings: list[RowFinding] = field(default_factory=list)

    def refuse(self, row: int, column: str | None, code: str, message: str, remedy: str) -> None:
        """Note that a row is not applied."""
        self.findings.append(RowFinding(FILE, row, column, Severity.ERROR, code, message, remedy))


def read_applications(
    data: bytes, dialect: ApplicationDialect, mapping: FormMapping, role: Role | None
) -> ReadApplications:
    """Read the file; every row becomes an application or one error finding.

    `role` is the side of everybody in a form, which does not say it itself. Raises InvalidInput when the file as a whole cannot be read,
    lacks a column, is too long, or a form comes without a role.
    """
    table = read_table(data, FILE)
    form = dialect is ApplicationDialect.MENTORING_FORM
    headings = {heading.casefold() for heading in table.headings}
    missing = [
        name for name in (("email address", "profession") if form else ("employee_number",)) if name not in headings
    ]
    if missing:
        raise InvalidInput(
            f"the header lacks {', '.join(missing)}",
            field=FILE,
            remedy=f"the columns are {', '.join(FORM_COLUMNS if form else COLUMNS)}",
        )
    if form and role is None:
        raise InvalidInput("a form does not say which side it is", field="role", remedy="add ?role=mentor or mentee")
    if len(table.rows) > MOST_APPLICATIONS:
        raise InvalidInput(
            f"the file has more than {MOST_APPLICATIONS} rows", field=FILE, remedy="send it in several files"
        )
    read = ReadApplications(len(table.rows) + sum(each.severity is Severity.ERROR for each in table.findings))
    read.findings += table.findings
    read.findings += report_columns(FILE, table.headings, _FORM_KNOWN if form else frozenset(COLUMNS))
    both = 0
    for raw in table.rows:
        row = Row(raw.number, {heading.casefold(): cell for heading, cell in raw.cells.items()})
        number, address = row.get("employee_number").casefold(), row.get("email address").casefold()
        if not (address if form else number):
            column = "email address" if form else "employee_number"
            read.refuse(row.number, column, "nobody-named", "the row does not say whose it is", "fill the cell")
            continue
        try:
            application = _of_form(row, role or Role.MENTOR, mapping) if form else _of_row(row, mapping)
        except InvalidInput as problem:
            read.refuse(
                row.number, problem.field, "bad-application", problem.detail, problem.remedy or "correct the cell"
            )
            continue
        both += row.get("both mentor and mentee").casefold() == "yes"
        read.applications.append(
            ReadApplication(row.number, None if form else number, address if form else None, application)
        )
    if both:
        read.findings.append(
            RowFinding(
                FILE, 1, "both mentor and mentee", Severity.INFO, "one-side-only",
                f"{both} people would take both sides; in one cohort everybody has one, here that of the file",
                "let them apply to another cohort for the other side",
            )
        )  # fmt: skip
    return read


def _of_row(row: Row, mapping: FormMapping) -> Application:
    role = _read("role", "mentor or mentee", lambda: Role(row.get("role").casefold()))
    style = dict(_levels(row.get("style"), "style"))
    days = _read(
        "days", "mon;tue;wed", lambda: tuple(sorted(_WEEKDAYS.index(day) + 1 for day in _parts(row.get("days"))))
    )
    return Application(
        role=role,
        offers=_topics(row.get("offers"), "offers"),
        asks=_topics(row.get("asks"), "asks"),
        languages=_languages(row.get("languages") or mapping.languages),
        time_zone=row.get("time_zone") or mapping.time_zone,
        hours=_hours(row.get("hours") or mapping.hours, days),
        capacity=_read("capacity", "1 to 3", lambda: int(row.get("capacity") or "1")),
        cadence_floor_days=_read(
            "cadence_floor_days", "14 to 42", lambda: int(row.get("cadence_floor_days") or "0") or None
        ),
        declarations=Declarations.of(
            _parts(row.get("values")),
            style,
            _read("channels", "video;phone", lambda: [Channel(part) for part in _parts(row.get("channels"))]),
        ),
    )


def _of_form(row: Row, role: Role, mapping: FormMapping) -> Application:
    topics = mapping.topics.get(row.get("profession").casefold())
    if not topics:
        raise InvalidInput(
            "the mapping says nothing about this profession",
            field="profession",
            remedy="name the profession's topics in the mapping",
        )
    level = mapping.offered_level if role is Role.MENTOR else mapping.asked_level
    named = tuple(TopicLevel(topic, level) for topic in topics)
    return Application(
        role=role,
        offers=named if role is Role.MENTOR else (),
        asks=named if role is Role.MENTEE else (),
        languages=_languages(mapping.languages),
        time_zone=mapping.time_zone,
        hours=_hours(mapping.hours, ()),
    )


def _parts(text: str) -> list[str]:
    return [part.casefold() for part in (piece.strip() for piece in text.split(";")) if part]


def _read(column: str, example: str, reader: Callable[[], T]) -> T:
    try:
        return reader()
    except ValueError:
        raise InvalidInput(f"{column} cannot be read", field=column, remedy=f"write {example}") from None


def _levels(text: str, column: str) -> list[tuple[str, int]]:
    pairs = [part.partition(":") for part in _parts(text)]
    return _read(column, "name:4;name:2", lambda: [(name.strip(), int(number)) for name, _, number in pairs])


def _topics(text: str, column: str) -> tuple[TopicLevel, ...]:
    try:
        return tuple(TopicLevel(topic, level) for topic, level in _levels(text, column))
    except InvalidInput as problem:
        raise InvalidInput(problem.detail, field=column, remedy=problem.remedy) from None


def _languages(text: str) -> tuple[LanguageSkill, ...]:
    return parse_languages(text)


def _hours(text: str, days: tuple[int, ...]) -> WorkingHours:
    def clock() -> tuple[time, time]:
        start, _, end = text.partition("-")
        return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())

    start, end = _read("hours", "09:00-17:30", clock)
    return WorkingHours(start, end, days) if days else WorkingHours(start, end)
