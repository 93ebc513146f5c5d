"""What became of many decisions that came in one request: rows in error are refused one by one, all others are applied whole."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from chassis.ports import Rejection

from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.participations import Participation

MOST_ROWS = 1_000
PUBLISHED_AT_ONCE = 50


class AboutParticipation(Protocol):
    """A row of a request."""

    @property
    def participation_id(self) -> UUID:
        """Whom it is about."""


@dataclass(frozen=True, slots=True)
class RowReport:
    """How many rows there were, how many were applied (or would be), and what is wrong with the others, in their order.

    `remaining` is how many candidates could still be admitted by the rules, where somebody asked for all of them.
    """

    cohort_id: UUID
    rows_read: int
    applied: int
    check_only: bool
    findings: tuple[RowFinding, ...]
    remaining: int | None = None


@dataclass(slots=True)
class RowFindings:
    """The findings of one request; rows are counted from 1."""

    name: str
    found: list[RowFinding] = field(default_factory=list)

    def refuse(self, row: int, problem: Rejection) -> None:
        """A rule does not allow the row."""
        remedy = problem.remedy or "leave the row out"
        self._add(row, problem.field, problem.code, problem.detail, remedy)

    def about(
        self, rows: Sequence[AboutParticipation], known: Collection[Participation]
    ) -> Mapping[int, Participation]:
        """The participation of each row, by the row's number; rows about nobody, or about somebody once more, are refused."""
        by_id = {participation.participation_id: participation for participation in known}
        first: dict[UUID, int] = {}
        result: dict[int, Participation] = {}
        for number, row in enumerate(rows, start=1):
            which = row.participation_id
            if which not in by_id:
                remedy = "take the id from the cohort's list of participations"
                self._add(number, "participation_id", "not-found", "no such participation in this cohort", remedy)
            elif which in first:
                message = f"row {first[which]} is already about this participation"
                self._add(number, "participation_id", "named-twice", message, "give each participation one row")
            else:
                first[which] = number
                result[number] = by_id[which]
        return result

    def in_order(self) -> tuple[RowFinding, ...]:
        """All findings, by row."""
        return tuple(sorted(self.found, key=lambda finding: finding.row))

    def _add(self, row: int, column: str | None, code: str, message: str, remedy: str) -> None:
        self.found.append(RowFinding(self.name, row, column, Severity.ERROR, code, message, remedy))


async def publish_all(participations: Sequence[Participation], uow: EnrollmentUnitOfWork) -> None:
    """One event each; other requests of this process go on between two batches."""
    for place, participation in enumerate(participations):
        if place % PUBLISHED_AT_ONCE == 0:
            await asyncio.sleep(0)
        publish_participation(participation, uow)
