"""The UK public sector's organogram: senior posts, one row a post, and junior posts, one row a group of posts.

A post is not a person. A vacant or eliminated post employs nobody, and lines run through it to the next post that is held; a post
with several rows that are held is shared. A junior row stands for as many people as its full-time equivalents, rounded up.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

from chassis.ports import InvalidInput

from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.grades import UK_EQUIVALENT_GRADES, GradeRung, grade_key, grade_label
from enrollment.domain.parsed_file import ParsedFile, report_columns
from enrollment.domain.people import Identity, PersonRecord, PersonReference, UnitDirectory, UnitPolicy, code_of
from enrollment.domain.tabular import Row, Table, read_table
from enrollment.domain.updraft_csv import is_email

SENIOR, JUNIOR = "senior", "junior"
MOST_POSTS_A_ROW = 20_000
TOP = frozenset({"xx", ""})
UNSAID = frozenset({"", "n/d", "nd", "n/a", "na", "n.d.", "n.a.", "not disclosed", "undisclosed"})
EMPTY_POST = {"vacant": "vacant", "eliminated": "eliminated"}
_QUOTES = "'\"‘’“” ."
_SENIOR_COLUMNS = {
    "post unique reference": "post", "name": "name", "grade": "grade", "grade (or equivalent)": "grade", "job title": "title",
    "parent department": "department", "organisation": "organisation", "unit": "unit", "contact e-mail": "email",
    "reports to senior post": "superior", "professional/occupational group": "profession",
}  # fmt: skip
_JUNIOR_COLUMNS = {
    "parent department": "department", "organisation": "organisation", "unit": "unit",
    "reporting senior post": "superior", "grade": "grade", "generic job title": "title", "number of posts in fte": "posts",
    "professional/occupational group": "profession",
    "payscale minimum (£)": "pay_low", "payscale maximum (£)": "pay_high",
}  # fmt: skip
_REQUIRED = {
    SENIOR: ("post", "name", "grade", "superior", "department"),
    JUNIOR: ("superior", "grade", "posts", "department"),
}
_REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,23}")


@dataclass(slots=True)
class _Post:
    """A senior post of a department and the rows that describe it."""

    department: str
    reference: str
    rows: list[Row] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)
    superior: str = ""


class _Posts:
    """Posts by department and reference. Leading zeros and case only matter where two posts differ by nothing else."""

    def __init__(self) -> None:
        self.exact: dict[tuple[str, str], _Post] = {}
        self.loose: dict[tuple[str, str], list[_Post]] = defaultdict(list)

    def add(self, department: str, reference: str) -> _Post:
        key = (department, reference)
        if key not in self.exact:
            self.exact[key] = _Post(department, reference)
            self.loose[department, _loosen(reference)].append(self.exact[key])
        return self.exact[key]

    def find(self, department: str, reference: str) -> _Post | None:
        found = self.exact.get((department, reference))
        if found is None:
            alike = self.loose.get((department, _loosen(reference)), [])
            found = alike[0] if len(alike) == 1 else None
        return found


def _loosen(reference: str) -> str:
    return reference.upper().lstrip("0") or "0"


def _pay(row: Row) -> float | None:
    try:
        value = (float(row.get("pay_low").replace(",", "")) + float(row.get("pay_high").replace(",", ""))) / 2
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None


def _slug(text: str) -> str:
    return (code_of(text) or "department").replace("_", "-")[:24].strip("-")


def _read(data: bytes, file: str, columns: dict[str, str], parsed: ParsedFile) -> tuple[Table, list[Row]]:
    table = read_table(data, file)
    names = {heading: columns[heading.casefold()] for heading in table.headings if heading.casefold() in columns}
    missing = [name for name in _REQUIRED[file] if name not in names.values()]
    if missing:
        wanted = [heading for heading, name in columns.items() if name in missing]
        raise InvalidInput(
            f"the {file} file lacks {', '.join(wanted)}",
            field=file,
            remedy="send the organogram's own files, headings included",
        )
    parsed.findings += table.findings
    # The pay scale of a junior row tells its groups apart, places grades no ladder knows, and is forgotten: so it counts as refused.
    kept = frozenset(columns) - {"payscale minimum (£)", "payscale maximum (£)"}
    parsed.findings += report_columns(file, table.headings, kept)
    parsed.rows_read += len(table.rows) + sum(f.severity is Severity.ERROR for f in table.findings)
    return table, [
        Row(row.number, {names[h]: cell for h, cell in row.cells.items() if h in names}) for row in table.rows
    ]


class _Reader:
    def __init__(self, unit: UnitPolicy, directory: UnitDirectory) -> None:
        self.unit = unit
        self.rungs = directory.rungs(unit)
        self.parsed = ParsedFile(unit_ids={unit.business_unit_id})
        self.posts = _Posts()
        self.grades_reported: set[tuple[str, int]] = set()
        self.pay_of_rank: dict[int, float] = {}

    def note(
        self, file: str, row: int, column: str | None, severity: Severity, code: str, message: str, remedy: str
    ) -> None:
        self.parsed.findings.append(RowFinding(file, row, column, severity, code, message, remedy))

    def reference(self, department: str, *parts: str) -> PersonReference:
        return PersonReference(self.unit.business_unit_id, ":".join((_slug(department), *parts)))

    def ranked(self, label: str) -> GradeRung | None:
        """The grade by the unit's ladder, else by the civil service's published equivalents."""
        key = grade_key(label.strip(_QUOTES))
        return self.rungs.get(key) or UK_EQUIVALENT_GRADES.get(key)

    def learn_pay(self, juniors: list[Row]) -> None:
        """Remember the middle pay scale of each ranked grade, to place grades that no ladder knows."""
        scales: dict[int, list[float]] = defaultdict(list)
        for row in juniors:
            rung, pay = self.ranked(row.get("grade")), _pay(row)
            if rung is not None and pay is not None:
                scales[rung.rank].append(pay)
        self.pay_of_rank = {rank: median(values) for rank, values in scales.items()}

    def grade(self, file: str, row: Row) -> tuple[str, int]:
        """The row's grade and rank: by the unit's ladder, by equivalence, by pay scale, else rank 0; all but the first reported."""
        label = row.get("grade").strip(_QUOTES)
        rung = self.rungs.get(grade_key(label))
        if rung is not None:
            return rung.grade, rung.rank
        known = UK_EQUIVALENT_GRADES.get(grade_key(label))
        pay = _pay(row)
        if known is not None:
            rank = known.rank
            found = (
                Severity.INFO,
                "grade-by-equivalence",
                f"the grade is not on the unit's ladder; taken as {known.grade}, rank {rank}",
            )
        elif pay is not None and self.pay_of_rank:
            rank = min(self.pay_of_rank, key=lambda candidate: (abs(self.pay_of_rank[candidate] - pay), candidate))
            found = (
                Severity.WARNING,
                "grade-by-pay-scale",
                f"the grade is on no known ladder; its pay scale is nearest to rank {rank}",
            )
        else:
            rank = 0
            found = (
                Severity.WARNING,
                "unranked-grade",
                "the grade is on no known ladder and has no pay scale; taken as rank 0",
            )
        if (label, rank) not in self.grades_reported:
            self.grades_reported.add((label, rank))
            severity, code, message = found
            self.note(
                file, row.number, "Grade", severity, code, f"{message}, here and wherever else that holds",
                "register the grade with the unit to decide its rank",
            )  # fmt: skip
        return grade_label(label), rank

    def read_senior(self, rows: list[Row]) -> None:
        for row in rows:
            reference = row.get("post").upper()
            if not _REFERENCE.fullmatch(reference):
                self.parsed.unidentified.add(self.unit.business_unit_id)
                self.note(
                    SENIOR, row.number, "Post Unique Reference", Severity.ERROR, "bad-post-reference", "the post has no usable reference",
                    "1 to 24 letters, digits and . _ / -",
                )  # fmt: skip
                continue
            post = self.posts.add(row.get("department"), reference)
            post.rows.append(row)
            state = EMPTY_POST.get(row.get("name").strip(_QUOTES).casefold())
            if state is None:
                post.held.append(row)
                post.superior = post.superior or row.get("superior").upper()
            else:
                self.note(
                    SENIOR, row.number, "Name", Severity.INFO, f"{state}-post", f"the post is {state}: nobody to import; lines run through",
                    "none needed",
                )  # fmt: skip
        for post in self.posts.exact.values():
            # The superior of a row that is held counts before that of one that is not.
            post.superior = post.superior or post.rows[0].get("superior").upper()
            if len(post.held) > 1:
                for row in post.held[1:]:
                    self.note(
                        SENIOR, row.number, "Post Unique Reference", Severity.WARNING, "shared-post",
                        f"{len(post.held)} people hold this post; its reports get the first as superior, the others as dotted lines",
                        "correct the reference if the post is not shared",
                    )  # fmt: skip

    def superiors(self, file: str, row: Row, department: str, named: str) -> tuple[tuple[PersonReference, ...], bool]:
        """Who holds the post `named`, or the next held post above it; and whether a superior was named at all."""
        walked: set[str] = set()
        while named.casefold() not in TOP and named.casefold() not in UNSAID:
            post = self.posts.find(department, named)
            column = "Reports to Senior Post" if file == SENIOR else "Reporting Senior Post"
            if post is None:
                self.note(
                    file, row.number, column, Severity.WARNING, "unknown-superior",
                    "no row of the senior file has this reference; imported without a superior", "add the post, or correct the reference",
                )  # fmt: skip
                return (), True
            if post.held:
                return self.holders(post), True
            if post.reference in walked:
                self.note(
                    file, row.number, column, Severity.WARNING, "empty-cycle", "the line runs in a circle of posts that nobody holds",
                    "correct the references",
                )  # fmt: skip
                return (), True
            walked.add(post.reference)
            named = post.superior
        return (), bool(walked)

    def holders(self, post: _Post) -> tuple[PersonReference, ...]:
        return tuple(
            self.reference(post.department, post.reference, *([str(index)] if index > 1 else []))
            for index in range(1, len(post.held) + 1)
        )

    def seniors(self) -> None:
        for post in self.posts.exact.values():
            for own, row in zip(self.holders(post), post.held, strict=True):
                named = row.get("superior").upper() or post.superior
                above: tuple[PersonReference, ...] = ()
                has_superior = True
                target = self.posts.find(post.department, named)
                if target is post:
                    self.note(
                        SENIOR, row.number, "Reports to Senior Post", Severity.WARNING, "reports-to-self",
                        "the post reports to itself; imported without a superior", "name the superior, or XX at the top",
                    )  # fmt: skip
                    has_superior = False
                else:
                    above, has_superior = self.superiors(SENIOR, row, post.department, named)
                    above = tuple(reference for reference in above if reference.key != own.key)
                self.parsed.records.append(self.senior(own, row, above, has_superior, named))

    def senior(
        self, own: PersonReference, row: Row, above: tuple[PersonReference, ...], has_superior: bool, named: str
    ) -> PersonRecord:
        email = row.get("email")
        if email.casefold() in UNSAID:
            email = ""
        elif not is_email(email):
            self.note(
                SENIOR, row.number, "Contact E-mail", Severity.WARNING, "bad-email", "not an e-mail address; imported without one",
                "correct it, or write N/D",
            )  # fmt: skip
            email = ""
        name = row.get("name").strip(_QUOTES)
        given, _, family = name.rpartition(" ") if name.casefold() not in UNSAID else ("", "", "")
        identity = Identity(given[:120] or None, family[:120] or None, email or None, row.get("title")[:200] or None)
        grade, rank = self.grade(SENIOR, row)
        return self.record(SENIOR, row, own, identity, grade, rank, above, has_superior, named)

    def record(
        self, file: str, row: Row, own: PersonReference, identity: Identity, grade: str, rank: int,
        above: tuple[PersonReference, ...], has_superior: bool, named: str,
    ) -> PersonRecord:  # fmt: skip
        # A department that names one unit only says nothing by it: its teams are then those who report to one post.
        team = row.get("unit") if self.several_units else f"reports to {_loosen(named)}"
        return PersonRecord(
            file=file, row=row.number, reference=own, identity=identity, grade=grade, grade_rank=rank, team=team[:120] or None,
            function=code_of(row.get("profession")), region=None, country="GB", time_zone=self.unit.default_time_zone, languages=(),
            manager=above[0] if above else None, dotted=above[1:], joined_on=None, manager_named=has_superior,
        )  # fmt: skip

    several_units: bool = True

    def juniors(self, rows: list[Row]) -> None:
        numbered: Counter[tuple[str, str, str]] = Counter()
        for row in rows:
            count = self.post_count(row)
            named = row.get("superior").upper()
            department = row.get("department")
            # Stable across exports: the group's own words, and a running number within it.
            words = "|".join(
                row.get(name).casefold() for name in ("unit", "grade", "title", "profession", "pay_low", "pay_high")
            )
            group = hashlib.sha256(words.encode()).hexdigest()[:10]
            place = self.posts.find(department, named)
            anchor = place.reference if place else (named if _REFERENCE.fullmatch(named) else "NOPOST")
            if count is None:
                self.parsed.unidentified.add(self.unit.business_unit_id)
                continue
            above, has_superior = self.superiors(JUNIOR, row, department, named)
            grade, rank = self.grade(JUNIOR, row)
            identity = Identity(job_title=row.get("title")[:200] or None)
            for _ in range(count):
                numbered[department, anchor, group] += 1
                own = self.reference(department, anchor, f"j-{group}", str(numbered[department, anchor, group]))
                self.parsed.records.append(
                    self.record(JUNIOR, row, own, identity, grade, rank, above, has_superior, anchor)
                )

    def post_count(self, row: Row) -> int | None:
        """How many people the row stands for: its full-time equivalents rounded up; None when the row is in error."""
        text = row.get("posts").replace(",", "")
        if text.casefold() in UNSAID:
            self.note(
                JUNIOR, row.number, "Number of Posts in FTE", Severity.WARNING, "missing-fte", "no number of posts; taken as one",
                "fill in the full-time equivalents",
            )  # fmt: skip
            return 1
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= MOST_POSTS_A_ROW:
            self.note(
                JUNIOR, row.number, "Number of Posts in FTE", Severity.ERROR, "bad-fte",
                f"the number of posts is not a number above 0 and up to {MOST_POSTS_A_ROW}", "fill in the full-time equivalents",
            )  # fmt: skip
            return None
        return math.ceil(value)


def parse_uk_organogram(senior: bytes, junior: bytes | None, directory: UnitDirectory, unit: UnitPolicy) -> ParsedFile:
    """Read one department's senior file and, if given, its junior file into people of `unit`.

    Employee numbers are made of what the files hold, so that the next edition finds the same people: `home-office:4PO01` is the (first)
    holder of post 4PO01, `home-office:4PO01:2` the second, `home-office:1PO01:j-<group>:3` the third of a junior group reporting to 1PO01.
    Raises InvalidInput when a file as a whole cannot be read or lacks a required column.
    """
    reader = _Reader(unit, directory)
    senior_table, senior_rows = _read(senior, SENIOR, _SENIOR_COLUMNS, reader.parsed)
    junior_table, junior_rows = (
        _read(junior, JUNIOR, _JUNIOR_COLUMNS, reader.parsed) if junior is not None else (None, [])
    )
    if any(f.severity is Severity.ERROR for table in (senior_table, junior_table) if table for f in table.findings):
        reader.parsed.unidentified.add(unit.business_unit_id)
    reader.several_units = len({row.get("unit") for row in (*senior_rows, *junior_rows)}) > 1
    reader.learn_pay(junior_rows)
    reader.read_senior(senior_rows)
    reader.seniors()
    reader.juniors(junior_rows)
    return reader.parsed
