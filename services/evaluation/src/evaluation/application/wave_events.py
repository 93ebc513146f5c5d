"""What others may know of a wave: the contract event, filled from the aggregate. Never a response."""

from __future__ import annotations

from datetime import UTC, datetime, time

from chassis.ports import UnitOfWork
from contracts import evaluation as contract

from evaluation.domain.waves import Wave


def publish_wave(event: type[contract.WaveFacts], wave: Wave, invited: int, uow: UnitOfWork) -> None:
    """Publish what has just happened to a wave. How many answered is said only once that is enough people."""
    answered = wave.response_count
    uow.publish(
        event(
            business_unit_id=wave.business_unit_id,
            named_unit_ids=wave.named_unit_ids,
            wave_id=wave.wave_id,
            cohort_id=wave.cohort_id,
            program_id=wave.program_id,
            kind=contract.WaveKind(wave.kind.value),
            state=contract.WaveState(wave.state.value),
            instrument_version=wave.instrument_version,
            opens_at=wave.opened_at,
            closes_at=wave.closed_at or datetime.combine(wave.closes_on, time(), UTC),
            invited_count=invited,
            answered_count=answered if answered is not None and answered >= wave.suppression_threshold else None,
        ),
        sequence=wave.version,
    )
