"""What reading a file gives: people whose rows are whole, findings about the rest, and who must not be taken for a leaver."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.people import PersonRecord
from enrollment.domain.special_columns import refused_kind


@dataclass(slots=True)
class ParsedFile:
    """`rows_read` counts data rows. `unit_ids` are the units whose people the file lists.

    `protected` are people (unit, employee number in case-folded form) whose row is in error: absent from `records`, yet not gone.
    `unidentified` are units with a row in error that names nobody: nobody of them may be taken for a leaver.
    """

    rows_read: int = 0
    records: list[PersonRecord] = field(default_factory=list)
    findings: list[RowFinding] = field(default_factory=list)
    unit_ids: set[UUID] = field(default_factory=set)
    protected: set[tuple[UUID, str]] = field(default_factory=set)
    unidentified: set[UUID] = field(default_factory=set)

    @property
    def rows_in_error(self) -> int:
        """How many distinct rows are not applied."""
        return len({(f.file, f.row) for f in self.findings if f.severity is Severity.ERROR})


def report_columns(file: str, headings: tuple[str, ...], known: frozenset[str]) -> list[RowFinding]:
    """Findings about columns that are dropped; `known` names the others, in case-folded form."""
    findings = []
    for heading in filter(None, headings):
        if heading.casefold() in known:
            continue
        kind = refused_kind(heading)
        if kind is not None:
            findings.append(
                RowFinding(
                    file, 1, heading[:80], Severity.WARNING, "refused-column",
                    f"the column announces {kind}; it is not stored", "leave it out of the export",
                )
            )  # fmt: skip
        else:
            findings.append(
                RowFinding(
                    file,
                    1,
                    heading[:80],
                    Severity.INFO,
                    "unused-column",
                    "the column is not used and was dropped",
                    "none needed",
                )
            )
    return findings
