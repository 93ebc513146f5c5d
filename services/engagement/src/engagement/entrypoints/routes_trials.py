"""The trial of a new pair: each of the two confirms or leaves, and the other is told neither."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from chassis.http import RequestBody, Write, allow, problems
from chassis.ports import Principal
from fastapi import APIRouter, Response
from pydantic import ConfigDict

from engagement.application.confirm_trial import ConfirmTrial, confirm_trial
from engagement.application.leave_trial import LeaveTrial, leave_trial
from engagement.entrypoints.routes_pairs import PairBody, pair_body

router = APIRouter(prefix="/v1", tags=["trials"])


class ConfirmationBody(RequestBody):
    """Nothing is asked: a yes needs no words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class DepartureBody(RequestBody):
    """Nothing is asked: no reason, no name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


@router.post("/pairs/{pair_id}/trial/confirm", status_code=201, response_model=PairBody, responses=problems(404, 409))
async def confirm_trial_route(
    pair_id: UUID,
    body: ConfirmationBody,
    write: Write,
    principal: Annotated[Principal, allow("participant")],
) -> Response:
    """Say that one wants to go on with one's own pair. When both have, the trial is over; until then nobody is told."""
    return await write(lambda uow: confirm_trial(ConfirmTrial(pair_id=pair_id), uow), present=pair_body)


@router.post("/pairs/{pair_id}/trial/leave", status_code=201, response_model=PairBody, responses=problems(404, 409))
async def leave_trial_route(
    pair_id: UUID,
    body: DepartureBody,
    write: Write,
    principal: Annotated[Principal, allow("participant")],
) -> Response:
    """End one's own pair in its trial, at once and without fault. It is said that the trial ended it, never who left."""
    return await write(lambda uow: leave_trial(LeaveTrial(pair_id=pair_id), uow), present=pair_body)
