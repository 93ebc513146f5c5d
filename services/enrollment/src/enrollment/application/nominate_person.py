"""A program manager nominates somebody of their unit, who must still apply."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.identifiers import uuid7

from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.participations import Participation, ParticipationState, Role


@dataclass(frozen=True, slots=True)
class NominatePerson:
    """Who is suggested for which role; `home_unit_id` employs the person."""

    cohort_id: UUID
    person_id: UUID
    home_unit_id: UUID
    role: Role


async def nominate_person(command: NominatePerson, uow: EnrollmentUnitOfWork) -> Participation:
    """Record the nomination. NotVisible when the cohort does not name the person's unit, Conflict when closed or the person is in."""
    cohort = await uow.cohorts.get(command.cohort_id, share=True)
    if cohort is None or command.home_unit_id not in cohort.named_unit_ids:
        raise NotVisible("no such cohort")
    cohort.require_enrolling()
    earlier = await uow.participations.find(cohort.cohort_id, command.person_id)
    participation = earlier or Participation(
        participation_id=uuid7(),
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        person_id=command.person_id,
        business_unit_id=cohort.business_unit_id,
        home_unit_id=command.home_unit_id,
        role=command.role,
        state=ParticipationState.IDENTIFIED,
    )
    participation.nominate(uow.principal.person_id)
    uow.participations.add(participation)
    publish_participation(participation, uow)
    return participation
