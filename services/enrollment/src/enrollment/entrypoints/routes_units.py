"""Business units and the topic tree."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import NotVisible, Principal
from contracts.identifiers import uuid7
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from enrollment.application.register_unit import RegisterUnit, register_unit
from enrollment.application.views import UnitEntry
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.grades import UK_CIVIL_SERVICE
from enrollment.domain.topics import TOPICS

router = APIRouter(prefix="/v1", tags=["business units"])


class GradeBody(RequestBody):
    """A rung of the ladder."""

    grade: str = Field(max_length=24, examples=["Grade 7"])
    rank: int = Field(
        ge=1, le=1000, description="Seniority in the order common to all units; higher is more senior.", examples=[6]
    )


class RegisterUnitBody(RequestBody):
    """A new business unit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "DE-BERLIN",
                    "display_name": "Berlin",
                    "grade_ladder": [{"grade": "Grade 7", "rank": 6}, {"grade": "Grade 6", "rank": 7}],
                    "default_time_zone": "Europe/Berlin",
                }
            ]
        }
    )

    code: str = Field(max_length=32, examples=["DE-BERLIN"])
    display_name: str | None = Field(default=None, max_length=120, examples=["Berlin"])
    grade_ladder: tuple[GradeBody, ...] = Field(
        min_length=1,
        max_length=64,
        examples=[[{"grade": rung.grade, "rank": rung.rank} for rung in UK_CIVIL_SERVICE.rungs]],
    )
    default_time_zone: str = Field(max_length=64, examples=["Europe/Berlin"])


class RungBody(ResponseBody):
    """A rung of the ladder."""

    grade: str
    rank: int


class UnitBody(ResponseBody):
    """A business unit."""

    business_unit_id: UUID
    code: str
    display_name: str
    grade_ladder: tuple[RungBody, ...]
    default_time_zone: str
    version: int


class UnitEntryBody(ResponseBody):
    """A unit in the directory."""

    business_unit_id: UUID
    code: str
    display_name: str


class TopicBody(ResponseBody):
    """A topic; `parent` is null for a root."""

    code: str = Field(examples=["technology.ai"])
    title: str
    parent: str | None


class TopicsBody(ResponseBody):
    """The topic tree, roots before their branches."""

    items: tuple[TopicBody, ...]


def unit_body(unit: BusinessUnit) -> UnitBody:
    """The unit as shown."""
    return UnitBody(
        business_unit_id=unit.business_unit_id,
        code=unit.code,
        display_name=unit.display_name,
        grade_ladder=tuple(RungBody(grade=rung.grade, rank=rung.rank) for rung in unit.ladder.rungs),
        default_time_zone=unit.default_time_zone,
        version=unit.version,
    )


@router.post("/business-units", status_code=201, response_model=UnitBody, responses=problems(409, 422))
async def register_unit_route(
    body: RegisterUnitBody, write: Write, principal: Annotated[Principal, allow("platform_admin")]
) -> Response:
    """Register a business unit with its grade ladder."""
    command = RegisterUnit(
        unit_id=uuid7(),
        code=body.code,
        display_name=body.display_name,
        grades=tuple((rung.grade, rung.rank) for rung in body.grade_ladder),
        default_time_zone=body.default_time_zone,
    )
    return await write(lambda uow: register_unit(command, uow), present=unit_body, acting_for=command.unit_id)


@router.get("/business-units", response_model=Page[UnitEntryBody])
async def list_units(
    read: Read,
    cursor: Cursor,
    limit: Limit,
    principal: Annotated[Principal, allow("platform_admin", "program_manager")],
) -> Page[UnitEntryBody]:
    """All units: administrators register people for them, program managers name them on shared cohorts."""
    async with read() as views:
        found = await views.units(cursor, limit + 1)
    return page(
        found,
        limit=limit,
        key=lambda entry: entry.unit_id,
        present=_entry_body,
    )


def _entry_body(entry: UnitEntry) -> UnitEntryBody:
    return UnitEntryBody(business_unit_id=entry.unit_id, code=entry.code, display_name=entry.display_name)


@router.get("/business-units/{business_unit_id}", response_model=UnitBody, responses=problems(404))
async def get_unit(
    business_unit_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("platform_admin", "program_manager", "facilitator", "participant")],
) -> UnitBody:
    """One's own unit; any unit for administrators."""
    if business_unit_id != principal.business_unit_id and not principal.has("platform_admin"):
        raise NotVisible("no such unit")
    async with read(acting_for=business_unit_id) as views:
        return unit_body(await views.business_unit(business_unit_id))


@router.get("/topics", response_model=TopicsBody)
async def list_topics(principal: Annotated[Principal, allow()]) -> TopicsBody:
    """The topic tree that offers and asks are chosen from."""
    return TopicsBody(
        items=tuple(TopicBody(code=topic.code, title=topic.title, parent=topic.parent) for topic in TOPICS)
    )
