"""A program manager records the result of a screening."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.access import own_participation
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.participations import Participation


@dataclass(frozen=True, slots=True)
class ScreenCandidate:
    """The result, and free notes that stay with the host unit's program managers."""

    participation_id: UUID
    passed: bool
    notes: str | None = None


async def screen_candidate(command: ScreenCandidate, uow: EnrollmentUnitOfWork) -> Participation:
    """Record it. Conflict unless the person has applied and not been screened. The notes are in no event."""
    participation = await own_participation(command.participation_id, uow)
    participation.screen(command.passed, command.notes)
    uow.participations.save(participation)
    if command.notes:
        uow.participations.keep_notes(participation)
    publish_participation(participation, uow)
    return participation
