"""Somebody looks for people they may ask or rank; a worker will answer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts.identifiers import uuid7

from matching.application.own_participation import RANKING, own_participation
from matching.application.ports import MatchingUnitOfWork
from matching.domain.search import Search, SearchState


@dataclass(frozen=True, slots=True)
class StartSearch:
    """Find the people opposite for a participation of the principal's own."""

    participation_id: UUID


async def start_search(command: StartSearch, uow: MatchingUnitOfWork) -> Search:
    """Queue a search; the one that is queued already, if there is one.

    :raises NotVisible: no such participation of the principal's own.
    :raises Conflict: not admitted, the cohort is not being matched, or the last answer is younger than a minute.
    """
    own, cohort = await own_participation(command.participation_id, uow, RANKING)
    latest = await uow.searches.latest(own.participation_id)
    if latest is not None:
        if latest.state is SearchState.QUEUED:
            return latest
        latest.check_pause(uow.now)
    search = Search(
        search_id=uuid7(),
        participation_id=own.participation_id,
        person_id=own.person_id,
        cohort_id=cohort.cohort_id,
        program_id=cohort.program_id,
        business_unit_id=cohort.business_unit_id,
        named_unit_ids=tuple(sorted({cohort.business_unit_id, own.home_unit_id})),
        requested_at=uow.now,
    )
    uow.searches.add(search)
    return search
