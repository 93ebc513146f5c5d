"""Survey waves: what is asked, one token a person, answers without a name."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.http import (
    Cursor,
    Limit,
    Page,
    Read,
    RequestBody,
    ResponseBody,
    Write,
    allow,
    anonymous,
    page,
    problems,
)
from chassis.ports import Principal
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, ConfigDict, Field, StrictInt

from evaluation.application.issue_token import IssueToken, issue_token
from evaluation.application.request_closing import RequestClosing, request_closing
from evaluation.application.submit_response import SubmitResponse, submit_response
from evaluation.application.views import AskedItem, Role, WaveKind, WaveState, WaveView

router = APIRouter(prefix="/v1", tags=["waves"])


def _is_base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return value


Base64 = Annotated[str, Field(min_length=4, max_length=2048), AfterValidator(_is_base64)]
"""Bytes in base64, with padding."""


class ItemBody(ResponseBody):
    """A statement to be answered from 1 (disagree strongly) to 5 (agree strongly), or null to skip it."""

    code: str = Field(examples=["confidence"])
    family: str = Field(examples=["confidence"])
    to_mentor: str = Field(examples=["I am confident telling a senior person what I really think."])
    to_mentee: str = Field(examples=["I am confident asking a junior person about what I do not know."])


class PublicKeyBody(ResponseBody):
    """The wave's RSA key (RFC 9474, RSABSSA-SHA384-PSS-Deterministic); a token is the wave's 16 id bytes and 32 random ones."""

    modulus: str = Field(description="Base64, big-endian.")
    exponent: int = Field(examples=[65537])


class WaveBody(ResponseBody):
    """A survey wave of a cohort."""

    wave_id: UUID
    cohort_id: UUID
    program_id: UUID
    kind: WaveKind
    state: WaveState
    instrument_version: int = Field(examples=[1])
    suppression_threshold: int = Field(description="Results about fewer people are never shown.", examples=[5])
    opened_at: datetime
    closes_on: date = Field(description="It takes nothing more from the beginning of this day (UTC).")
    closed_at: datetime | None
    invited_count: int | None = Field(description="People asked; null while the wave is open.")
    response_count: int | None = Field(description="Answers; null while the wave is open or when they are too few.")
    public_key: PublicKeyBody
    items: tuple[ItemBody, ...]
    version: int


class IssueTokenBody(RequestBody):
    """A token, blinded with the wave's public key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"blinded": base64.b64encode(bytes(256)).decode()}]})

    blinded: Base64


class BlindSignatureBody(ResponseBody):
    """The wave's signature on the blinded token."""

    blind_signature: str = Field(description="Base64.")


class ClosingBody(ResponseBody):
    """A wave that is about to be closed."""

    wave_id: UUID
    closes_on: date


class SubmitResponseBody(RequestBody):
    """Answers, with a token that was signed for this wave. Names nobody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": base64.b64encode(bytes(48)).decode(),
                    "signature": base64.b64encode(bytes(256)).decode(),
                    "role": "mentor",
                    "answers": {"learning_named": 4, "confidence": None},
                }
            ]
        }
    )

    token: Base64
    signature: Base64 = Field(description="The unblinded signature.")
    role: Role = Field(description="The role in which the person answers.")
    answers: dict[str, Annotated[StrictInt, Field(ge=1, le=5)] | None] = Field(
        max_length=64, description="Every item of the wave by its code; null skips one."
    )


def _item(item: AskedItem) -> ItemBody:
    return ItemBody.model_validate(item)


def _wave(wave: WaveView) -> WaveBody:
    modulus = wave.public_modulus.to_bytes((wave.public_modulus.bit_length() + 7) // 8)
    return WaveBody(
        wave_id=wave.wave_id,
        cohort_id=wave.cohort_id,
        program_id=wave.program_id,
        kind=wave.kind,
        state=wave.state,
        instrument_version=wave.instrument_version,
        suppression_threshold=wave.suppression_threshold,
        opened_at=wave.opened_at,
        closes_on=wave.closes_on,
        closed_at=wave.closed_at,
        invited_count=wave.invited_count,
        response_count=wave.response_count,
        public_key=PublicKeyBody(modulus=base64.b64encode(modulus).decode(), exponent=wave.public_exponent),
        items=tuple(_item(item) for item in wave.items),
        version=wave.version,
    )


@router.get("/waves", response_model=Page[WaveBody])
async def list_waves(
    read: Read,
    cursor: Cursor,
    limit: Limit,
    principal: Annotated[Principal, allow("program_manager", "facilitator", "data_reader", "participant")],
    cohort_id: Annotated[UUID | None, Query(description="Only this cohort's.")] = None,
) -> Page[WaveBody]:
    """Survey waves. Participants see those in which they are asked."""
    async with read() as views:
        found = await views.waves(principal, cohort_id=cohort_id, after=cursor, limit=limit + 1)
    return page(found, limit=limit, key=lambda wave: wave.wave_id, present=_wave)


@router.get("/waves/{wave_id}", response_model=WaveBody, responses=problems(404))
async def get_wave(
    wave_id: UUID,
    read: Read,
    principal: Annotated[Principal, allow("program_manager", "facilitator", "data_reader", "participant")],
) -> WaveBody:
    """A wave with its items and its public key."""
    async with read() as views:
        return _wave(await views.wave(wave_id, principal))


@router.post(
    "/waves/{wave_id}/tokens", status_code=201, response_model=BlindSignatureBody, responses=problems(404, 409, 422)
)
async def issue_wave_token(
    wave_id: UUID,
    body: IssueTokenBody,
    write: Write,
    _principal: Annotated[Principal, allow("participant")],
) -> Response:
    """Take one's only token of the wave: the service signs it without seeing it.

    Keep the unblinded token until you answer; better not to answer at once, since an observer of the network could
    connect two requests that follow upon each other.
    """
    command = IssueToken(wave_id, base64.b64decode(body.blinded))
    return await write(
        lambda uow: issue_token(command, uow),
        present=lambda signature: BlindSignatureBody(blind_signature=base64.b64encode(signature).decode()),
    )


@router.post(
    "/waves/{wave_id}/responses", status_code=204, dependencies=[anonymous], responses=problems(403, 404, 409, 422)
)
async def submit_wave_response(wave_id: UUID, body: SubmitResponseBody, read: Read, write: Write) -> Response:
    """Answer without a name: send no bearer token and no Idempotency-Key; neither would be looked at.

    The token counts once. When no answer came back, send the same again: 409 then says that it had arrived.
    """
    async with read() as views:
        host = await views.host_of_wave(wave_id)
    command = SubmitResponse(
        wave_id, base64.b64decode(body.token), base64.b64decode(body.signature), body.role, body.answers
    )
    return await write(lambda uow: submit_response(command, uow), present=None, acting_for=host, anonymous=True)


@router.post("/waves/{wave_id}/closure", status_code=202, response_model=ClosingBody, responses=problems(404, 409))
async def end_wave(
    wave_id: UUID,
    write: Write,
    _principal: Annotated[Principal, allow("program_manager")],
) -> Response:
    """End a wave before its date. It takes nothing more from now on, and is closed within seconds."""
    command = RequestClosing(wave_id)
    return await write(
        lambda uow: request_closing(command, uow),
        present=lambda wave: ClosingBody(wave_id=wave.wave_id, closes_on=wave.closes_on),
    )
