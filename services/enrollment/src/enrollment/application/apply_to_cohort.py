"""A person applies to a cohort: on their own (R0-35), or to complete a nomination."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.identifiers import uuid7

from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.life_experience import LifeExperience
from enrollment.domain.participations import Application, Participation, ParticipationState


@dataclass(frozen=True, slots=True)
class ApplyToCohort:
    """`person_id` is the applicant, employed by `home_unit_id`, which the cohort names.

    `experience` is life experience they consent to have compared; None: they declare none.
    """

    cohort_id: UUID
    person_id: UUID
    home_unit_id: UUID
    application: Application
    experience: LifeExperience | None = None


async def apply_to_cohort(command: ApplyToCohort, uow: EnrollmentUnitOfWork) -> Participation:
    """Record the application.

    NotVisible when the cohort does not name the person's unit, Conflict when enrollment is closed or they are in already.
    The unit of work acts for the cohort's host, which owns the participation. Life experience is published as codes only (R0-38).
    """
    cohort = await uow.cohorts.get(command.cohort_id, share=True)
    if cohort is None or command.home_unit_id not in cohort.named_unit_ids:
        raise NotVisible("no such cohort")
    cohort.require_enrolling()
    participation = await uow.participations.find(cohort.cohort_id, command.person_id)
    is_new = participation is None
    if participation is None:
        participation = Participation(
            participation_id=uuid7(),
            cohort_id=cohort.cohort_id,
            program_id=cohort.program_id,
            person_id=command.person_id,
            business_unit_id=cohort.business_unit_id,
            home_unit_id=command.home_unit_id,
            role=command.application.role,
            state=ParticipationState.IDENTIFIED,
        )
    codes: tuple[str, ...] = ()
    if command.experience is not None:
        codes = command.experience.codes(await uow.cohorts.key(cohort.cohort_id))
    participation.apply(command.application, codes)
    if is_new:
        uow.participations.add(participation)
    else:
        uow.participations.save(participation)
    if command.experience is not None:
        uow.participations.keep_experience(participation, command.experience, uow.now)
    publish_participation(participation, uow)
    return participation
