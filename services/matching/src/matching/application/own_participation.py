"""What somebody does as a participant: with their own participation, in a cohort that is matched."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from chassis.ports import Conflict, NotVisible

from matching.application.ports import KnownCohort, KnownParticipation, MatchingUnitOfWork

ASKING = ("matching", "active")
"""States of a cohort in which people may ask each other and form pairs: late joiners too."""

RANKING = ("enrolling", "matching", "active")
"""States of a cohort in which people may look for others and rank them."""


async def own_participation(
    participation_id: UUID, uow: MatchingUnitOfWork, states: Collection[str]
) -> tuple[KnownParticipation, KnownCohort]:
    """The principal's own participation, admitted, and its cohort in one of these states.

    :raises NotVisible: no such participation of the principal's own.
    :raises Conflict: not admitted, or the cohort is in another state.
    """
    found = await uow.known_participations.by_ids([participation_id])
    if not found or uow.principal.person_id is None or found[0].person_id != uow.principal.person_id:
        raise NotVisible("no such participation")
    cohort = await uow.known_cohorts.get(found[0].cohort_id)
    if cohort is None:
        raise NotVisible("no such participation")
    if not found[0].may_be_matched:
        raise Conflict("You do not take part, or are not admitted yet.")
    if cohort.state not in states:
        raise Conflict(f"The cohort is {cohort.state}.")
    return found[0], cohort
