"""A program manager asks that named rules do not count for a mentor and a mentee."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.identifiers import uuid7

from matching.application.access import actor, own_cohort
from matching.application.ports import MatchingUnitOfWork
from matching.domain.facts import Role
from matching.domain.waiver import Waiver, waivable_rules


@dataclass(frozen=True, slots=True)
class RequestWaiver:
    """Waive `rules` for these two participations of a cohort, for a reason that stays with the unit."""

    cohort_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    rules: tuple[str, ...]
    reason: str


async def request_waiver(command: RequestWaiver, uow: MatchingUnitOfWork) -> Waiver:
    """Note the request; nothing is waived before somebody else has approved it.

    :raises NotVisible: no such cohort of the principal's unit, or no such mentor or mentee in it.
    :raises InvalidInput: a rule cannot be waived.
    """
    cohort = await own_cohort(command.cohort_id, uow)
    wanted = {Role.MENTOR: command.mentor_participation_id, Role.MENTEE: command.mentee_participation_id}
    people: dict[Role, UUID] = {}
    for one in await uow.known_participations.by_ids(wanted.values()):
        if one.cohort_id == cohort.cohort_id and wanted[one.role] == one.participation_id:
            people[one.role] = one.person_id
    if len(people) != len(wanted):
        raise NotVisible("no such participation")
    waiver = Waiver(
        waiver_id=uuid7(),
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        mentor_id=people[Role.MENTOR],
        mentee_id=people[Role.MENTEE],
        rules=waivable_rules(command.rules),
        reason=command.reason,
        requested_by=actor(uow),
        requested_at=uow.now,
    )
    uow.waivers.add(waiver)
    uow.audit(
        "request-waiver",
        subject_id=waiver.waiver_id,
        business_unit_id=waiver.business_unit_id,
        after={
            "people": (waiver.mentor_id, waiver.mentee_id),
            "rules": [rule.value for rule in waiver.rules],
            "reason": waiver.reason,
        },
    )
    return waiver
