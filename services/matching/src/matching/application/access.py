"""Whose business something is."""

from __future__ import annotations

from uuid import UUID

from chassis.ports import NotVisible

from matching.application.ports import KnownCohort, MatchingUnitOfWork
from matching.domain.waiver import Actor


def own_unit(uow: MatchingUnitOfWork) -> UUID:
    """The unit of who acts.

    :raises NotVisible: they belong to none.
    """
    unit = uow.principal.business_unit_id
    if unit is None:
        raise NotVisible("no business unit")
    return unit


async def own_cohort(cohort_id: UUID, uow: MatchingUnitOfWork) -> KnownCohort:
    """A cohort that the unit of who acts owns; being named on it is not enough.

    :raises NotVisible: there is none.
    """
    cohort = await uow.known_cohorts.get(cohort_id)
    if cohort is None or cohort.business_unit_id != uow.principal.business_unit_id:
        raise NotVisible("no such cohort")
    return cohort


def actor(uow: MatchingUnitOfWork) -> Actor:
    """Who acts, as a waiver names them."""
    return Actor(uow.principal.subject, uow.principal.person_id)
