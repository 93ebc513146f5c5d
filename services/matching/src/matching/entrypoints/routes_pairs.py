"""Pairs, for those who run the cohort: who was put together, why, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from matching.application.views import PairState, PairView, Role
from matching.domain.sentences import Language, said
from matching.entrypoints.languages import Reader

router = APIRouter(prefix="/v1", tags=["pairs"])

EXAMPLE_PAIR: dict[str, Any] = {
    "pair_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
    "run_id": "01990c3e-0000-7000-8000-000000000005",
    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
    "program_id": "01990c3e-0000-7000-8000-000000000002",
    "business_unit_id": "01990c3e-0000-7000-8000-000000000001",
    "state": "formed",
    "ended": False,
    "mentor_id": "01990c3e-0000-7000-8000-000000000006",
    "mentee_id": "01990c3e-0000-7000-8000-000000000007",
    "mentor_participation_id": "01990c3e-0000-7000-8000-000000000008",
    "mentee_participation_id": "01990c3e-0000-7000-8000-000000000009",
    "score": 850,
    "score_parts": {"topics": 1000, "reciprocity": 250, "distance": 750, "language": 833, "hours": 875},
    "topics": [{"topic": "technology.ai", "teacher": "mentor", "offered_level": 5, "asked_level": 3}],
    "shared_languages": ["en"],
    "overlap_minutes": 420,
    "grade_gap": 4,
    "words": ["The mentor offers ai (technology), which the mentee asks for."],
    "released_at": "2027-01-04T09:00:00Z",
    "expires_at": "2027-01-18T09:00:00Z",
    "formed_at": "2027-01-06T09:00:00Z",
    "version": 2,
}


class MatchedTopicBody(ResponseBody):
    """A topic one of the two can teach the other; levels of 1 to 5."""

    topic: str
    teacher: Role
    offered_level: int
    asked_level: int


class PairBody(ResponseBody):
    """A proposal or pair with its explanation: score of 1000, its parts, and what stands behind them."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PAIR]})

    pair_id: UUID
    run_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    state: PairState
    ended: bool = Field(description="A formed pair that was completed or dissolved since; its places are free.")
    mentor_id: UUID
    mentee_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    score: int
    score_parts: Mapping[str, int] = Field(
        description="Each of 1000; absent are parts that do not apply, and what people ranked."
    )
    topics: tuple[MatchedTopicBody, ...]
    shared_languages: tuple[str, ...]
    overlap_minutes: int = Field(description="Shared working time of a day.")
    grade_gap: int = Field(description="The mentee's rank less the mentor's.")
    words: tuple[str, ...] = Field(description="Why, in sentences, as both people read it.")
    released_at: datetime | None
    expires_at: datetime | None
    formed_at: datetime | None
    version: int


def pair_body(view: PairView, language: Language) -> PairBody:
    """A pair for those who run the cohort, explained in their language."""
    return PairBody.model_validate(replace(view, words=said(view.words, language)))


@router.get("/pairs", response_model=Page[PairBody])
async def list_pairs_route(
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator")],
    language: Reader,
    cursor: Cursor,
    limit: Limit,
    cohort_id: UUID | None = None,
    state: Annotated[PairState | None, Query()] = None,
) -> Page[PairBody]:
    """Released proposals and pairs of your cohorts."""
    async with read() as views:
        found = await views.pairs(
            principal,
            cohort_id=cohort_id,
            state=None if state is None else state.value,
            after=cursor,
            limit=limit + 1,
        )
    return page(found, limit=limit, key=lambda pair: pair.pair_id, present=lambda pair: pair_body(pair, language))


@router.get("/pairs/{pair_id}", response_model=PairBody, responses=problems(404))
async def get_pair_route(
    pair_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator")],
    language: Reader,
) -> PairBody:
    """A released proposal or pair of one of your cohorts."""
    async with read() as views:
        return pair_body(await views.pair(pair_id, principal), language)
