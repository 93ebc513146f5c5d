"""Reading a delimited file of unknown upbringing: encodings, blank headings, stray blanks and line breaks in cells."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.ports import InvalidInput

from enrollment.domain.findings import RowFinding, Severity

MOST_ROWS = 500_000
LONGEST_CELL = 10_000
MOST_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number as a spreadsheet shows it (the header is 1) and its cells by heading, cleaned."""

    number: int
    cells: Mapping[str, str]

    def get(self, heading: str) -> str:
        """The cleaned cell, empty when the column is absent."""
        return self.cells.get(heading, "")


@dataclass(slots=True)
class Table:
    """A file's headings, its well-shaped rows, and findings about the rows that are not."""

    file: str
    headings: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    findings: list[RowFinding] = field(default_factory=list)


def clean(cell: str) -> str:
    """A cell without line breaks, no-break and doubled blanks, and invisible format characters; NFC."""
    if cell.isascii() and cell.isprintable():
        return " ".join(cell.split())
    if not cell.isprintable():
        cell = "".join(" " if ch.isspace() else ch for ch in cell if ch.isspace() or unicodedata.category(ch)[0] != "C")
    return unicodedata.normalize("NFC", " ".join(cell.split()))


def _decode(data: bytes, file: str) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput("the file is neither UTF-8 nor Windows-1252 text", field=file, remedy="save it as CSV in UTF-8")


def read_table(data: bytes, file: str) -> Table:
    """Read a CSV file (comma, semicolon or tab) into a table.

    `file` names the upload in findings (`people`, `senior`, `junior`). Rows with another number of cells than the header, or with a cell
    over 10,000 characters, become error findings. Blank rows are skipped but counted. A blank heading gets none of its cells kept.
    Raises InvalidInput when there is no header, it names a column twice, or the file has too many rows.
    """
    text = _decode(data, file)
    if "\x00" in text:
        raise InvalidInput("the file holds NUL characters", field=file, remedy="save it as CSV in UTF-8")
    first_line = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        header = [clean(cell) for cell in next(reader)]
    except StopIteration:
        raise InvalidInput("the file is empty", field=file, remedy="send a header and at least one row") from None
    named = [heading for heading in header if heading]
    if not named or len(header) > MOST_COLUMNS:
        raise InvalidInput(
            "the first row names no columns, or too many", field=file, remedy="put the headings into the first row"
        )
    if len({h.casefold() for h in named}) != len(named):
        raise InvalidInput("the header names a column twice", field=file, remedy="give each column its own heading")
    table = Table(file=file, headings=tuple(header))
    if len(named) < len(header):
        table.findings.append(
            RowFinding(
                file,
                1,
                None,
                Severity.INFO,
                "blank-heading",
                "a column without heading is ignored",
                "name the column if it matters",
            )
        )
    number = 1
    while True:
        number += 1
        if number > MOST_ROWS + 1:
            raise InvalidInput(
                f"the file has more than {MOST_ROWS} rows", field=file, remedy="split it by business unit"
            )
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            table.findings.append(
                RowFinding(
                    file,
                    number,
                    None,
                    Severity.ERROR,
                    "unreadable-row",
                    "the row cannot be read as CSV",
                    "check its quotes",
                )
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header) or any(len(cell) > LONGEST_CELL for cell in cells):
            table.findings.append(
                RowFinding(
                    file, number, None, Severity.ERROR, "misshapen-row",
                    f"the row has {len(cells)} cells where the header has {len(header)}, or one is too long",
                    "check its quotes and delimiters",
                )
            )  # fmt: skip
            continue
        table.rows.append(
            Row(number, {heading: clean(cell) for heading, cell in zip(header, cells, strict=True) if heading})
        )
    return table
