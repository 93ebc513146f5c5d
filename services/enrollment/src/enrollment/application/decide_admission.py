"""A program manager admits, waitlists or declines a candidate; places go in the order of the waitlist."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.access import own_cohort, own_participation
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.participations import Decision, Participation, Role


@dataclass(frozen=True, slots=True)
class DecideAdmission:
    """`cohort_id` is the participation's, as the caller has read it. `priority` is the class chosen for the person, if one was."""

    participation_id: UUID
    cohort_id: UUID
    decision: Decision
    priority: int | None = None


async def decide_admission(command: DecideAdmission, uow: EnrollmentUnitOfWork) -> Participation:
    """Carry the decision out and audit it. Conflict when no place is free or somebody has waited longer.

    Whoever an earlier cohort of the program left waiting, or admitted without a pair, comes first unless a class is chosen (N10).

    The cohort is locked before its queue is read, so that two decisions at once cannot both take the last place.
    """
    cohort = await own_cohort(command.cohort_id, uow)
    cohort.require_admitting()
    participation = await own_participation(command.participation_id, uow)
    places = cohort.mentor_places if participation.role is Role.MENTOR else cohort.mentee_places
    before = participation.state.value
    if command.decision is Decision.DECLINE:
        forgets = bool(participation.background_codes)
        participation.decline()
        if forgets:
            uow.participations.forget_experience(participation)
    else:
        earlier = command.priority is None and await uow.participations.waited_in_vain(
            participation.program_id, participation.person_id, cohort.cohort_id
        )
        participation.rank(command.priority, earlier)
        queue = await uow.participations.queue(cohort.cohort_id, participation.role, places)
        if command.decision is Decision.ADMIT:
            participation.admit(queue)
        else:
            participation.waitlist(queue)
    uow.participations.save(participation)
    publish_participation(participation, uow)
    uow.audit(
        "decide-admission",
        subject_id=participation.participation_id,
        business_unit_id=participation.business_unit_id,
        before={"state": before},
        after={
            "state": participation.state.value,
            "queue_number": participation.queue_number,
            "priority": participation.priority,
        },
    )
    return participation
