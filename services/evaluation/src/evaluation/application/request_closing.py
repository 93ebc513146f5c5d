"""A program manager ends a wave before its date. The schedule closes it, as it does those whose date has come."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible

from evaluation.application.ports import EvaluationUnitOfWork
from evaluation.domain.waves import Wave


@dataclass(frozen=True, slots=True)
class RequestClosing:
    """Which wave."""

    wave_id: UUID


async def request_closing(command: RequestClosing, uow: EvaluationUnitOfWork) -> Wave:
    """From now on the wave takes nothing more.

    Raises:
        NotVisible: there is no such wave, or another unit owns it.
        Conflict: it is closed, or about to be.
    """
    wave = await uow.waves.get_alone(command.wave_id)
    if wave is None or wave.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such wave")
    before = wave.closes_on
    wave.end_now(uow.now)
    await uow.waves.save(wave)
    uow.audit(
        "end-survey-wave",
        subject_id=wave.wave_id,
        business_unit_id=wave.business_unit_id,
        before={"closes_on": before.isoformat()},
        after={"closes_on": wave.closes_on.isoformat()},
    )
    return wave
