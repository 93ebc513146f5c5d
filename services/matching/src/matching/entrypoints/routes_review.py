"""The staged review of a completed run before its release: keep a pair, never propose it again, ask what would be if."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.mode_views import (
    MOST_CHANGES,
    MOST_QUOTAS,
    Changes,
    RejectionReason,
    ReviewVerdict,
    ReviewView,
    Weights,
    WhatIfState,
    WhatIfView,
    review_view,
    what_if_view,
)
from matching.application.review_proposal import ReviewProposal, review_proposal
from matching.application.start_what_if import StartWhatIf, start_what_if
from matching.entrypoints.routes_quotas import QuotaLimitBody, quotas_of

router = APIRouter(prefix="/v1", tags=["review"])

_PAIR: dict[str, Any] = {
    "mentor_participation_id": "01990c3e-0000-7000-8000-000000000008",
    "mentee_participation_id": "01990c3e-0000-7000-8000-000000000009",
}
_TOTALS: dict[str, Any] = {"coverage": 200, "floor": 412, "fit": 71_250, "pairs": 100}


class RejectBody(RequestBody):
    """Why the pair is rejected, as a code."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "too_close"}]})

    reason: RejectionReason


class ReviewBody(ResponseBody):
    """What stands about a mentor and a mentee of a cohort: locked, rejected, or nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    **_PAIR,
                    "verdict": "rejected",
                    "reason": "too_close",
                    "decided_at": "2027-01-04T09:00:00Z",
                }
            ]
        }
    )

    cohort_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    verdict: ReviewVerdict | None
    reason: RejectionReason | None
    decided_at: datetime | None


class PairKeyBody(RequestBody):
    """A mentor and a mentee by their participations."""

    mentor_participation_id: UUID
    mentee_participation_id: UUID


class WeightsBody(RequestBody):
    """How much each part of the score counts; only their ratios matter."""

    topics: int = Field(ge=0, le=100)
    reciprocity: int = Field(ge=0, le=100)
    distance: int = Field(ge=0, le=100)
    language: int = Field(ge=0, le=100)
    hours: int = Field(ge=0, le=100)
    values: int = Field(default=0, ge=0, le=100)
    style: int = Field(default=0, ge=0, le=100)
    preferences: int = Field(default=0, ge=0, le=100)
    channel: int = Field(default=0, ge=0, le=100)


class CapacityBody(RequestBody):
    """Another capacity of somebody."""

    participation_id: UUID
    capacity: int = Field(ge=0, le=3)


class WhatIfChangesBody(RequestBody):
    """What shall be different; what is left out stays as it was in the run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lock": [_PAIR],
                    "minimum_grade_gap": 2,
                    "capacities": [{"participation_id": _PAIR["mentor_participation_id"], "capacity": 2}],
                }
            ]
        }
    )

    lock: tuple[PairKeyBody, ...] = Field(default=(), max_length=MOST_CHANGES)
    forbid: tuple[PairKeyBody, ...] = Field(default=(), max_length=MOST_CHANGES)
    weights: WeightsBody | None = None
    minimum_grade_gap: int | None = Field(default=None, ge=0, le=20)
    capacities: tuple[CapacityBody, ...] = Field(default=(), max_length=MOST_CHANGES)
    quotas: tuple[QuotaLimitBody, ...] | None = Field(
        default=None, max_length=MOST_QUOTAS, description="Instead of the cohort's."
    )


class WhatIfBody(ResponseBody):
    """A draft of a run with changes. It is solved like a run and never released."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "what_if_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "run_id": "01990c3e-0000-7000-8000-000000000005",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "state": "completed",
                    "reason": None,
                    "result": {
                        "base": _TOTALS,
                        "draft": {**_TOTALS, "fit": 71_020},
                        "added": 1,
                        "removed": 1,
                        "pairs_added": [{**_PAIR, "score": 512}],
                        "pairs_removed": [{**_PAIR, "score": 742}],
                    },
                    "requested_at": "2027-01-04T09:00:00Z",
                    "completed_at": "2027-01-04T09:00:02Z",
                    "version": 2,
                }
            ]
        }
    )

    what_if_id: UUID
    run_id: UUID
    cohort_id: UUID
    state: WhatIfState
    reason: str | None = Field(description="Why it was refused or has failed.")
    result: Mapping[str, Any] | None = Field(
        description="Coverage (people), floor (worst score), fit (sum of scores) and pairs of both, and what differs."
    )
    requested_at: datetime
    completed_at: datetime | None
    version: int


def review_body(view: ReviewView) -> ReviewBody:
    """A verdict for who runs the cohort."""
    return ReviewBody.model_validate(view)


def what_if_body(view: WhatIfView) -> WhatIfBody:
    """A what-if for who runs the cohort."""
    return WhatIfBody.model_validate(view)


def changes_of(body: WhatIfChangesBody) -> Changes:
    """The changes of a body. InvalidInput when a quota is of no allowed kind."""
    return Changes(
        lock=tuple((pair.mentor_participation_id, pair.mentee_participation_id) for pair in body.lock),
        forbid=tuple((pair.mentor_participation_id, pair.mentee_participation_id) for pair in body.forbid),
        weights=None if body.weights is None else Weights(**body.weights.model_dump()),
        minimum_grade_gap=body.minimum_grade_gap,
        capacities={one.participation_id: one.capacity for one in body.capacities} or None,
        quotas=None if body.quotas is None else quotas_of(body.quotas),
    )


async def _reviewed(write: Write, command: ReviewProposal) -> Response:
    return await write(
        lambda uow: review_proposal(command, uow), present=lambda reviewed: review_body(review_view(*reviewed))
    )


@router.post("/runs/{run_id}/proposals/{pair_id}/lock", response_model=ReviewBody, responses=problems(404, 409))
async def lock_proposal_route(
    run_id: UUID, pair_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Keep this pair in every later run of the cohort, as long as no hard rule stands against it."""
    return await _reviewed(write, ReviewProposal(run_id, pair_id, ReviewVerdict.LOCKED))


@router.post("/runs/{run_id}/proposals/{pair_id}/rejection", response_model=ReviewBody, responses=problems(404, 409))
async def reject_proposal_route(
    run_id: UUID,
    pair_id: UUID,
    body: RejectBody,
    write: Write,
    _principal: Annotated[Principal, allow("program_manager")],
) -> Response:
    """Do not release this pair, and do not propose it again in this cohort."""
    return await _reviewed(write, ReviewProposal(run_id, pair_id, ReviewVerdict.REJECTED, body.reason))


@router.post("/runs/{run_id}/proposals/{pair_id}/reopening", response_model=ReviewBody, responses=problems(404, 409))
async def reopen_proposal_route(
    run_id: UUID, pair_id: UUID, write: Write, _principal: Annotated[Principal, allow("program_manager")]
) -> Response:
    """Take a lock or a rejection back."""
    return await _reviewed(write, ReviewProposal(run_id, pair_id, None))


@router.get("/cohorts/{cohort_id}/reviews", response_model=Page[ReviewBody], responses=problems(404))
async def list_reviews_route(
    cohort_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
) -> Page[ReviewBody]:
    """The locked and the rejected pairs of a cohort."""
    async with read() as views:
        found = await views.reviews(cohort_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda review: review.review_id, present=review_body)


@router.post("/runs/{run_id}/what-ifs", status_code=202, response_model=WhatIfBody, responses=problems(404, 409))
async def start_what_if_route(
    run_id: UUID,
    body: WhatIfChangesBody,
    write: Write,
    _principal: Annotated[Principal, allow("program_manager")],
) -> Response:
    """Ask what a run would have come to with changes; a worker solves it. Poll the what-if at its Location."""
    return await write(
        lambda uow: start_what_if(StartWhatIf(run_id, changes_of(body)), uow),
        present=lambda what_if: what_if_body(what_if_view(what_if)),
        location=lambda what_if: f"/v1/what-ifs/{what_if.what_if_id}",
    )


@router.get("/runs/{run_id}/what-ifs", response_model=Page[WhatIfBody], responses=problems(404))
async def list_what_ifs_route(
    run_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
) -> Page[WhatIfBody]:
    """The what-ifs of a run, the oldest first."""
    async with read() as views:
        found = await views.what_ifs_of_run(run_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda what_if: what_if.what_if_id, present=what_if_body)


@router.get("/what-ifs/{what_if_id}", response_model=WhatIfBody, responses=problems(404))
async def get_what_if_route(
    what_if_id: UUID, read: Read, principal: Annotated[Principal, allow("program_manager")]
) -> WhatIfBody:
    """A what-if with what it has come to."""
    async with read() as views:
        return what_if_body(await views.what_if(what_if_id, principal))
