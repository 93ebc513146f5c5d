"""Repositories of self mode, preferences, quotas and the review upon a write session; see `application.mode_ports`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import Select, bindparam, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from matching.adapters import mode_rows
from matching.adapters.activity import LAST_ACTIVE
from matching.adapters.tables import (
    known_participations,
    match_requests,
    pair_reviews,
    pairs,
    place_claims,
    preferences,
    quotas,
    searches,
    what_ifs,
)
from matching.domain.facts import Quota
from matching.domain.match_request import MatchRequest
from matching.domain.pair_review import PairReview, ReviewVerdict
from matching.domain.preferences import Preferences
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search
from matching.domain.what_if import Scored, WhatIf

_REAL_NOW = func.clock_timestamp()
_OPEN = match_requests.c.state == "open"

_TAKEN = text(
    """
    SELECT side.participation_id, count(*) AS places
    FROM place_claims
    CROSS JOIN LATERAL (VALUES (mentor_participation_id), (mentee_participation_id)) AS side (participation_id)
    WHERE (mentor_participation_id = ANY (CAST(:ids AS uuid[])) OR mentee_participation_id = ANY (CAST(:ids AS uuid[])))
      AND side.participation_id = ANY (CAST(:ids AS uuid[]))
    GROUP BY side.participation_id
    """
)
# Who takes part no more, has left, or holds as many places as they have.
_IMPOSSIBLE = text(
    """
    SELECT match_requests.* FROM match_requests
    WHERE state = 'open' AND EXISTS (
        SELECT FROM known_participations AS side
        LEFT JOIN known_people ON known_people.person_id = side.person_id
        WHERE side.participation_id IN (match_requests.mentor_participation_id, match_requests.mentee_participation_id)
          AND (side.state NOT IN ('admitted', 'matched', 'active')
               OR NOT coalesce(known_people.employed, true)
               OR CASE WHEN side.role = 'mentee' AND side.capacity > 0
                       THEN greatest(side.capacity, match_requests.mentors_per_mentee) ELSE side.capacity END <= (
                   SELECT count(*) FROM place_claims
                   WHERE mentor_participation_id = side.participation_id
                      OR mentee_participation_id = side.participation_id))
    )
    ORDER BY request_id
    LIMIT :most
    FOR UPDATE OF match_requests SKIP LOCKED
    """
)


class Places:
    """See `application.mode_ports.Places`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def hold(self, cohort_id: UUID) -> None:
        """See the port."""
        key = func.hashtextextended(literal(f"places of cohort {cohort_id}"), 0)
        await self._session.fetch_one(select(func.pg_advisory_xact_lock(key)))

    async def taken(self, participation_ids: Collection[UUID]) -> Counter[UUID]:
        """See the port."""
        found = await self._session.fetch_all(_TAKEN, {"ids": list(participation_ids)})
        return Counter({row["participation_id"]: row["places"] for row in found})

    async def together(self, mentor: UUID, mentee: UUID) -> bool:
        """See the port."""
        held = select(place_claims.c.pair_id).where(
            place_claims.c.mentor_participation_id == mentor, place_claims.c.mentee_participation_id == mentee
        )
        return await self._session.fetch_one(held.limit(1)) is not None


class Searches:
    """See `application.mode_ports.SearchRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def erase(self, people: Collection[UUID]) -> None:
        """See the port."""
        gone = bindparam("gone", list(people), ARRAY(Uuid))
        await self._session.execute(delete(searches).where(searches.c.person_id == func.any(gone)))

    async def latest(self, participation_id: UUID) -> Search | None:
        """See the port."""
        return await self._youngest(select(searches).where(searches.c.participation_id == participation_id))

    async def latest_answered(self, participation_id: UUID) -> Search | None:
        """See the port."""
        return await self._youngest(
            select(searches).where(searches.c.participation_id == participation_id, searches.c.state != "queued")
        )

    async def _youngest(self, statement: Select[Any]) -> Search | None:
        row = await self._session.fetch_one(statement.order_by(searches.c.search_id.desc()).limit(1))
        return None if row is None else mode_rows.search_of(row)

    async def due(self, limit: int, lease_seconds: float) -> Sequence[Search]:
        """See the port."""
        waiting = (
            select(searches)
            .where(
                searches.c.state == "queued",
                or_(searches.c.leased_until.is_(None), searches.c.leased_until < _REAL_NOW),
            )
            .order_by(searches.c.search_id)
            .with_for_update(skip_locked=True)
        )
        first = await self._session.fetch_one(waiting.limit(1))
        if first is None:
            return ()
        found = await self._session.fetch_all(waiting.where(searches.c.cohort_id == first["cohort_id"]).limit(limit))
        until = _REAL_NOW + func.make_interval(0, 0, 0, 0, 0, 0, lease_seconds)
        claimed = [row["search_id"] for row in found]
        await self._session.execute(
            update(searches).where(searches.c.search_id.in_(claimed)).values(leased_until=until)
        )
        return [mode_rows.search_of(row) for row in found]

    async def unanswered(self, search_ids: Collection[UUID]) -> Sequence[Search]:
        """See the port."""
        found = await self._session.fetch_all(
            select(searches)
            .where(searches.c.search_id.in_(list(search_ids)), searches.c.state == "queued")
            .order_by(searches.c.search_id)
            .with_for_update()
        )
        return [mode_rows.search_of(row) for row in found]

    def add(self, search: Search) -> None:
        """See the port."""
        self._session.insert(searches, mode_rows.search_values(search))

    async def save(self, search: Search) -> None:
        """See the port."""
        self._session.update(searches, {"search_id": search.search_id}, mode_rows.answer_values(search))
        await self._session.execute(
            delete(searches).where(
                searches.c.participation_id == search.participation_id, searches.c.search_id < search.search_id
            )
        )

    async def last_active(self, cohort_id: UUID) -> Mapping[UUID, date]:
        """See the port."""
        found = await self._session.fetch_all(LAST_ACTIVE, {"cohort_id": cohort_id, "ids": None})
        return {row["participation_id"]: row["day"] for row in found}


class Requests:
    """See `application.mode_ports.RequestRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, request_id: UUID) -> MatchRequest | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(match_requests).where(match_requests.c.request_id == request_id).with_for_update()
        )
        return None if row is None else mode_rows.request_of(row)

    async def between(self, mentor: UUID, mentee: UUID) -> Sequence[MatchRequest]:
        """See the port."""
        return await self._requests(
            select(match_requests)
            .where(
                match_requests.c.mentor_participation_id == mentor, match_requests.c.mentee_participation_id == mentee
            )
            .order_by(match_requests.c.request_id)
        )

    async def open_of(self, participation_id: UUID, now: datetime) -> int:
        """See the port."""
        asker = match_requests.c.asker
        own = or_(
            (asker == "mentor") & (match_requests.c.mentor_participation_id == participation_id),
            (asker == "mentee") & (match_requests.c.mentee_participation_id == participation_id),
        )
        counted = select(func.count()).select_from(match_requests)
        return int(await self._session.scalar(counted.where(_OPEN, own, match_requests.c.expires_at > now)))

    async def unchecked(self, limit: int) -> Sequence[MatchRequest]:
        """See the port."""
        mark = (
            select(func.sum(known_participations.c.sequence))
            .where(
                known_participations.c.participation_id.in_(
                    [match_requests.c.mentor_participation_id, match_requests.c.mentee_participation_id]
                )
            )
            .scalar_subquery()
        )
        return await self._open(~match_requests.c.checked | (match_requests.c.mark != mark), limit)

    async def late(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        """See the port."""
        return await self._open(match_requests.c.expires_at <= now, limit)

    async def due_reminders(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        """See the port."""
        due = (
            (match_requests.c.remind_at <= now)
            & match_requests.c.reminded_at.is_(None)
            & match_requests.c.shown_at.is_not(None)
            & (match_requests.c.expires_at > now)
        )
        return await self._open(due, limit)

    async def impossible(self, limit: int) -> Sequence[MatchRequest]:
        """See the port."""
        found = await self._session.fetch_all(_IMPOSSIBLE, {"most": limit})
        return [mode_rows.request_of(row) for row in found]

    async def uncheck(self, people: Collection[UUID]) -> None:
        """See the port."""
        seen = match_requests.c.people.overlap(bindparam("changed", list(people), ARRAY(Uuid)))
        await self._session.execute(update(match_requests).where(_OPEN, seen).values(checked=False))

    async def uncheck_program(self, program_id: UUID) -> None:
        """See the port."""
        await self._session.execute(
            update(match_requests).where(_OPEN, match_requests.c.program_id == program_id).values(checked=False)
        )

    def add(self, request: MatchRequest) -> None:
        """See the port."""
        self._session.insert(match_requests, mode_rows.request_values(request))

    def save(self, request: MatchRequest) -> None:
        """See the port."""
        self._session.update(
            match_requests, {"request_id": request.request_id}, mode_rows.changing_request_values(request)
        )

    async def _open(self, condition: Any, limit: int) -> Sequence[MatchRequest]:
        return await self._requests(
            select(match_requests)
            .where(_OPEN, condition)
            .order_by(match_requests.c.request_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

    async def _requests(self, statement: Select[Any]) -> Sequence[MatchRequest]:
        return [mode_rows.request_of(row) for row in await self._session.fetch_all(statement)]


class PreferenceLists:
    """See `application.mode_ports.PreferenceRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def erase(self, people: Collection[UUID]) -> None:
        """See the port."""
        gone = bindparam("gone", list(people), ARRAY(Uuid))
        await self._session.execute(delete(preferences).where(preferences.c.person_id == func.any(gone)))

    async def of_cohort(self, cohort_id: UUID) -> Mapping[UUID, tuple[UUID, ...]]:
        """See the port."""
        found = await self._session.fetch_all(
            select(preferences.c.participation_id, preferences.c.ranked).where(
                preferences.c.cohort_id == cohort_id, func.cardinality(preferences.c.ranked) > 0
            )
        )
        return {row["participation_id"]: tuple(row["ranked"]) for row in found}

    async def get(self, participation_id: UUID) -> Preferences | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(preferences).where(preferences.c.participation_id == participation_id).with_for_update()
        )
        return None if row is None else mode_rows.preferences_of(row)

    def put(self, changed: Preferences) -> None:
        """See the port."""
        self._session.upsert(
            preferences, mode_rows.preferences_values(changed), key=["participation_id"], newer="version"
        )


class Quotas:
    """See `application.mode_ports.QuotaRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Quota]:
        """See the port."""
        row = await self._session.fetch_one(select(quotas).where(quotas.c.cohort_id == cohort_id))
        return () if row is None else mode_rows.quotas_of(row).quotas

    async def get(self, cohort_id: UUID) -> CohortQuotas | None:
        """See the port."""
        row = await self._session.fetch_one(select(quotas).where(quotas.c.cohort_id == cohort_id).with_for_update())
        return None if row is None else mode_rows.quotas_of(row)

    def put(self, changed: CohortQuotas) -> None:
        """See the port."""
        self._session.upsert(quotas, mode_rows.quotas_values(changed), key=["cohort_id"], newer="version")


class Reviews:
    """See `application.mode_ports.ReviewRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def about(self, cohort_id: UUID, mentor: UUID, mentee: UUID) -> PairReview | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(pair_reviews)
            .where(
                pair_reviews.c.cohort_id == cohort_id,
                pair_reviews.c.mentor_participation_id == mentor,
                pair_reviews.c.mentee_participation_id == mentee,
            )
            .with_for_update()
        )
        return None if row is None else mode_rows.review_of(row)

    def add(self, review: PairReview) -> None:
        """See the port."""
        self._session.insert(pair_reviews, mode_rows.review_values(review))

    def save(self, review: PairReview) -> None:
        """See the port."""
        self._session.update(pair_reviews, {"review_id": review.review_id}, mode_rows.review_values(review))

    def remove(self, review: PairReview) -> None:
        """See the port."""
        self._session.delete(pair_reviews, {"review_id": review.review_id})


class Verdicts:
    """See `application.mode_ports.Verdicts`: the pairs of one verdict."""

    def __init__(self, session: WriteSession, verdict: ReviewVerdict) -> None:
        self._session = session
        self._verdict = verdict

    async def of_cohort(self, cohort_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        """See the port."""
        pair = pair_reviews.c.mentor_participation_id, pair_reviews.c.mentee_participation_id
        found = await self._session.fetch_all(
            select(*pair)
            .where(pair_reviews.c.cohort_id == cohort_id, pair_reviews.c.verdict == self._verdict.value)
            .order_by(*pair)
        )
        return [(row["mentor_participation_id"], row["mentee_participation_id"]) for row in found]


class WhatIfs:
    """See `application.mode_ports.WhatIfRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, what_if_id: UUID) -> WhatIf | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(what_ifs).where(what_ifs.c.what_if_id == what_if_id).with_for_update()
        )
        return None if row is None else mode_rows.what_if_of(row)

    async def due(self, lease_seconds: float) -> WhatIf | None:
        """See the port."""
        lease_is_over = (what_ifs.c.state == "running") & (what_ifs.c.leased_until < _REAL_NOW)
        waiting = (what_ifs.c.state == "queued") & (
            what_ifs.c.leased_until.is_(None) | (what_ifs.c.leased_until < _REAL_NOW)
        )
        row = await self._session.fetch_one(
            select(what_ifs)
            .where(waiting | lease_is_over)
            .order_by(what_ifs.c.what_if_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        found = mode_rows.what_if_of(row)
        await self.lease(found, lease_seconds)
        return found

    async def lease(self, what_if: WhatIf, seconds: float) -> None:
        """See the port."""
        until = _REAL_NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await self._session.execute(
            update(what_ifs).where(what_ifs.c.what_if_id == what_if.what_if_id).values(leased_until=until)
        )

    async def base(self, run_id: UUID) -> Sequence[Scored]:
        """See the port."""
        found = await self._session.fetch_all(
            select(pairs.c.mentor_participation_id, pairs.c.mentee_participation_id, pairs.c.score)
            .where(pairs.c.run_id == run_id)
            .order_by(pairs.c.pair_id)
        )
        return [Scored(*row.values()) for row in found]

    def add(self, what_if: WhatIf) -> None:
        """See the port."""
        self._session.insert(what_ifs, mode_rows.what_if_values(what_if))

    def save(self, what_if: WhatIf) -> None:
        """See the port."""
        self._session.update(what_ifs, {"what_if_id": what_if.what_if_id}, mode_rows.changing_what_if_values(what_if))
