"""What an import has to say about a row: where, what, how bad, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`error`: the row is not applied. `warning`: applied, the named field empty or defaulted. `info`: applied as it stands."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One line of the report. Never quotes a cell that could hold personal data.

    `row` counts records of the file from 1, the header being row 1, as a spreadsheet shows them; `field` is the column's
    own heading, absent when the whole row is meant; `code` is kebab-case and stable.
    """

    file: str
    row: int
    field: str | None
    severity: Severity
    code: str
    message: str
    remedy: str
