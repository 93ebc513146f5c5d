"""Somebody says whom they would like to meet, in their own order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.ports import Conflict, check_version

from matching.application.own_participation import RANKING, own_participation
from matching.application.ports import MatchingUnitOfWork
from matching.domain.preferences import Preferences


@dataclass(frozen=True, slots=True)
class RankPeople:
    """Rank these participations of the other side, the dearest first; `expected` is the version seen, where one was."""

    participation_id: UUID
    ranked: Sequence[UUID]
    expected: int | None = None


async def rank_people(command: RankPeople, uow: MatchingUnitOfWork) -> Preferences:
    """Replace the principal's preferences. They count in the score of the next run, and never override a rule.

    :raises NotVisible: no such participation of one's own, or somebody the last search has not found.
    :raises InvalidInput: more people than the program allows, or somebody twice.
    :raises Conflict: the program's mode, the cohort's state, or no search.
    """
    own, cohort = await own_participation(command.participation_id, uow, RANKING)
    search = await uow.searches.latest_answered(own.participation_id)
    if search is None:
        raise Conflict("You have not searched yet.", remedy="Search for people first.")
    terms = search.terms_for(uow.now)
    if terms.mode != "hybrid":
        raise Conflict("In this program people are not ranked.", remedy="Ask somebody instead.")
    preferences = await uow.preferences.get(own.participation_id)
    if preferences is None:
        preferences = Preferences(
            participation_id=own.participation_id,
            cohort_id=cohort.cohort_id,
            person_id=own.person_id,
            business_unit_id=cohort.business_unit_id,
            named_unit_ids=tuple(sorted({cohort.business_unit_id, own.home_unit_id})),
            ranked=(),
            changed_at=uow.now,
        )
    check_version(preferences.version, command.expected)
    for participation_id in command.ranked:
        if participation_id not in preferences.ranked:
            search.check_found(participation_id)
    preferences.rank(command.ranked, terms.preference_limit, uow.now)
    uow.preferences.put(preferences)
    return preferences
