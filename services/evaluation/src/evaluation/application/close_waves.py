"""Waves whose time has come are closed: their secrets are dropped, who took a token is forgotten, figures may be shown."""

from __future__ import annotations

from contracts.evaluation import SurveyWaveClosed

from evaluation.application.evaluate_cohort import evaluate_cohort
from evaluation.application.ports import EvaluationUnitOfWork
from evaluation.application.wave_events import publish_wave
from evaluation.domain.instruments import WaveKind


async def close_due_waves(uow: EvaluationUnitOfWork) -> bool:
    """Close one wave that is due; a closing wave's cohort is evaluated with it. True when one was closed."""
    wave = await uow.waves.next_due(uow.now)
    if wave is None:
        return False
    invited = await uow.known_participations.invited(wave.cohort_id)
    wave.close(
        uow.now,
        invited=invited,
        tokens=await uow.token_grants.remove_all(wave),
        responses=await uow.responses.seal(wave),
    )
    await uow.signing_keys.drop(wave)
    await uow.waves.save(wave)
    publish_wave(SurveyWaveClosed, wave, invited, uow)
    if wave.kind is WaveKind.CLOSING:
        await evaluate_cohort(wave.cohort_id, wave.named_unit_ids, uow)
    return True
