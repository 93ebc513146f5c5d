"""Applications made elsewhere: sending them in one file, and the report about every row."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import InvalidInput, Principal
from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import Response
from pydantic import Field, ValidationError

from enrollment.application.import_applications import ImportApplications, ImportReport, import_applications
from enrollment.domain.application_file import MOST_APPLICATIONS, ApplicationDialect, FormMapping, read_applications
from enrollment.domain.participations import Role
from enrollment.entrypoints.routes_imports import FindingBody

router = APIRouter(prefix="/v1", tags=["participations"])
LARGEST_FILE = 4 * 1024 * 1024
Topic = Annotated[str, Field(max_length=131)]
Profession = Annotated[str, Field(min_length=1, max_length=120)]


class MappingBody(RequestBody):
    """What holds for all rows: the topics each profession stands for, and what rows leave unsaid."""

    topics: dict[Profession, tuple[Topic, ...]] = Field(
        default_factory=dict, max_length=200, examples=[{"DDaT": ["technology.data"]}]
    )
    offered_level: int = Field(default=4, ge=1, le=5)
    asked_level: int = Field(default=3, ge=1, le=5)
    languages: str = Field(default="", max_length=120, examples=["en:C2"])
    time_zone: str = Field(default="", max_length=64, examples=["Europe/London"])
    hours: str = Field(default="", max_length=11, examples=["09:00-17:30"])


class ImportReportBody(ResponseBody):
    """What became of the file: rows in error were not applied, all others were applied whole, in one transaction."""

    cohort_id: UUID
    rows_read: int
    applied: int = Field(description="How many rows were applied, or would be.")
    check_only: bool
    findings: tuple[FindingBody, ...]


def _report(report: ImportReport) -> ImportReportBody:
    return ImportReportBody(
        cohort_id=report.cohort_id,
        rows_read=report.rows_read,
        applied=report.applied,
        check_only=report.check_only,
        findings=tuple(FindingBody.model_validate(finding) for finding in report.findings),
    )


def _mapping(text: str | None) -> FormMapping:
    try:
        body = MappingBody() if text is None else MappingBody.model_validate_json(text)
    except ValidationError as problem:
        place = ".".join(str(step) for step in problem.errors(include_input=False, include_url=False)[0]["loc"])
        raise InvalidInput(
            "the mapping is not as it should be",
            field=f"mapping.{place}" if place else "mapping",
            remedy='send JSON such as {"topics": {"DDaT": ["technology.data"]}, "languages": "en:C2"}',
        ) from None
    return FormMapping(
        topics={profession.casefold(): topics for profession, topics in body.topics.items()},
        offered_level=body.offered_level,
        asked_level=body.asked_level,
        languages=body.languages,
        time_zone=body.time_zone,
        hours=body.hours,
    )


@router.post(
    "/cohorts/{cohort_id}/applications/import",
    response_model=ImportReportBody,
    responses=problems(404, 409, 413, 422),
    max_body_size=LARGEST_FILE,
)
async def import_applications_route(
    cohort_id: UUID,
    read: Read,
    write: Write,
    principal: Annotated[Principal, allow("program_manager")],
    applications: Annotated[UploadFile, File(description=f"The file, {MOST_APPLICATIONS} rows at most.")],
    mapping: Annotated[str | None, Form(max_length=65_536, description="What holds for all rows, as JSON.")] = None,
    dialect: Annotated[ApplicationDialect, Query(description="What kind of file it is.")] = (
        ApplicationDialect.UPDRAFT_CSV
    ),
    role: Annotated[Role | None, Query(description="mentoring_form: the side of everybody in the file.")] = None,
    check_only: Annotated[bool, Query(description="Report, and apply nothing.")] = False,
) -> Response:
    """Bring in applications that people of one's own unit have made elsewhere. Life experience is never taken this way."""
    data = await applications.read()
    held = await asyncio.to_thread(read_applications, data, dialect, _mapping(mapping), role)
    async with read() as views:
        cohort = await views.cohort(cohort_id, principal)
        employees = await views.employees(
            {each.number for each in held.applications if each.number is not None},
            {each.address for each in held.applications if each.address is not None},
        )
    if principal.business_unit_id is None:
        raise InvalidInput("say for which unit", field="business_unit_id", remedy="act as a unit's program manager")
    command = ImportApplications(cohort_id, principal.business_unit_id, held, employees, check_only)
    return await write(
        lambda uow: import_applications(command, uow), present=_report, acting_for=cohort.business_unit_id
    )
