"""Screening and admission of many candidates in one call."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from chassis.http import RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import InvalidInput, Principal
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.decide_admission import DecideAdmission
from enrollment.application.decide_admissions import (
    AdmitEverybody,
    DecideAdmissions,
    admit_everybody,
    decide_admissions,
)
from enrollment.application.row_report import MOST_ROWS, RowReport
from enrollment.application.screen_candidate import ScreenCandidate
from enrollment.application.screen_candidates import ScreenCandidates, screen_candidates
from enrollment.domain.participations import LONGEST_NOTES, Decision

router = APIRouter(prefix="/v1", tags=["participations"])

LARGEST_SCREENINGS = 8 * 1024 * 1024
"""Bytes of a body with the longest notes for everybody."""
CheckOnly = Annotated[bool, Query(description="Report, and apply nothing.")]
_WHO = "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"


class ScreeningRow(RequestBody):
    """The result of one screening. Notes are seen by the host unit's program managers only."""

    participation_id: UUID
    passed: bool
    notes: str | None = Field(
        default=None, max_length=4 * LONGEST_NOTES, description=f"{LONGEST_NOTES} characters at most."
    )


class ScreeningsBody(RequestBody):
    """The results of screenings, each candidate once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"rows": [{"participation_id": _WHO, "passed": True, "notes": "Has the time."}]}]
        }
    )

    rows: tuple[ScreeningRow, ...] = Field(min_length=1, max_length=MOST_ROWS)


class AdmissionRow(RequestBody):
    """The decision about one candidate; `priority` is 1, 2 or 3, left out as for a single decision."""

    participation_id: UUID
    decision: Decision
    priority: int | None = Field(default=None, ge=-100, le=100, examples=[2])


class AdmissionsBody(RequestBody):
    """Either decisions about named candidates, or `everybody`: whoever has passed the screening, as far as there are places."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"rows": [{"participation_id": _WHO, "decision": "admit"}]},
                {"everybody": True, "priority": 2},
            ]
        }
    )

    rows: tuple[AdmissionRow, ...] = Field(default=(), max_length=MOST_ROWS)
    everybody: bool = False
    priority: int | None = Field(default=None, ge=1, le=3, description="With `everybody`: the class of all of them.")


class RowFindingBody(ResponseBody):
    """Why a row was not applied, and what to do about it."""

    row: int = Field(description="Counted from 1.", examples=[17])
    field: str | None = Field(examples=["participation_id"])
    code: str = Field(examples=["named-twice"])
    message: str
    remedy: str


class RowReportBody(ResponseBody):
    """What became of the rows: those in error were not applied, all others were applied whole, in one transaction."""

    cohort_id: UUID
    rows_read: int
    applied: int = Field(description="How many rows were applied, or would be.")
    check_only: bool
    findings: tuple[RowFindingBody, ...]
    remaining: int | None = Field(
        description="With `everybody`: how many are left who have passed the screening; null otherwise."
    )


def _report(report: RowReport) -> RowReportBody:
    return RowReportBody(
        cohort_id=report.cohort_id,
        rows_read=report.rows_read,
        applied=report.applied,
        check_only=report.check_only,
        findings=tuple(RowFindingBody.model_validate(finding) for finding in report.findings),
        remaining=report.remaining,
    )


@router.post(
    "/cohorts/{cohort_id}/screenings",
    response_model=RowReportBody,
    responses=problems(404, 409, 413, 422),
    max_body_size=LARGEST_SCREENINGS,
)
async def screenings_route(
    cohort_id: UUID,
    body: ScreeningsBody,
    write: Write,
    principal: Annotated[Principal, allow("program_manager")],
    check_only: CheckOnly = False,
) -> Response:
    """Record the results of many screenings at once."""
    rows = tuple(ScreenCandidate(row.participation_id, row.passed, row.notes) for row in body.rows)
    return await write(
        lambda uow: screen_candidates(ScreenCandidates(cohort_id, rows, check_only), uow), present=_report
    )


@router.post("/cohorts/{cohort_id}/admissions", response_model=RowReportBody, responses=problems(404, 409, 413, 422))
async def admissions_route(
    cohort_id: UUID,
    body: AdmissionsBody,
    write: Write,
    principal: Annotated[Principal, allow("program_manager")],
    check_only: CheckOnly = False,
) -> Response:
    """Admit, waitlist or decline many candidates at once, in the order of the waitlist whatever the order of the rows."""
    if body.everybody == bool(body.rows):
        remedy = "name candidates in `rows`, or say `everybody` and name none"
        raise InvalidInput("either rows or everybody", field="rows", remedy=remedy)
    if body.everybody:
        return await write(
            lambda uow: admit_everybody(AdmitEverybody(cohort_id, body.priority, check_only), uow), present=_report
        )
    if body.priority is not None:
        raise InvalidInput("a class for all goes with everybody", field="priority", remedy="give each row its own")
    rows = tuple(DecideAdmission(row.participation_id, cohort_id, row.decision, row.priority) for row in body.rows)
    return await write(
        lambda uow: decide_admissions(DecideAdmissions(cohort_id, rows, check_only), uow), present=_report
    )
