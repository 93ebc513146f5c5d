"""Fair shares of scarce places: which limits a cohort may set, and why no others.

A limit must nest in the graph of the assignment: the places of one unit's mentors in all, and those places at one mentee.
Limits that cross (on the mentees of a unit, on a grade, on a topic) would lose the proof that a result is optimal, so they
are refused rather than approximated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import InvalidInput

from matching.domain.facts import Quota, Role

UNIT_PLACES = "unit_places"
UNIT_PLACES_AT_MENTEE = "unit_places_at_mentee"
KINDS = (UNIT_PLACES, UNIT_PLACES_AT_MENTEE)
MOST_QUOTAS = 500


@dataclass(slots=True)
class CohortQuotas:
    """All quotas of one cohort, set and changed together."""

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    quotas: tuple[Quota, ...] = ()
    version: int = 0

    def set(self, quotas: Sequence[Quota]) -> None:
        """Replace them all."""
        self.quotas = tuple(quotas)
        self.version += 1


def kind_of(quota: Quota) -> str:
    """Which of the two kinds a quota is."""
    return UNIT_PLACES if quota.mentee is None else UNIT_PLACES_AT_MENTEE


def quota_of_kind(place: int, kind: str, unit: UUID, places: int, mentee: UUID | None) -> Quota:
    """The quota number `place` of a list, of one of the two kinds.

    :raises InvalidInput: another kind, or a mentee where there must be none or none where there must be one.
    """
    if kind not in KINDS:
        raise InvalidInput(
            "Only limits that nest keep a result provably optimal: places of one unit's mentors in all, or at one mentee.",
            field=f"quotas/{place}/kind",
            remedy=f"Send {UNIT_PLACES} or {UNIT_PLACES_AT_MENTEE}.",
        )
    if (kind == UNIT_PLACES_AT_MENTEE) is (mentee is None):
        raise InvalidInput(
            "A limit at one mentee names the mentee's participation; the other kind names none.",
            field=f"quotas/{place}/mentee_participation_id",
            remedy="Send it with unit_places_at_mentee only.",
        )
    return Quota(unit, places, mentee)


def check_quotas(quotas: Sequence[Quota], units: Collection[UUID], roles: Mapping[UUID, Role]) -> None:
    """Whether the quotas fit a cohort of these units and participations, each limit said once.

    :raises InvalidInput: a unit that is not named on the cohort, a participation that is no mentee of it, a limit said twice.
    """
    seen: set[tuple[UUID, UUID | None]] = set()
    for place, quota in enumerate(quotas):
        if quota.business_unit_id not in units:
            raise InvalidInput(
                "The unit is not named on the cohort.", field=f"quotas/{place}/unit_id", remedy="Name one that is."
            )
        if quota.mentee is not None and roles.get(quota.mentee) is not Role.MENTEE:
            raise InvalidInput(
                "The participation is no mentee of the cohort.",
                field=f"quotas/{place}/mentee_participation_id",
                remedy="Send the participation of a mentee.",
            )
        if (quota.business_unit_id, quota.mentee) in seen:
            raise InvalidInput("The limit is said twice.", field=f"quotas/{place}", remedy="Say each limit once.")
        seen.add((quota.business_unit_id, quota.mentee))
