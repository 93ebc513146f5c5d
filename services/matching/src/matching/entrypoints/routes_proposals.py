"""Proposals, for the two people they are made to: why, until when, yes or no."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.accept_proposal import AcceptProposal, accept_proposal
from matching.application.decline_proposal import DeclineProposal, decline_proposal
from matching.application.views import Answer, OwnProposalView, PairState, Role, own_proposal_view
from matching.domain.sentences import Language, said
from matching.entrypoints.languages import Reader

router = APIRouter(prefix="/v1", tags=["proposals"])


class ProposalBody(ResponseBody):
    """A proposal as one of the two people sees it: nothing of the partner but their id and what was matched."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pair_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "program_id": "01990c3e-0000-7000-8000-000000000002",
                    "role": "mentee",
                    "partner_id": "01990c3e-0000-7000-8000-000000000004",
                    "state": "released",
                    "own_answer": "none",
                    "topics": ["technology.ai"],
                    "words": ["The mentor offers ai (technology), which the mentee asks for."],
                    "released_at": "2027-01-04T09:00:00Z",
                    "expires_at": "2027-01-18T09:00:00Z",
                    "formed_at": None,
                    "version": 1,
                }
            ]
        }
    )

    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    role: Role = Field(description="Your own side.")
    partner_id: UUID
    state: PairState
    own_answer: Answer
    topics: tuple[str, ...] = Field(description="What the two can teach each other.")
    words: tuple[str, ...] = Field(description="Why, in sentences.")
    released_at: datetime
    expires_at: datetime = Field(description="When the proposal ends unless both have accepted.")
    formed_at: datetime | None
    version: int


def proposal_body(view: OwnProposalView, language: Language) -> ProposalBody:
    """A proposal for one of the two people, explained in their language."""
    return ProposalBody.model_validate(replace(view, words=said(view.words, language)))


@router.get("/proposals", response_model=Page[ProposalBody])
async def list_own_proposals_route(
    read: Read, principal: Annotated[Principal, allow("participant")], language: Reader, cursor: Cursor, limit: Limit
) -> Page[ProposalBody]:
    """The proposals made to you."""
    async with read() as views:
        found = await views.own_proposals(principal, after=cursor, limit=limit + 1)
    return page(
        found,
        limit=limit,
        key=lambda proposal: proposal.pair_id,
        present=lambda proposal: proposal_body(proposal, language),
    )


@router.get("/proposals/{pair_id}", response_model=ProposalBody, responses=problems(404))
async def get_own_proposal_route(
    pair_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")], language: Reader
) -> ProposalBody:
    """A proposal made to you."""
    async with read() as views:
        return proposal_body(await views.own_proposal(pair_id, principal), language)


@router.post("/proposals/{pair_id}/acceptance", response_model=ProposalBody, responses=problems(404, 409))
async def accept_proposal_route(
    pair_id: UUID, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Accept a proposal; the pair is formed when both have."""
    return await write(
        lambda uow: accept_proposal(AcceptProposal(pair_id), uow),
        present=lambda pair: proposal_body(own_proposal_view(pair, principal.person_id), language),
    )


@router.post("/proposals/{pair_id}/decline", response_model=ProposalBody, responses=problems(404, 409))
async def decline_proposal_route(
    pair_id: UUID, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Decline a proposal; no reason is asked, and the partner is not told that it was you."""
    return await write(
        lambda uow: decline_proposal(DeclineProposal(pair_id), uow),
        present=lambda pair: proposal_body(own_proposal_view(pair, principal.person_id), language),
    )
