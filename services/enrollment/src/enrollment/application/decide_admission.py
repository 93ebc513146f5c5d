"""A program manager admits, waitlists or declines a candidate; places go in the order of the waitlist."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from enrollment.application.access import own_cohort, own_participation
from enrollment.application.audit_consent import forget_groups
from enrollment.application.facts import publish_participation
from enrollment.application.ports import EnrollmentUnitOfWork
from enrollment.domain.cohorts import Cohort
from enrollment.domain.participations import Decision, Participation, Role, WaitlistQueue


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
    before, had_codes = participation.state.value, bool(participation.background_codes)
    if command.decision is Decision.DECLINE:
        participation.decline()
        if had_codes:
            uow.participations.forget_experience(participation)
        forget_groups(participation, uow)
    else:
        place = (participation.program_id, (participation.person_id,), cohort.cohort_id)
        earlier = command.priority is None and bool(await uow.participations.waited_in_vain(*place))
        queue = await queue_of(cohort, participation.role, uow)
        take_in(participation, command.decision, command.priority, earlier, queue)
    uow.participations.save(participation)
    publish_participation(participation, uow)
    audit_decision(participation, before, uow)
    return participation


async def queue_of(cohort: Cohort, role: Role, uow: EnrollmentUnitOfWork) -> WaitlistQueue:
    """The waitlist of a role of a cohort that is locked."""
    places = cohort.mentor_places if role is Role.MENTOR else cohort.mentee_places
    return await uow.participations.queue(cohort.cohort_id, role, places)


def take_in(
    participation: Participation, decision: Decision, priority: int | None, waited_before: bool, queue: WaitlistQueue
) -> WaitlistQueue:
    """Admit the candidate or let them wait; the queue as it is then. Conflict when it is not their turn."""
    participation.rank(priority, waited_before)
    if decision is Decision.ADMIT:
        number = participation.queue_number
        participation.admit(queue)
        return queue.admitting(number)
    participation.waitlist(queue)
    return queue.joined()


def audit_decision(participation: Participation, before: str, uow: EnrollmentUnitOfWork) -> None:
    """Record who decided what; `before` is the state the candidate was in."""
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
