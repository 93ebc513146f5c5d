"""What can be looked at of searches, requests, preferences, quotas, reviews and what-ifs, as plain values for the routes.

Words are coded; see `matching.domain.sentences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from matching.domain.facts import Quota, Role, Weights
from matching.domain.match_request import MatchRequest, RequestState, opposite
from matching.domain.pair import Pair
from matching.domain.pair_review import PairReview, RejectionReason, ReviewVerdict
from matching.domain.preferences import Preferences
from matching.domain.quota import KINDS, MOST_QUOTAS, CohortQuotas, kind_of, quota_of_kind
from matching.domain.search import MOST_FOUND, Search, SearchState, week_of
from matching.domain.suitability import Suitable, coarse_parts
from matching.domain.what_if import MOST_CHANGES, Changes, WhatIf, WhatIfState

__all__ = [
    "KINDS",
    "MOST_CHANGES",
    "MOST_FOUND",
    "MOST_QUOTAS",
    "Changes",
    "CohortRequestView",
    "CohortRequestsView",
    "FoundView",
    "PreferencesView",
    "Quota",
    "QuotaView",
    "QuotasView",
    "RejectionReason",
    "RequestState",
    "RequestView",
    "ReviewVerdict",
    "ReviewView",
    "Role",
    "SearchState",
    "SearchView",
    "Weights",
    "WhatIfState",
    "WhatIfView",
    "cohort_request_view",
    "found_view",
    "preferences_view",
    "quota_of_kind",
    "quotas_view",
    "request_view",
    "review_view",
    "search_view",
    "what_if_view",
]


@dataclass(frozen=True, slots=True)
class SearchView:
    """A search of one's own; what the program allows is None until there is an answer, and where it was refused."""

    search_id: UUID
    participation_id: UUID
    cohort_id: UUID
    state: SearchState
    refusal: str | None
    mode: str | None
    may_ask: bool | None
    preference_limit: int | None
    found: int
    requested_at: datetime
    completed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class FoundView:
    """Somebody a search has found: nothing of who they are, where they stand, or why others are not there."""

    participation_id: UUID
    offers: Mapping[str, int]
    asks: Mapping[str, int]
    shared_languages: tuple[str, ...]
    parts: Mapping[str, int]
    words: tuple[str, ...]
    has_free_place: bool
    last_active_week: date | None


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request for one of the two. `partner_id` is the other's person: told to who is asked, and to both once it is a pair."""

    request_id: UUID
    cohort_id: UUID
    program_id: UUID
    role: Role
    asked_by_you: bool
    partner_participation_id: UUID
    partner_id: UUID | None
    state: RequestState
    topics: tuple[str, ...]
    shared_languages: tuple[str, ...]
    parts: Mapping[str, int]
    words: tuple[str, ...]
    asked_at: datetime
    expires_at: datetime
    reminded_at: datetime | None
    answered_at: datetime | None
    pair_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class CohortRequestView:
    """A request for the program manager: who waits for whom since when, nothing of why. `last_active_week` is the Monday of the
    week in which the one who is asked last did something, None where they never have.
    """

    request_id: UUID
    asked_by: Role
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    state: RequestState
    asked_at: datetime
    shown_at: datetime | None
    reminded_at: datetime | None
    expires_at: datetime
    answered_at: datetime | None
    last_active_week: date | None


@dataclass(frozen=True, slots=True)
class CohortRequestsView:
    """The requests of a cohort: how many by state, how many open ones whose reminder has gone out unanswered, and a page of them."""

    cohort_id: UUID
    counts: Mapping[RequestState, int]
    overdue: int
    requests: tuple[CohortRequestView, ...]


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """One's own preferences; version 0 before there were any."""

    participation_id: UUID
    ranked: tuple[UUID, ...]
    version: int


@dataclass(frozen=True, slots=True)
class QuotaView:
    """One limit."""

    kind: str
    unit_id: UUID
    places: int
    mentee_participation_id: UUID | None


@dataclass(frozen=True, slots=True)
class QuotasView:
    """The limits of a cohort; version 0 before there were any."""

    cohort_id: UUID
    quotas: tuple[QuotaView, ...]
    version: int


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What stands about a mentor and a mentee of a cohort; without a verdict nothing does."""

    cohort_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    verdict: ReviewVerdict | None
    reason: RejectionReason | None
    decided_at: datetime | None
    review_id: UUID | None


@dataclass(frozen=True, slots=True)
class WhatIfView:
    """A what-if; `result` is there once it has completed, `reason` where it was refused or failed."""

    what_if_id: UUID
    run_id: UUID
    cohort_id: UUID
    state: WhatIfState
    reason: str | None
    result: Mapping[str, Any] | None
    requested_at: datetime
    completed_at: datetime | None
    version: int


def search_view(search: Search) -> SearchView:
    """The search as who searched sees it."""
    terms = search.terms
    return SearchView(
        search_id=search.search_id,
        participation_id=search.participation_id,
        cohort_id=search.cohort_id,
        state=search.state,
        refusal=search.refusal,
        mode=None if terms is None else terms.mode,
        may_ask=None if terms is None else terms.mode == "self" and terms.may_ask,
        preference_limit=None if terms is None else terms.preference_limit,
        found=len(search.found),
        requested_at=search.requested_at,
        completed_at=search.completed_at,
        version=search.version,
    )


def found_view(suitable: Suitable, *, has_free_place: bool) -> FoundView:
    """Somebody found."""
    return FoundView(
        participation_id=suitable.participation_id,
        offers=suitable.offers,
        asks=suitable.asks,
        shared_languages=suitable.shared_languages,
        parts=suitable.parts,
        words=suitable.words,
        has_free_place=has_free_place,
        last_active_week=suitable.last_active_week,
    )


def request_view(request: MatchRequest, person_id: UUID | None) -> RequestView:
    """The request as one of the two sees it.

    :raises NotVisible: it is not this person's, or not shown to them yet.
    """
    side = request.side_of(person_id)
    partner, fit = request.member(opposite(side)), request.fit
    asks = side is request.asker
    known = not asks or request.state is RequestState.ACCEPTED
    return RequestView(
        request_id=request.request_id,
        cohort_id=request.cohort_id,
        program_id=request.program_id,
        role=side,
        asked_by_you=asks,
        partner_participation_id=partner.participation_id,
        partner_id=partner.person_id if known else None,
        state=request.state,
        topics=() if fit is None else tuple(sorted({topic.topic for topic in fit.topics})),
        shared_languages=() if fit is None else fit.shared_languages,
        parts={} if fit is None else coarse_parts(fit.parts),
        words=() if fit is None else fit.words,
        asked_at=request.asked_at,
        expires_at=request.expires_at,
        reminded_at=request.reminded_at,
        answered_at=request.answered_at,
        pair_id=request.pair_id,
        version=request.version,
    )


def cohort_request_view(request: MatchRequest, last_active: Mapping[UUID, date]) -> CohortRequestView:
    """The request as the cohort's program manager sees it; `last_active` holds the days of who was asked."""
    return CohortRequestView(
        request_id=request.request_id,
        asked_by=request.asker,
        mentor_participation_id=request.mentor.participation_id,
        mentee_participation_id=request.mentee.participation_id,
        state=request.state,
        asked_at=request.asked_at,
        shown_at=request.shown_at,
        reminded_at=request.reminded_at,
        expires_at=request.expires_at,
        answered_at=request.answered_at,
        last_active_week=week_of(last_active.get(request.asked.participation_id)),
    )


def preferences_view(preferences: Preferences) -> PreferencesView:
    """The preferences as who has them sees them."""
    return PreferencesView(preferences.participation_id, preferences.ranked, preferences.version)


def quotas_view(quotas: CohortQuotas) -> QuotasView:
    """The quotas as the cohort's program manager sees them."""
    shown = (QuotaView(kind_of(quota), quota.business_unit_id, quota.places, quota.mentee) for quota in quotas.quotas)
    return QuotasView(quotas.cohort_id, tuple(shown), quotas.version)


def review_view(pair: Pair, review: PairReview | None) -> ReviewView:
    """What stands about the two people of a proposal."""
    return ReviewView(
        cohort_id=pair.cohort_id,
        mentor_participation_id=pair.mentor.participation_id,
        mentee_participation_id=pair.mentee.participation_id,
        verdict=None if review is None else review.verdict,
        reason=None if review is None else review.reason,
        decided_at=None if review is None else review.decided_at,
        review_id=None if review is None else review.review_id,
    )


def what_if_view(what_if: WhatIf) -> WhatIfView:
    """The what-if as the cohort's program manager sees it."""
    completed = what_if.state is WhatIfState.COMPLETED
    return WhatIfView(
        what_if_id=what_if.what_if_id,
        run_id=what_if.run_id,
        cohort_id=what_if.cohort_id,
        state=what_if.state,
        reason=None if completed or what_if.result is None else what_if.result["reason"],
        result=what_if.result if completed else None,
        requested_at=what_if.requested_at,
        completed_at=what_if.completed_at,
        version=what_if.version,
    )
