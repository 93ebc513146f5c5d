"""A participant takes their one token of a wave: the service signs it blindly, so it cannot recognise it later."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, InvalidInput, NotVisible
from contracts.blind_tokens import BlindSignatureError, sign_blinded

from evaluation.application.ports import EvaluationUnitOfWork


@dataclass(frozen=True, slots=True)
class IssueToken:
    """`blinded` hides the token from the service (see contracts.blind_tokens)."""

    wave_id: UUID
    blinded: bytes


async def issue_token(command: IssueToken, uow: EvaluationUnitOfWork) -> bytes:
    """The blind signature. Kept is only that this person has taken a token, never when, and not past the wave's end.

    Raises:
        NotVisible: there is no such wave, or the principal is not asked in it.
        Conflict: the wave is closed; at commit: the person has taken their token.
        InvalidInput: `blinded` does not belong to the wave's key.
    """
    wave = await uow.waves.get(command.wave_id)
    person_id = uow.principal.person_id
    if wave is None or person_id is None or not await uow.known_participations.is_invited(wave.cohort_id, person_id):
        raise NotVisible("no such wave")
    wave.require_open(uow.now)
    key = await uow.signing_keys.get(wave.wave_id)
    if key is None:
        raise Conflict("this survey wave is closed")
    uow.token_grants.add(wave, person_id)
    try:
        return sign_blinded(command.blinded, n=key.n, d=key.d, e=key.e)
    except BlindSignatureError as error:
        raise InvalidInput(
            "not a token blinded for this wave's key", field="blinded", remedy="blind with the public key of the wave"
        ) from error
