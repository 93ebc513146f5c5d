"""What may be looked at of searches, requests and preferences by the people themselves; of quotas, reviews and what-ifs by the
program managers of the unit that owns the cohort.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import InvalidInput, NotVisible, Principal
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from matching.adapters import mode_rows, rows
from matching.adapters.activity import LAST_ACTIVE
from matching.adapters.tables import (
    known_participations,
    match_requests,
    pair_reviews,
    place_claims,
    preferences,
    quotas,
    runs,
    searches,
    what_ifs,
)
from matching.adapters.visibility import owned_by, page_of, require_own_cohort
from matching.application.mode_views import (
    CohortRequestsView,
    FoundView,
    PreferencesView,
    QuotasView,
    RequestState,
    RequestView,
    ReviewView,
    SearchView,
    WhatIfView,
    cohort_request_view,
    found_view,
    preferences_view,
    quotas_view,
    request_view,
    search_view,
    what_if_view,
)
from matching.application.take_snapshot import places_of
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search


def _own_requests(principal: Principal) -> ColumnElement[bool]:
    """Requests of the principal's own: those they have made, and those made to them that are shown."""
    person, asker = principal.person_id, match_requests.c.asker
    if person is None:
        return false()
    shown = match_requests.c.shown_at.is_not(None)
    return or_(
        and_(match_requests.c.mentor_id == person, or_(asker == "mentor", shown)),
        and_(match_requests.c.mentee_id == person, or_(asker == "mentee", shown)),
    )


class ModeViews:
    """Reads of one transaction."""

    _session: ReadSession

    async def search(self, search_id: UUID, principal: Principal) -> SearchView:
        """A search of the principal's own.

        :raises NotVisible: there is none.
        """
        return search_view(await self._own_search(search_id, principal))

    async def people_found(
        self, search_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[FoundView]:
        """At most `limit` people of a search of the principal's own who still take part, in the order of fit.

        :raises NotVisible: there is no such search.
        :raises InvalidInput: `after` is not among them.
        """
        search = await self._own_search(search_id, principal)
        places = await self._free_places(search)
        found = [one for one in search.found if one.participation_id in places]
        start = 0
        if after is not None:
            ids = [one.participation_id for one in found]
            if after not in ids:
                raise InvalidInput("The list has changed.", field="cursor", remedy="Read it from its beginning.")
            start = ids.index(after) + 1
        return [
            found_view(one, has_free_place=places[one.participation_id] > 0) for one in found[start : start + limit]
        ]

    async def requests(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[RequestView]:
        """At most `limit` requests of the principal's own, made or received, in the order of their ids."""
        statement = select(match_requests).where(_own_requests(principal))
        found = await self._session.fetch_all(page_of(statement, match_requests.c.request_id, after, limit))
        return [request_view(mode_rows.request_of(row), principal.person_id) for row in found]

    async def request(self, request_id: UUID, principal: Principal) -> RequestView:
        """A request of the principal's own, made or received.

        :raises NotVisible: there is none.
        """
        row = await self._session.fetch_one(
            select(match_requests).where(match_requests.c.request_id == request_id, _own_requests(principal))
        )
        if row is None:
            raise NotVisible("no such request")
        return request_view(mode_rows.request_of(row), principal.person_id)

    async def requests_of_cohort(
        self,
        cohort_id: UUID,
        principal: Principal,
        *,
        state: RequestState | None,
        overdue: bool,
        after: UUID | None,
        limit: int,
    ) -> CohortRequestsView:
        """All requests of a cohort counted, and at most `limit` of them in the order of their ids: of one state, or with `overdue`
        the open ones whose reminder has gone out unanswered.

        :raises NotVisible: no such cohort of the principal's unit.
        """
        await require_own_cohort(self._session, cohort_id, principal)
        of_cohort = match_requests.c.cohort_id == cohort_id
        is_overdue = and_(match_requests.c.state == RequestState.OPEN.value, match_requests.c.reminded_at.is_not(None))
        counted = await self._session.fetch_all(
            select(match_requests.c.state, func.count().label("all"), func.count().filter(is_overdue).label("overdue"))
            .where(of_cohort)
            .group_by(match_requests.c.state)
        )
        statement = select(match_requests).where(of_cohort)
        if state is not None:
            statement = statement.where(match_requests.c.state == state.value)
        if overdue:
            statement = statement.where(is_overdue)
        found = await self._session.fetch_all(page_of(statement, match_requests.c.request_id, after, limit))
        requests = [mode_rows.request_of(row) for row in found]
        asked = {"cohort_id": cohort_id, "ids": [request.asked.participation_id for request in requests]}
        active = await self._session.fetch_all(LAST_ACTIVE, asked)
        days = {row["participation_id"]: row["day"] for row in active}
        return CohortRequestsView(
            cohort_id=cohort_id,
            counts={RequestState(row["state"]): row["all"] for row in counted},
            overdue=sum(row["overdue"] for row in counted),
            requests=tuple(cohort_request_view(request, days) for request in requests),
        )

    async def preferences(self, participation_id: UUID, principal: Principal) -> PreferencesView:
        """The preferences of a participation of the principal's own.

        :raises NotVisible: there is no such participation.
        """
        own = await self._session.fetch_one(
            select(known_participations.c.participation_id).where(
                known_participations.c.participation_id == participation_id,
                known_participations.c.person_id == principal.person_id,
            )
        )
        if own is None:
            raise NotVisible("no such participation")
        row = await self._session.fetch_one(
            select(preferences).where(preferences.c.participation_id == participation_id)
        )
        if row is None:
            return PreferencesView(participation_id, (), 0)
        return preferences_view(mode_rows.preferences_of(row))

    async def quotas(self, cohort_id: UUID, principal: Principal) -> QuotasView:
        """The quotas of a cohort.

        :raises NotVisible: no such cohort of the principal's unit.
        """
        await require_own_cohort(self._session, cohort_id, principal)
        row = await self._session.fetch_one(select(quotas).where(quotas.c.cohort_id == cohort_id))
        if row is None:
            return quotas_view(CohortQuotas(cohort_id, cohort_id, cohort_id))
        return quotas_view(mode_rows.quotas_of(row))

    async def reviews(
        self, cohort_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[ReviewView]:
        """At most `limit` standing verdicts about pairs of a cohort, in the order of their ids.

        :raises NotVisible: no such cohort of the principal's unit.
        """
        await require_own_cohort(self._session, cohort_id, principal)
        statement = select(pair_reviews).where(pair_reviews.c.cohort_id == cohort_id)
        found = await self._session.fetch_all(page_of(statement, pair_reviews.c.review_id, after, limit))
        reviews = [mode_rows.review_of(row) for row in found]
        return [
            ReviewView(
                review.cohort_id,
                review.mentor_participation_id,
                review.mentee_participation_id,
                review.verdict,
                review.reason,
                review.decided_at,
                review.review_id,
            )
            for review in reviews
        ]

    async def what_if(self, what_if_id: UUID, principal: Principal) -> WhatIfView:
        """A what-if of a run of the principal's unit.

        :raises NotVisible: there is none.
        """
        row = await self._session.fetch_one(
            select(what_ifs).where(what_ifs.c.what_if_id == what_if_id, owned_by(what_ifs, principal))
        )
        if row is None:
            raise NotVisible("no such what-if")
        return what_if_view(mode_rows.what_if_of(row))

    async def what_ifs_of_run(
        self, run_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[WhatIfView]:
        """At most `limit` what-ifs of a run, in the order of their ids.

        :raises NotVisible: no such run of the principal's unit.
        """
        run = await self._session.fetch_one(
            select(runs.c.run_id).where(runs.c.run_id == run_id, owned_by(runs, principal))
        )
        if run is None:
            raise NotVisible("no such run")
        statement = select(what_ifs).where(what_ifs.c.run_id == run_id)
        found = await self._session.fetch_all(page_of(statement, what_ifs.c.what_if_id, after, limit))
        return [what_if_view(mode_rows.what_if_of(row)) for row in found]

    async def _own_search(self, search_id: UUID, principal: Principal) -> Search:
        row = await self._session.fetch_one(
            select(searches).where(searches.c.search_id == search_id, searches.c.person_id == principal.person_id)
        )
        if row is None:
            raise NotVisible("no such search")
        return mode_rows.search_of(row)

    async def _free_places(self, search: Search) -> dict[UUID, int]:
        """Free places of everybody found who still takes part."""
        ids = [one.participation_id for one in search.found]
        found = await self._session.fetch_all(
            select(known_participations).where(known_participations.c.participation_id.in_(ids))
        )
        people = [rows.participation_of(row) for row in found]
        taken = await self._taken(ids)
        mentors = 1 if search.terms is None else search.terms.mentors_per_mentee
        return {
            one.participation_id: places_of(one, mentors) - taken.get(one.participation_id, 0)
            for one in people
            if one.may_be_matched
        }

    async def _taken(self, participation_ids: Collection[UUID]) -> dict[UUID, int]:
        taken: dict[UUID, int] = {}
        for column in (place_claims.c.mentor_participation_id, place_claims.c.mentee_participation_id):
            found = await self._session.fetch_all(
                select(column.label("side"), func.count().label("places"))
                .where(column.in_(list(participation_ids)))
                .group_by(column)
            )
            for row in found:
                taken[row["side"]] = taken.get(row["side"], 0) + row["places"]
        return taken
