"""Enrollment has said something about a cohort: its state is kept, and two of its states open a survey wave."""

from __future__ import annotations

from contracts.enrollment import CohortActivated, CohortEvaluationStarted, CohortFacts
from contracts.envelope import Envelope

from evaluation.application.open_wave import OpenWave, open_wave
from evaluation.application.ports import EvaluationUnitOfWork, KnownCohort
from evaluation.domain.instruments import WaveKind


async def on_cohort_changed(event: Envelope[CohortFacts], uow: EvaluationUnitOfWork) -> None:
    """Keep the newest state."""
    uow.known_cohorts.put(_known(event))


async def on_cohort_activated(event: Envelope[CohortActivated], uow: EvaluationUnitOfWork) -> None:
    """Ask everybody before the relationship has had an effect.

    Raises:
        Missing: the program has not been heard of.
    """
    await _with_wave(event, WaveKind.BASELINE, uow)


async def on_cohort_evaluation_started(event: Envelope[CohortEvaluationStarted], uow: EvaluationUnitOfWork) -> None:
    """Ask everybody again, after the agreed duration.

    Raises:
        Missing: the program has not been heard of.
    """
    await _with_wave(event, WaveKind.CLOSING, uow)


async def _with_wave(event: Envelope[CohortFacts], kind: WaveKind, uow: EvaluationUnitOfWork) -> None:
    cohort = _known(event)
    command = OpenWave(
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=cohort.named_unit_ids,
        kind=kind,
    )
    await open_wave(command, uow)
    uow.known_cohorts.put(cohort)


def _known(event: Envelope[CohortFacts]) -> KnownCohort:
    cohort = event.data
    return KnownCohort(
        cohort_id=cohort.cohort_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=tuple(sorted(cohort.named_unit_ids)),
        program_id=cohort.program_id,
        state=cohort.state.value,
        settings_version=cohort.settings_version,
        starts_on=cohort.starts_on,
        ends_on=cohort.ends_on,
        sequence=event.sequence,
    )
