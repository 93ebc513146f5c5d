"""Enrollment has moved somebody through a cohort: the funnel counts how far people came."""

from __future__ import annotations

from contracts.enrollment import ParticipationFacts, ParticipationState
from contracts.envelope import Envelope
from contracts.fields import Role as PublishedRole

from evaluation.application.ports import EvaluationUnitOfWork, KnownParticipation
from evaluation.domain.facts import Stage
from evaluation.domain.instruments import Role

_REACHED = {
    ParticipationState.APPLIED: Stage.APPLIED,
    ParticipationState.SCREENED: Stage.SCREENED,
    ParticipationState.ADMITTED: Stage.ADMITTED,
    ParticipationState.MATCHED: Stage.MATCHED,
    ParticipationState.ACTIVE: Stage.ACTIVE,
    ParticipationState.COMPLETED: Stage.COMPLETED,
}


async def on_participation_changed(event: Envelope[ParticipationFacts], uow: EvaluationUnitOfWork) -> None:
    """Keep the newest state and every stage that was reached. A role unknown here is not counted."""
    participation = event.data
    if participation.role is PublishedRole.UNKNOWN:
        return
    await uow.known_participations.put(
        KnownParticipation(
            participation_id=participation.participation_id,
            business_unit_id=participation.business_unit_id,
            named_unit_ids=tuple(sorted(participation.named_unit_ids)),
            cohort_id=participation.cohort_id,
            person_id=participation.person_id,
            role=Role(participation.role.value),
            state=participation.state.value,
            reached=_REACHED.get(participation.state),
            sequence=event.sequence,
        )
    )
