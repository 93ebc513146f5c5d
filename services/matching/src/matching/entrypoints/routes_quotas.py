"""Quotas of a cohort: fair shares of scarce places."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.mode_views import MOST_QUOTAS, Quota, QuotasView, quota_of_kind, quotas_view
from matching.application.set_quotas import SetQuotas, set_quotas

router = APIRouter(prefix="/v1", tags=["quotas"])

EXAMPLE_QUOTAS: list[Any] = [
    {
        "kind": "unit_places",
        "unit_id": "01990c3e-0000-7000-8000-000000000001",
        "places": 40,
        "mentee_participation_id": None,
    },
    {
        "kind": "unit_places_at_mentee",
        "unit_id": "01990c3e-0000-7000-8000-000000000001",
        "places": 1,
        "mentee_participation_id": "01990c3e-0000-7000-8000-000000000009",
    },
]


class QuotaLimitBody(RequestBody):
    """One limit: at most so many places for the mentors of one unit, in all or at one mentee."""

    kind: str = Field(
        max_length=40,
        description="unit_places or unit_places_at_mentee; no other limit keeps a result provably optimal.",
    )
    unit_id: UUID = Field(description="The business unit of the mentors.")
    places: int = Field(ge=0, le=100_000)
    mentee_participation_id: UUID | None = None


class SetQuotasBody(RequestBody):
    """All limits of the cohort; they replace those there were. With limits it has at most 2,500,000 possible pairs."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quotas": EXAMPLE_QUOTAS}]})

    quotas: tuple[QuotaLimitBody, ...] = Field(max_length=MOST_QUOTAS)


class QuotaBody(ResponseBody):
    """One limit."""

    kind: str
    unit_id: UUID
    places: int
    mentee_participation_id: UUID | None


class QuotasBody(ResponseBody):
    """The limits of a cohort."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"cohort_id": "01990c3e-0000-7000-8000-000000000003", "quotas": EXAMPLE_QUOTAS, "version": 1}]
        }
    )

    cohort_id: UUID
    quotas: tuple[QuotaBody, ...]
    version: int = Field(description="0 before there were any.")


def quotas_body(view: QuotasView) -> QuotasBody:
    """Quotas for who runs the cohort."""
    return QuotasBody.model_validate(view)


def quotas_of(limits: tuple[QuotaLimitBody, ...]) -> tuple[Quota, ...]:
    """The limits of a body. InvalidInput when one is of no allowed kind."""
    return tuple(
        quota_of_kind(place, limit.kind, limit.unit_id, limit.places, limit.mentee_participation_id)
        for place, limit in enumerate(limits)
    )


@router.put("/cohorts/{cohort_id}/quotas", response_model=QuotasBody, responses=problems(404, 409, 412))
async def set_quotas_route(
    cohort_id: UUID, body: SetQuotasBody, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Set the limits of a cohort; they count from its next run on."""
    expected = write.expected_version
    return await write(
        lambda uow: set_quotas(SetQuotas(cohort_id, quotas_of(body.quotas), expected), uow),
        present=lambda quotas: quotas_body(quotas_view(quotas)),
    )


@router.get("/cohorts/{cohort_id}/quotas", response_model=QuotasBody, responses=problems(404))
async def get_quotas_route(
    cohort_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> QuotasBody:
    """The limits of a cohort."""
    async with read() as views:
        return quotas_body(await views.quotas(cohort_id, principal))
