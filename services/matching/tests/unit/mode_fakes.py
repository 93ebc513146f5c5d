"""Self mode's, preferences', quotas' and the review's repositories in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from matching.domain.facts import Quota
from matching.domain.match_request import MatchRequest, RequestState
from matching.domain.pair import PairState
from matching.domain.pair_review import PairReview, ReviewVerdict
from matching.domain.preferences import Preferences
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search, SearchState
from matching.domain.what_if import Scored, WhatIf, WhatIfState


class FakePlaces:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.holding: list[UUID] = []

    async def hold(self, cohort_id: UUID) -> None:
        self.holding.append(cohort_id)

    async def taken(self, participation_ids: Collection[UUID]) -> Counter[UUID]:
        assert self.holding, "places are counted by whoever holds them"
        return Counter(
            member.participation_id
            for pair in self._standing()
            for member in (pair.mentor, pair.mentee)
            if member.participation_id in participation_ids
        )

    async def together(self, mentor: UUID, mentee: UUID) -> bool:
        return any(
            (pair.mentor.participation_id, pair.mentee.participation_id) == (mentor, mentee)
            for pair in self._standing()
        )

    def _standing(self) -> list[Any]:
        ended = {pair.pair_id for pair in self.uow.known_pairs.held.values() if pair.ended}
        states = (PairState.RELEASED, PairState.FORMED, PairState.QUARANTINED)
        return [pair for pair in self.uow.pairs.held.values() if pair.state in states and pair.pair_id not in ended]


class FakeSearches:
    def __init__(self) -> None:
        self.held: dict[UUID, Search] = {}
        self.active: dict[UUID, date] = {}

    async def erase(self, people: Collection[UUID]) -> None:
        self.held = {key: one for key, one in self.held.items() if one.person_id not in people}

    def _of(self, participation_id: UUID) -> list[Search]:
        own = [one for one in self.held.values() if one.participation_id == participation_id]
        return sorted(own, key=lambda one: one.search_id, reverse=True)

    async def latest(self, participation_id: UUID) -> Search | None:
        return next(iter(self._of(participation_id)), None)

    async def latest_answered(self, participation_id: UUID) -> Search | None:
        return next((one for one in self._of(participation_id) if one.state is not SearchState.QUEUED), None)

    async def due(self, limit: int, lease_seconds: float) -> Sequence[Search]:
        return [one for one in self.held.values() if one.state is SearchState.QUEUED][:limit]

    async def unanswered(self, search_ids: Collection[UUID]) -> Sequence[Search]:
        return [self.held[key] for key in search_ids if self.held[key].state is SearchState.QUEUED]

    def add(self, search: Search) -> None:
        self.held[search.search_id] = search

    async def save(self, search: Search) -> None:
        assert self.held[search.search_id] is search

    async def last_active(self, cohort_id: UUID) -> Mapping[UUID, date]:
        return self.active


class FakeRequests:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.held: dict[UUID, MatchRequest] = {}

    def _open(self) -> list[MatchRequest]:
        return [one for one in self.held.values() if one.state is RequestState.OPEN]

    async def get(self, request_id: UUID) -> MatchRequest | None:
        return self.held.get(request_id)

    async def between(self, mentor: UUID, mentee: UUID) -> Sequence[MatchRequest]:
        both = mentor, mentee
        return [one for one in self.held.values() if (one.mentor.participation_id, one.mentee.participation_id) == both]

    async def open_of(self, participation_id: UUID, now: datetime) -> int:
        own = [one for one in self._open() if one.member(one.asker).participation_id == participation_id]
        return sum(one.expires_at > now for one in own)

    async def unchecked(self, limit: int) -> Sequence[MatchRequest]:
        def mark(one: MatchRequest) -> int:
            sides = self.uow.known_participations.held
            return sum(sides[side.participation_id].sequence for side in (one.mentor, one.mentee))

        return [one for one in self._open() if not one.checked or one.mark != mark(one)][:limit]

    async def late(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        return [one for one in self._open() if one.expires_at <= now][:limit]

    async def due_reminders(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        return [one for one in self._open() if one.remind_at <= now and one.reminded_at is None][:limit]

    async def impossible(self, limit: int) -> Sequence[MatchRequest]:
        gone = {one.participation_id for one in self.uow.known_participations.held.values() if not one.may_be_matched}
        return [one for one in self._open() if {one.mentor.participation_id, one.mentee.participation_id} & gone]

    async def uncheck(self, people: Collection[UUID]) -> None:
        for one in self._open():
            if not set(people).isdisjoint(one.people):
                one.checked = False

    async def uncheck_program(self, program_id: UUID) -> None:
        for one in self._open():
            if one.program_id == program_id:
                one.checked = False

    def add(self, request: MatchRequest) -> None:
        self.held[request.request_id] = request

    def save(self, request: MatchRequest) -> None:
        assert self.held[request.request_id] is request


class FakePreferences:
    def __init__(self) -> None:
        self.held: dict[UUID, Preferences] = {}

    async def erase(self, people: Collection[UUID]) -> None:
        self.held = {key: one for key, one in self.held.items() if one.person_id not in people}

    async def of_cohort(self, cohort_id: UUID) -> Mapping[UUID, tuple[UUID, ...]]:
        return {key: one.ranked for key, one in self.held.items() if one.cohort_id == cohort_id and one.ranked}

    async def get(self, participation_id: UUID) -> Preferences | None:
        return self.held.get(participation_id)

    def put(self, preferences: Preferences) -> None:
        self.held[preferences.participation_id] = preferences


class FakeQuotas:
    def __init__(self) -> None:
        self.held: dict[UUID, CohortQuotas] = {}

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Quota]:
        return self.held[cohort_id].quotas if cohort_id in self.held else ()

    async def get(self, cohort_id: UUID) -> CohortQuotas | None:
        return self.held.get(cohort_id)

    def put(self, quotas: CohortQuotas) -> None:
        self.held[quotas.cohort_id] = quotas


class FakeReviews:
    def __init__(self) -> None:
        self.held: dict[UUID, PairReview] = {}

    async def about(self, cohort_id: UUID, mentor: UUID, mentee: UUID) -> PairReview | None:
        key = cohort_id, mentor, mentee
        return next(
            (
                one
                for one in self.held.values()
                if (one.cohort_id, one.mentor_participation_id, one.mentee_participation_id) == key
            ),
            None,
        )

    def add(self, review: PairReview) -> None:
        self.held[review.review_id] = review

    def save(self, review: PairReview) -> None:
        assert self.held[review.review_id] is review

    def remove(self, review: PairReview) -> None:
        del self.held[review.review_id]


class FakeVerdicts:
    def __init__(self, reviews: FakeReviews, verdict: ReviewVerdict) -> None:
        self.reviews, self.verdict = reviews, verdict

    async def of_cohort(self, cohort_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        return sorted(
            (one.mentor_participation_id, one.mentee_participation_id)
            for one in self.reviews.held.values()
            if one.cohort_id == cohort_id and one.verdict is self.verdict
        )


class FakeWhatIfs:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.held: dict[UUID, WhatIf] = {}

    async def get(self, what_if_id: UUID) -> WhatIf | None:
        return self.held.get(what_if_id)

    async def due(self, lease_seconds: float) -> WhatIf | None:
        return next((one for one in self.held.values() if one.state is WhatIfState.QUEUED), None)

    async def lease(self, what_if: WhatIf, seconds: float) -> None:
        assert self.held[what_if.what_if_id] is what_if

    async def base(self, run_id: UUID) -> Sequence[Scored]:
        return [
            Scored(pair.mentor.participation_id, pair.mentee.participation_id, pair.fit.score)
            for pair in self.uow.pairs.held.values()
            if pair.run_id == run_id
        ]

    def add(self, what_if: WhatIf) -> None:
        self.held[what_if.what_if_id] = what_if

    def save(self, what_if: WhatIf) -> None:
        assert self.held[what_if.what_if_id] is what_if


class ModeFakes:
    """What a unit of work in memory has of these modes."""

    def hold_modes(self) -> None:
        """Make the repositories."""
        self.places = FakePlaces(self)
        self.searches = FakeSearches()
        self.requests = FakeRequests(self)
        self.preferences = FakePreferences()
        self.quotas = FakeQuotas()
        self.reviews = FakeReviews()
        self.locks = FakeVerdicts(self.reviews, ReviewVerdict.LOCKED)
        self.rejections = FakeVerdicts(self.reviews, ReviewVerdict.REJECTED)
        self.what_ifs = FakeWhatIfs(self)
