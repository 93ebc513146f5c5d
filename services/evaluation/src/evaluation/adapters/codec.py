"""A report out of its JSON text."""

from __future__ import annotations

from pydantic import TypeAdapter

from evaluation.domain.report import CohortReport

_REPORTS: TypeAdapter[CohortReport] = TypeAdapter(CohortReport)


def from_json(text: str | bytes) -> CohortReport:
    """The report that `to_json` wrote; pydantic's ValidationError when it is none."""
    return _REPORTS.validate_json(text)
