"""Self mode: look for people, ask one of them, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.http import Cursor, Limit, Page, Read, RequestBody, ResponseBody, Write, allow, page, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.accept_request import AcceptRequest, accept_request
from matching.application.ask_for_match import AskForMatch, ask_for_match
from matching.application.decline_request import DeclineRequest, decline_request
from matching.application.mode_views import (
    FoundView,
    RequestState,
    RequestView,
    Role,
    SearchState,
    SearchView,
    request_view,
    search_view,
)
from matching.application.start_search import StartSearch, start_search
from matching.application.withdraw_request import WithdrawRequest, withdraw_request
from matching.domain.sentences import Language, said
from matching.entrypoints.languages import Reader

router = APIRouter(prefix="/v1", tags=["requests"])

_FIT: dict[str, Any] = {
    "shared_languages": ["en"],
    "parts": {"topics": 1000, "distance": 700, "language": 800, "hours": 800},
    "words": ["The mentor offers ai (technology), which the mentee asks for."],
}
_REQUEST: dict[str, Any] = {
    "request_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
    "program_id": "01990c3e-0000-7000-8000-000000000002",
    "role": "mentor",
    "asked_by_you": False,
    "partner_participation_id": "01990c3e-0000-7000-8000-000000000009",
    "partner_id": "01990c3e-0000-7000-8000-000000000007",
    "state": "open",
    "topics": ["technology.ai"],
    **_FIT,
    "asked_at": "2027-01-04T09:00:00Z",
    "expires_at": "2027-01-18T09:00:00Z",
    "reminded_at": None,
    "answered_at": None,
    "pair_id": None,
    "version": 1,
}


class SearchBody(ResponseBody):
    """A search of yours. It is answered within seconds; the people are at `/people`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "search_id": "01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69",
                    "participation_id": "01990c3e-0000-7000-8000-000000000009",
                    "cohort_id": "01990c3e-0000-7000-8000-000000000003",
                    "state": "completed",
                    "refusal": None,
                    "mode": "self",
                    "may_ask": True,
                    "preference_limit": 5,
                    "found": 12,
                    "requested_at": "2027-01-04T09:00:00Z",
                    "completed_at": "2027-01-04T09:00:01Z",
                    "version": 2,
                }
            ]
        }
    )

    search_id: UUID
    participation_id: UUID
    cohort_id: UUID
    state: SearchState
    refusal: str | None = Field(description="Why there is no list for you.")
    mode: str | None = Field(description="self: ask people; hybrid: rank them. Null before the answer.")
    may_ask: bool | None = Field(description="Whether your side asks.")
    preference_limit: int | None = Field(description="How many people you may rank.")
    found: int = Field(description="People found, at most 200: the best.")
    requested_at: datetime
    completed_at: datetime | None
    version: int


class FoundBody(ResponseBody):
    """Somebody whom you may ask or rank, by their participation alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "participation_id": "01990c3e-0000-7000-8000-000000000008",
                    "offers": {"technology.ai": 5},
                    "asks": {"trends.esg": 2},
                    **_FIT,
                    "has_free_place": True,
                    "last_active_week": "2026-12-28",
                }
            ]
        }
    )

    participation_id: UUID
    offers: Mapping[str, int] = Field(description="Topics with levels of 1 to 5.")
    asks: Mapping[str, int] = Field(description="Topics with levels of 1 to 5.")
    shared_languages: tuple[str, ...]
    parts: Mapping[str, int] = Field(description="How you two fit, of 1000, in full hundreds.")
    words: tuple[str, ...] = Field(description="Why you two fit, in sentences.")
    has_free_place: bool
    last_active_week: date | None = Field(
        description="Monday of the week in which they last searched, asked, answered or ranked."
    )


class AskBody(RequestBody):
    """Whom you ask: somebody your last search has found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "participation_id": "01990c3e-0000-7000-8000-000000000009",
                    "partner_participation_id": "01990c3e-0000-7000-8000-000000000008",
                }
            ]
        }
    )

    participation_id: UUID = Field(description="Your own.")
    partner_participation_id: UUID


class MatchRequestBody(ResponseBody):
    """A request as one of the two sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REQUEST]})

    request_id: UUID
    cohort_id: UUID
    program_id: UUID
    role: Role = Field(description="Your own side.")
    asked_by_you: bool
    partner_participation_id: UUID
    partner_id: UUID | None = Field(
        description="The other person: if they have asked you, or once the two of you are a pair."
    )
    state: RequestState
    topics: tuple[str, ...] = Field(description="What the two can teach each other; empty until it is checked.")
    shared_languages: tuple[str, ...]
    parts: Mapping[str, int] = Field(description="How you two fit, of 1000, in full hundreds.")
    words: tuple[str, ...]
    asked_at: datetime
    expires_at: datetime = Field(description="When the request ends unless it is answered.")
    reminded_at: datetime | None
    answered_at: datetime | None = Field(description="When it was answered or ended otherwise.")
    pair_id: UUID | None
    version: int


def search_body(view: SearchView) -> SearchBody:
    """A search for who made it."""
    return SearchBody.model_validate(view)


def found_body(view: FoundView, language: Language) -> FoundBody:
    """Somebody found, explained in the language of the reader."""
    return FoundBody.model_validate(replace(view, words=said(view.words, language)))


def request_body(view: RequestView, language: Language) -> MatchRequestBody:
    """A request for one of the two, explained in their language."""
    return MatchRequestBody.model_validate(replace(view, words=said(view.words, language)))


@router.post(
    "/participations/{participation_id}/searches",
    status_code=202,
    response_model=SearchBody,
    responses=problems(404, 409),
)
async def start_search_route(
    participation_id: UUID, write: Write, _principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Look for people you may ask or rank. Poll the search at its Location."""
    return await write(
        lambda uow: start_search(StartSearch(participation_id), uow),
        present=lambda search: search_body(search_view(search)),
        location=lambda search: f"/v1/searches/{search.search_id}",
    )


@router.get("/searches/{search_id}", response_model=SearchBody, responses=problems(404))
async def get_search_route(
    search_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")]
) -> SearchBody:
    """A search of yours."""
    async with read() as views:
        return search_body(await views.search(search_id, principal))


@router.get("/searches/{search_id}/people", response_model=Page[FoundBody], responses=problems(404))
async def list_people_found_route(
    search_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("participant")],
    cursor: Cursor,
    limit: Limit,
    language: Reader,
) -> Page[FoundBody]:
    """Whom your search has found, the best fit first. Who is not there is not there for a reason that is not told."""
    async with read() as views:
        found = await views.people_found(search_id, principal, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda one: one.participation_id, present=lambda one: found_body(one, language))


@router.post("/requests", status_code=201, response_model=MatchRequestBody, responses=problems(404, 409))
async def ask_for_match_route(
    body: AskBody, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Ask somebody to be your mentor or mentee. They see it within seconds, once no rule is found against the two of you."""
    return await write(
        lambda uow: ask_for_match(AskForMatch(body.participation_id, body.partner_participation_id), uow),
        present=lambda request: request_body(request_view(request, principal.person_id), language),
        location=lambda request: f"/v1/requests/{request.request_id}",
    )


@router.get("/requests", response_model=Page[MatchRequestBody])
async def list_own_requests_route(
    read: Read,
    principal: Annotated[Principal, allow("participant")],
    cursor: Cursor,
    limit: Limit,
    language: Reader,
) -> Page[MatchRequestBody]:
    """The requests you have made and those made to you."""
    async with read() as views:
        found = await views.requests(principal, after=cursor, limit=limit + 1)
    return page(
        found,
        limit=limit,
        key=lambda request: request.request_id,
        present=lambda request: request_body(request, language),
    )


@router.get("/requests/{request_id}", response_model=MatchRequestBody, responses=problems(404))
async def get_own_request_route(
    request_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("participant")],
    language: Reader,
) -> MatchRequestBody:
    """A request you have made or that was made to you."""
    async with read() as views:
        return request_body(await views.request(request_id, principal), language)


@router.post("/requests/{request_id}/acceptance", response_model=MatchRequestBody, responses=problems(404, 409))
async def accept_request_route(
    request_id: UUID, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Agree to a request made to you: the pair is formed, if both of you still have a place."""
    return await write(
        lambda uow: accept_request(AcceptRequest(request_id), uow),
        present=lambda request: request_body(request_view(request, principal.person_id), language),
    )


@router.post("/requests/{request_id}/decline", response_model=MatchRequestBody, responses=problems(404, 409))
async def decline_request_route(
    request_id: UUID, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Say no to a request made to you; no reason is asked and none is told."""
    return await write(
        lambda uow: decline_request(DeclineRequest(request_id), uow),
        present=lambda request: request_body(request_view(request, principal.person_id), language),
    )


@router.post("/requests/{request_id}/withdrawal", response_model=MatchRequestBody, responses=problems(404, 409))
async def withdraw_request_route(
    request_id: UUID, write: Write, principal: Annotated[Principal, allow("participant")], language: Reader
) -> Response:
    """Take back a request of yours that is not answered yet."""
    return await write(
        lambda uow: withdraw_request(WithdrawRequest(request_id), uow),
        present=lambda request: request_body(request_view(request, principal.person_id), language),
    )
