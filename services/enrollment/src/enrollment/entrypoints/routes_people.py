"""People and their reporting lines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, allow, page, problems
from chassis.ports import NotVisible, Principal
from fastapi import APIRouter, Query
from pydantic import Field

from enrollment.application.views import LineFindingView, PeopleFilter, PersonView
from enrollment.entrypoints.acting import ActingFor, acting_unit

router = APIRouter(prefix="/v1", tags=["people"])


class LanguageBody(ResponseBody):
    """A language and how well it is spoken."""

    language: str = Field(examples=["en"])
    level: str = Field(examples=["C1"])


class PersonBody(ResponseBody):
    """A person as the HR system knows them."""

    person_id: UUID
    business_unit_id: UUID
    employee_number: str
    given_name: str | None
    family_name: str | None
    email: str | None
    job_title: str | None
    employed: bool
    grade: str
    grade_rank: int
    manager_id: UUID | None
    dotted_line_manager_ids: tuple[UUID, ...]
    team: str | None
    function: str | None
    region: str | None
    country: str | None
    time_zone: str
    languages: tuple[LanguageBody, ...]
    joined_on: date | None
    projects: tuple[str, ...] = Field(description="As unit|project.", examples=[["DE-BERLIN|atlas"]])
    reviewer_ids: tuple[UUID, ...] = Field(description="Who reviews the person's performance.")
    tenure_band: str | None = Field(description="Years with the company, as a band.", examples=["from_1_to_3"])
    version: int


class LineBody(ResponseBody):
    """Everybody above, nearest first, across units; and who of the same unit reports to the person directly, 1000 at most."""

    person_id: UUID
    manager_id: UUID | None
    dotted_line_manager_ids: tuple[UUID, ...]
    ancestor_ids: tuple[UUID, ...]
    report_ids: tuple[UUID, ...]


class LineFindingBody(ResponseBody):
    """A fault of the reporting lines: `cycle` lists everybody in it, `orphan` the one whose superior is unknown or gone."""

    finding_id: UUID
    fault: str = Field(examples=["cycle"])
    person_ids: tuple[UUID, ...]
    found_at: datetime


def person_body(person: PersonView) -> PersonBody:
    """The person as shown."""
    return PersonBody(
        person_id=person.person_id,
        business_unit_id=person.business_unit_id,
        employee_number=person.employee_number,
        given_name=person.identity.given_name,
        family_name=person.identity.family_name,
        email=person.identity.email,
        job_title=person.identity.job_title,
        employed=person.employed,
        grade=person.grade,
        grade_rank=person.grade_rank,
        manager_id=person.manager_id,
        dotted_line_manager_ids=person.dotted_line_manager_ids,
        team=person.team,
        function=person.function,
        region=person.region,
        country=person.country,
        time_zone=person.time_zone,
        languages=tuple(LanguageBody(language=skill.language, level=skill.level.value) for skill in person.languages),
        joined_on=person.joined_on,
        projects=person.projects,
        reviewer_ids=person.reviewer_ids,
        tenure_band=person.tenure_band,
        version=person.version,
    )


def _finding_body(finding: LineFindingView) -> LineFindingBody:
    return LineFindingBody.model_validate(finding)


def _only_self(principal: Principal, person_id: UUID) -> None:
    if not principal.has("program_manager", "platform_admin") and person_id != principal.person_id:
        raise NotVisible("no such person")


@router.get("/people", response_model=Page[PersonBody], responses=problems(404))
async def list_people(
    read: Read, cursor: Cursor, limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    employed: Annotated[bool | None, Query(description="Only who works here now, or only who has left.")] = None,
    grade: Annotated[str | None, Query(max_length=24)] = None,
    function: Annotated[str | None, Query(max_length=32, examples=["human_resources"])] = None,
    region: Annotated[str | None, Query(max_length=32)] = None,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
    lowest_rank: Annotated[int | None, Query(ge=0, le=1000)] = None,
    highest_rank: Annotated[int | None, Query(ge=0, le=1000)] = None,
    business_unit_id: ActingFor = None,
) -> Page[PersonBody]:  # fmt: skip
    """People of the unit. No filter takes a name, an address or an employee number: addresses of pages are logged on their way."""
    wanted = PeopleFilter(employed, grade, function, region, country, lowest_rank, highest_rank)
    unit_id = acting_unit(principal, business_unit_id)
    async with read(acting_for=unit_id) as views:
        found = await views.people(wanted, cursor, limit + 1)
    return page(found, limit=limit, key=lambda person: person.person_id, present=person_body)


@router.get("/people/{person_id}", response_model=PersonBody, responses=problems(404))
async def get_person(
    person_id: UUID, read: Read,
    principal: Annotated[Principal, allow("program_manager", "platform_admin", "participant")],
    business_unit_id: ActingFor = None,
) -> PersonBody:  # fmt: skip
    """A person of the unit; participants see themselves."""
    _only_self(principal, person_id)
    async with read(acting_for=acting_unit(principal, business_unit_id)) as views:
        return person_body(await views.person(person_id))


@router.get("/people/{person_id}/reporting-line", response_model=LineBody, responses=problems(404))
async def get_reporting_line(
    person_id: UUID, read: Read,
    principal: Annotated[Principal, allow("program_manager", "platform_admin", "participant")],
    business_unit_id: ActingFor = None,
) -> LineBody:  # fmt: skip
    """Everybody above a person, and who reports to them; participants see their own line."""
    _only_self(principal, person_id)
    async with read(acting_for=acting_unit(principal, business_unit_id)) as views:
        return LineBody.model_validate(await views.line(person_id))


@router.get("/reporting-lines/findings", response_model=Page[LineFindingBody], responses=problems(404))
async def list_line_findings(
    read: Read, cursor: Cursor, limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "platform_admin")],
    business_unit_id: ActingFor = None,
) -> Page[LineFindingBody]:  # fmt: skip
    """Cycles and orphans of the reporting lines that concern the unit, as of the last import."""
    async with read(acting_for=acting_unit(principal, business_unit_id)) as views:
        found = await views.line_findings(cursor, limit + 1)
    return page(found, limit=limit, key=lambda finding: finding.finding_id, present=_finding_body)
