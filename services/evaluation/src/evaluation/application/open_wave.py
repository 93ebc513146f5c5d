"""A survey wave of a cohort opens, with a signing key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Missing
from contracts.evaluation import SurveyWaveOpened
from contracts.identifiers import uuid7

from evaluation.application.ports import EvaluationUnitOfWork
from evaluation.application.wave_events import publish_wave
from evaluation.domain.instruments import WaveKind
from evaluation.domain.waves import Wave, open_new_wave


@dataclass(frozen=True, slots=True)
class OpenWave:
    """Which wave, of which cohort."""

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    kind: WaveKind


async def open_wave(command: OpenWave, uow: EvaluationUnitOfWork) -> Wave | None:
    """Open it under the program's present settings; None when the cohort has this wave already.

    Raises:
        Missing: the program has not been heard of.
    """
    program = await uow.known_programs.get(command.program_id)
    if program is None:
        raise Missing("ProgramChartered", command.program_id)
    if await uow.waves.exists(command.cohort_id, command.kind):
        return None
    wave = open_new_wave(
        wave_id=uuid7(),
        cohort_id=command.cohort_id,
        program_id=command.program_id,
        business_unit_id=command.business_unit_id,
        named_unit_ids=command.named_unit_ids,
        kind=command.kind,
        suppression_threshold=program.suppression_threshold,
        days=program.survey_days,
        now=uow.now,
    )
    key = await uow.signing_keys.make(wave)
    wave.public_modulus, wave.public_exponent = key.n, key.e
    uow.waves.add(wave)
    publish_wave(SurveyWaveOpened, wave, await uow.known_participations.invited(command.cohort_id), uow)
    return wave
