"""The fairness and governance pack of a released run, for the program managers of the unit that owns it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Read, ResponseBody, allow, problems
from chassis.ports import Principal
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from pydantic import ConfigDict, Field

from matching.application.views import PackView
from matching.entrypoints.governance_page import page_of
from matching.entrypoints.governance_table import table_of

router = APIRouter(prefix="/v1", tags=["runs"])

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_EXAMPLE_ID = "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69"


class PackBody(ResponseBody):
    """What a works council needs to judge a run; docs/matching-governance.md says how each figure is made.

    Computed once after the release and kept as it is. Nothing in it is about fewer people than `threshold`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "format": 1,
                    "run_id": _EXAMPLE_ID,
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "program_id": "01990c3e-0000-7000-8000-000000000002",
                    "business_unit_id": "01990c3e-0000-7000-8000-000000000001",
                    "released_at": "2027-01-04T09:00:02+00:00",
                    "computed_at": "2027-01-04T09:00:03+00:00",
                    "threshold": 5,
                    "level": 0.95,
                    "alpha": 0.05,
                    "measures": [],
                    "tests": 0,
                    "findings": [],
                    "sides": [],
                    "proxy": {"sides": []},
                    "oversight": {"people": 2},
                    "model_card": {"status": "optimal"},
                    "methods": {},
                }
            ]
        }
    )

    format: int
    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    released_at: str
    computed_at: str
    threshold: int = Field(description="No group, and nobody's complement, of fewer people is shown.")
    level: float = Field(description="Confidence of every interval.")
    alpha: float = Field(description="The chance of any false finding, over all tests together.")
    measures: list[dict[str, Any]]
    tests: int = Field(description="Over how many tests p-values are corrected.")
    findings: list[dict[str, Any]] = Field(description="Groups that are worse off than everybody else who declared.")
    sides: list[dict[str, Any]] = Field(description="Coverage, fit and exposure by side, dimension and group.")
    proxy: dict[str, Any] = Field(description="Whether what matching knows tells the age band.")
    oversight: dict[str, Any] = Field(description="What people decided, as counts and references.")
    model_card: dict[str, Any]
    methods: dict[str, str] = Field(description="How figures are made, with sources.")


async def _pack(read: Read, run_id: UUID, principal: Principal) -> PackView:
    async with read() as views:
        found: PackView = await views.governance_pack(run_id, principal)
    return found


@router.get("/runs/{run_id}/governance-pack", response_model=PackBody, responses=problems(404, 409))
async def get_governance_pack_route(
    run_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """The pack as data. It stays the same to the byte."""
    found = await _pack(read, run_id, principal)
    return Response(found.text, media_type="application/json", headers={"etag": f'"{found.digest}"'})


@router.get("/runs/{run_id}/governance-pack.html", response_class=HTMLResponse, responses=problems(404, 409))
async def get_governance_pack_page_route(
    run_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """The pack as one self-contained page: no scripts, nothing loaded from elsewhere, ready to print."""
    found = await _pack(read, run_id, principal)
    headers = {"content-security-policy": _PAGE_POLICY, "etag": f'"{found.digest}-html"'}
    return HTMLResponse(page_of(json.loads(found.text)), headers=headers)


@router.get("/runs/{run_id}/governance-pack.csv", response_class=Response, responses=problems(404, 409))
async def get_governance_pack_table_route(
    run_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """The figures about groups as a table, one row a group and measure."""
    found = await _pack(read, run_id, principal)
    headers = {"etag": f'"{found.digest}-csv"', "content-disposition": f'attachment; filename="{run_id}.csv"'}
    return Response(table_of(json.loads(found.text)), media_type="text/csv; charset=utf-8", headers=headers)
