"""Hybrid mode: whom somebody would like to meet, in their own order, read by nobody else."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from chassis.http import Read, RequestBody, ResponseBody, Write, allow, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from matching.application.mode_views import PreferencesView, preferences_view
from matching.application.rank_people import RankPeople, rank_people

router = APIRouter(prefix="/v1", tags=["preferences"])

_RANKED: list[Any] = ["01990c3e-0000-7000-8000-000000000008", "01990c3e-0000-7000-8000-000000000012"]


class RankBody(RequestBody):
    """Participations your last search has found, the dearest first; an empty list takes all wishes back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ranked": _RANKED}]})

    ranked: tuple[UUID, ...] = Field(max_length=50)


class PreferencesBody(ResponseBody):
    """Your preferences. They count in the score of the next run, and never override a rule. Nobody reads them; of two who ranked
    each other and were given others they like less, the program manager sees that this is so.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"participation_id": "01990c3e-0000-7000-8000-000000000009", "ranked": _RANKED, "version": 1}]
        }
    )

    participation_id: UUID
    ranked: tuple[UUID, ...]
    version: int = Field(description="0 before there were any.")


def preferences_body(view: PreferencesView) -> PreferencesBody:
    """Preferences for who has them."""
    return PreferencesBody.model_validate(view)


@router.put(
    "/participations/{participation_id}/preferences",
    response_model=PreferencesBody,
    responses=problems(404, 409, 412),
)
async def rank_people_route(
    participation_id: UUID, body: RankBody, write: Write, _principal: Annotated[Principal, allow("participant")]
) -> Response:
    """Say whom you would like to meet. With If-Match only if nobody (you, elsewhere) has changed it meanwhile."""
    expected = write.expected_version
    return await write(
        lambda uow: rank_people(RankPeople(participation_id, body.ranked, expected), uow),
        present=lambda preferences: preferences_body(preferences_view(preferences)),
    )


@router.get("/participations/{participation_id}/preferences", response_model=PreferencesBody, responses=problems(404))
async def get_preferences_route(
    participation_id: UUID, read: Read, principal: Annotated[Principal, allow("participant")]
) -> PreferencesBody:
    """Your own preferences."""
    async with read() as views:
        return preferences_body(await views.preferences(participation_id, principal))
