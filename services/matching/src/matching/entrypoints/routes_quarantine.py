"""Pairs in conflict: what the two people and their program manager are told, and the hand-over of a paused pair."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.guard_views import NoticeKind, NoticeView, OwnNoticeView, QuarantineView
from matching.application.hand_over_pair import HandOverPair, hand_over_pair
from matching.application.views import pair_view
from matching.entrypoints.languages import Reader
from matching.entrypoints.routes_pairs import PairBody, pair_body

router = APIRouter(prefix="/v1", tags=["quarantine"])


class HandOverBody(RequestBody):
    """Whether both people shall be matched again at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"match_again": True}]})

    match_again: bool = Field(default=False, description="Ask for a run of the cohort in the same step.")


class QuarantineBody(ResponseBody):
    """A paused pair: why, and what can be done. Ask for a waiver where one is possible, or hand the pair over."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pair_id": "01990c3e-0000-7000-8000-000000000004",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "mentor_id": "01990c3e-0000-7000-8000-000000000006",
                    "mentee_id": "01990c3e-0000-7000-8000-000000000007",
                    "rules": ["reporting_chain"],
                    "can_be_waived": True,
                    "quarantined_at": "2027-05-04T09:00:00Z",
                }
            ]
        }
    )

    pair_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...] = Field(description="The rules in conflict as of now.")
    can_be_waived: bool
    quarantined_at: datetime


class NoticeBody(ResponseBody):
    """What happened to a pair, with the rules in conflict; nobody but the unit's program managers is told those."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "notice_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "kind": "pair_paused",
                    "pair_id": "01990c3e-0000-7000-8000-000000000004",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "mentor_id": "01990c3e-0000-7000-8000-000000000006",
                    "mentee_id": "01990c3e-0000-7000-8000-000000000007",
                    "rules": ["reporting_chain"],
                    "told_at": "2027-05-04T09:00:00Z",
                }
            ]
        }
    )

    notice_id: UUID
    kind: NoticeKind
    pair_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    told_at: datetime


class OwnNoticeBody(ResponseBody):
    """What happened to your pair."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "notice_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "kind": "pair_resumed",
                    "pair_id": "01990c3e-0000-7000-8000-000000000004",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "words": "The check is done. Your pair goes on.",
                    "told_at": "2027-05-05T09:00:00Z",
                }
            ]
        }
    )

    notice_id: UUID
    kind: NoticeKind
    pair_id: UUID
    cohort_id: UUID
    words: str
    told_at: datetime


def quarantine_body(view: QuarantineView) -> QuarantineBody:
    """A paused pair for the unit's program managers."""
    return QuarantineBody.model_validate(view)


def notice_body(view: NoticeView) -> NoticeBody:
    """A notice for the unit's program managers."""
    return NoticeBody.model_validate(view)


def own_notice_body(view: OwnNoticeView) -> OwnNoticeBody:
    """A notice for one of the two people."""
    return OwnNoticeBody.model_validate(view)


@router.get("/quarantine", response_model=Page[QuarantineBody])
async def list_quarantine_route(
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
    cohort_id: UUID | None = None,
) -> Page[QuarantineBody]:
    """The paused pairs of your unit's cohorts, each with the rules in conflict."""
    async with read() as views:
        found = await views.quarantine(principal, cohort_id=cohort_id, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda pair: pair.pair_id, present=quarantine_body)


@router.post("/pairs/{pair_id}/hand-over", response_model=PairBody, responses=problems(404, 409))
async def hand_over_pair_route(
    pair_id: UUID,
    body: HandOverBody,
    write: Write,
    _principal: Annotated[Principal, allow("program_manager")],
    language: Reader,
) -> Response:
    """End a quarantined pair without anybody's fault; both people are free for others."""
    return await write(
        lambda uow: hand_over_pair(HandOverPair(pair_id, body.match_again), uow),
        present=lambda pair: pair_body(pair_view(pair, ended=True), language),
    )


@router.get("/notices", response_model=Page[NoticeBody])
async def list_notices_route(
    read: Read,
    principal: Annotated[Principal, allow("program_manager")],
    cursor: Cursor,
    limit: Limit,
    cohort_id: UUID | None = None,
) -> Page[NoticeBody]:
    """What conflicts of interest have done to pairs of your unit's cohorts, the oldest first."""
    async with read() as views:
        found = await views.notices(principal, cohort_id=cohort_id, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda notice: notice.notice_id, present=notice_body)


@router.get("/notices/mine", response_model=Page[OwnNoticeBody])
async def list_own_notices_route(
    read: Read, principal: Annotated[Principal, allow("participant")], cursor: Cursor, limit: Limit
) -> Page[OwnNoticeBody]:
    """What you are told about your pairs, the oldest first."""
    async with read() as views:
        found = await views.own_notices(principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda notice: notice.notice_id, present=own_notice_body)
