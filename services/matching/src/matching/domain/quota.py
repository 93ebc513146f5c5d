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

MOST_PAIRS_WITH_QUOTAS = 2_500_000
"""Mentors times mentees that a run with quotas takes, such as 1,600 by 1,560: it lists every allowed pair, so that memory (some 220
bytes a pair) and time (11 s for so many) grow with their number, where a run without quotas keeps the best of each person.
"""


class TooManyPairs(Exception):
    """A run with quotas was to list more pairs than `MOST_PAIRS_WITH_QUOTAS`."""

    remedy = "Take the quotas off, or match in cohorts of fewer people."

    def __init__(self, pairs: int) -> None:
        super().__init__(
            f"With quotas a run takes at most {MOST_PAIRS_WITH_QUOTAS:,} possible pairs; this cohort has {pairs:,}."
        )


def check_size_with_quotas(mentors: int, mentees: int) -> None:
    """Whether a run with quotas takes so many people.

    :raises TooManyPairs: it does not.
    """
    if mentors * mentees > MOST_PAIRS_WITH_QUOTAS:
        raise TooManyPairs(mentors * mentees)


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
