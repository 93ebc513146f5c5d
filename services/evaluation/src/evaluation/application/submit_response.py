"""Somebody answers, without a name: the signature on the token says that they were asked, and nothing says who they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from chassis.ports import NotVisible, Rejection
from contracts.blind_tokens import PublicKey, belongs_to, verify

from evaluation.application.ports import EvaluationUnitOfWork
from evaluation.domain.instruments import Role


class TokenRefused(Rejection):
    """The token was not signed for this wave."""

    status: ClassVar[int] = 403
    code: ClassVar[str] = "token-refused"


@dataclass(frozen=True, slots=True)
class SubmitResponse:
    """A token with its unblinded signature, and an answer (or None, skipped) to every item."""

    wave_id: UUID
    token: bytes
    signature: bytes
    role: Role
    answers: Mapping[str, int | None]


async def submit_response(command: SubmitResponse, uow: EvaluationUnitOfWork) -> None:
    """Take the answers. The token is used up with them, in one commit; no event and no audit row tells of it.

    Raises:
        NotVisible: there is no such wave.
        Conflict: the wave is closed; at commit: the token was used before.
        TokenRefused: the signature is not the wave's on this token.
        InvalidInput: an answer is unknown, missing or out of range.
    """
    wave = await uow.waves.get_alone(command.wave_id)
    if wave is None:
        raise NotVisible("no such wave")
    wave.require_open(uow.now)
    key = PublicKey(wave.public_modulus, wave.public_exponent)
    if not belongs_to(command.token, wave.wave_id) or not verify(key, command.token, command.signature):
        raise TokenRefused("the token was not signed for this wave")
    given = wave.instrument.validate(command.answers)
    uow.responses.spend(wave, hashlib.sha256(command.token).digest())
    await uow.responses.add(wave, command.role, given)
