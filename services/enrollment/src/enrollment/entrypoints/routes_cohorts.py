"""Cohorts: opening, looking, closing enrollment."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.close_enrollment import CloseEnrollment, close_enrollment
from enrollment.application.open_cohort import OpenCohort, open_cohort
from enrollment.domain.cohorts import MOST_PLACES, Cohort

router = APIRouter(prefix="/v1", tags=["cohorts"])
SEES = ("program_manager", "facilitator", "participant")


class OpenCohortBody(RequestBody):
    """A cohort to open. Without days, enrollment lasts four weeks and the cohort starts when it closes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "program_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "title": "Spring 2026",
                    "starts_on": "2026-03-02",
                }
            ]
        }
    )

    program_id: UUID
    title: str = Field(min_length=1, max_length=120, examples=["Spring 2026"])
    named_unit_ids: tuple[UUID, ...] = Field(default=(), max_length=63, description="Other units that may send people.")
    enrollment_closes_on: date | None = None
    starts_on: date | None = None
    mentor_places: int | None = Field(default=None, ge=1, le=MOST_PLACES, description="Left out: no limit.")
    mentee_places: int | None = Field(default=None, ge=1, le=MOST_PLACES, description="Left out: no limit.")


class CohortBody(ResponseBody):
    """A cohort; enrollment, start and end are planned days until they have happened."""

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    title: str
    state: str = Field(examples=["enrolling"])
    settings_version: int
    enrollment_opens_on: date
    enrollment_closes_on: date
    starts_on: date
    ends_on: date
    mentor_places: int | None
    mentee_places: int | None
    version: int


def cohort_body(cohort: Cohort) -> CohortBody:
    """The cohort as shown."""
    return CohortBody.model_validate(cohort)


@router.post("/cohorts", status_code=201, response_model=CohortBody, responses=problems(404, 409, 422))
async def open_cohort_route(
    body: OpenCohortBody, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Open a cohort of a chartered program for enrollment."""
    command = OpenCohort(
        program_id=body.program_id,
        title=body.title,
        named_unit_ids=body.named_unit_ids,
        enrollment_closes_on=body.enrollment_closes_on,
        starts_on=body.starts_on,
        mentor_places=body.mentor_places,
        mentee_places=body.mentee_places,
    )
    return await write(lambda uow: open_cohort(command, uow), present=cohort_body)


@router.get("/cohorts", response_model=Page[CohortBody])
async def list_cohorts(
    read: Read, cursor: Cursor, limit: Limit, principal: Annotated[Principal, allow(*SEES)],
    program_id: Annotated[UUID | None, Query(description="Only cohorts of this program.")] = None,
) -> Page[CohortBody]:  # fmt: skip
    """Cohorts of the unit, and those of others that name it."""
    async with read() as views:
        found = await views.cohorts(principal, program_id, cursor, limit + 1)
    return page(found, limit=limit, key=lambda cohort: cohort.cohort_id, present=cohort_body)


@router.get("/cohorts/{cohort_id}", response_model=CohortBody, responses=problems(404))
async def get_cohort(cohort_id: UUID, read: Read, principal: Annotated[Principal, allow(*SEES)]) -> CohortBody:
    """A cohort."""
    async with read() as views:
        return cohort_body(await views.cohort(cohort_id, principal))


@router.post("/cohorts/{cohort_id}/close-enrollment", response_model=CohortBody, responses=problems(404, 409, 412))
async def close_enrollment_route(
    cohort_id: UUID, write: Write, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Nobody can apply any more; matching may begin."""
    command = CloseEnrollment(cohort_id=cohort_id, expected_version=write.expected_version)
    return await write(lambda uow: close_enrollment(command, uow), present=cohort_body)
