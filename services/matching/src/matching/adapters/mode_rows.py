"""Between rows and what self mode, preferences, quotas and the review keep, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from matching.domain.facts import Quota, Role, Weights
from matching.domain.match_request import MatchRequest, RequestState
from matching.domain.pair import Fit, MatchedTopic, Member
from matching.domain.pair_review import PairReview, RejectionReason, ReviewVerdict
from matching.domain.preferences import Preferences
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search, SearchState, Terms
from matching.domain.suitability import Suitable
from matching.domain.what_if import Changes, WhatIf, WhatIfState

Row = Mapping[Any, Any]


def search_of(row: Row) -> Search:
    """A search with what it has found."""
    return Search(
        search_id=row["search_id"],
        participation_id=row["participation_id"],
        person_id=row["person_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        requested_at=row["requested_at"],
        state=SearchState(row["state"]),
        refusal=row["refusal"],
        terms=None if row["terms"] is None else Terms(**row["terms"]),
        found=tuple(_suitable_of(one) for one in row["found"]),
        completed_at=row["completed_at"],
        version=row["version"],
    )


def search_values(search: Search) -> dict[str, Any]:
    """A search's row."""
    return {
        "search_id": search.search_id,
        "participation_id": search.participation_id,
        "person_id": search.person_id,
        "cohort_id": search.cohort_id,
        "program_id": search.program_id,
        "business_unit_id": search.business_unit_id,
        "named_unit_ids": list(search.named_unit_ids),
        "requested_at": search.requested_at,
        **answer_values(search),
    }


def answer_values(search: Search) -> dict[str, Any]:
    """What changes of a search."""
    return {
        "state": search.state.value,
        "refusal": search.refusal,
        "terms": None if search.terms is None else asdict(search.terms),
        "found": [_suitable_values(one) for one in search.found],
        "completed_at": search.completed_at,
        "version": search.version,
    }


def _suitable_of(document: Row) -> Suitable:
    week = document["last_active_week"]
    return Suitable(
        participation_id=UUID(document["participation_id"]),
        offers=document["offers"],
        asks=document["asks"],
        shared_languages=tuple(document["shared_languages"]),
        parts=document["parts"],
        words=tuple(document["words"]),
        last_active_week=None if week is None else date.fromisoformat(week),
    )


def _suitable_values(suitable: Suitable) -> dict[str, Any]:
    week = suitable.last_active_week
    return {
        "participation_id": str(suitable.participation_id),
        "offers": dict(suitable.offers),
        "asks": dict(suitable.asks),
        "shared_languages": list(suitable.shared_languages),
        "parts": dict(suitable.parts),
        "words": list(suitable.words),
        "last_active_week": None if week is None else week.isoformat(),
    }


def request_of(row: Row) -> MatchRequest:
    """A request."""
    return MatchRequest(
        request_id=row["request_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        named_unit_ids=tuple(row["named_unit_ids"]),
        asker=Role(row["asker"]),
        mentor=Member(row["mentor_id"], row["mentor_participation_id"]),
        mentee=Member(row["mentee_id"], row["mentee_participation_id"]),
        asked_at=row["asked_at"],
        remind_at=row["remind_at"],
        expires_at=row["expires_at"],
        mentors_per_mentee=row["mentors_per_mentee"],
        state=RequestState(row["state"]),
        checked=row["checked"],
        shown_at=row["shown_at"],
        reminded_at=row["reminded_at"],
        answered_at=row["answered_at"],
        people=tuple(row["people"]),
        mark=row["mark"],
        fit=None if row["fit"] is None else _fit_of(row["fit"]),
        pair_id=row["pair_id"],
        version=row["version"],
    )


def request_values(request: MatchRequest) -> dict[str, Any]:
    """A request's row."""
    return {
        "request_id": request.request_id,
        "cohort_id": request.cohort_id,
        "program_id": request.program_id,
        "business_unit_id": request.business_unit_id,
        "named_unit_ids": list(request.named_unit_ids),
        "asker": request.asker.value,
        "mentor_id": request.mentor.person_id,
        "mentee_id": request.mentee.person_id,
        "mentor_participation_id": request.mentor.participation_id,
        "mentee_participation_id": request.mentee.participation_id,
        "asked_at": request.asked_at,
        "remind_at": request.remind_at,
        "expires_at": request.expires_at,
        "mentors_per_mentee": request.mentors_per_mentee,
        **changing_request_values(request),
    }


def changing_request_values(request: MatchRequest) -> dict[str, Any]:
    """What changes of a request."""
    return {
        "state": request.state.value,
        "checked": request.checked,
        "shown_at": request.shown_at,
        "reminded_at": request.reminded_at,
        "answered_at": request.answered_at,
        "people": list(request.people),
        "mark": request.mark,
        "fit": None if request.fit is None else asdict(request.fit),
        "pair_id": request.pair_id,
        "version": request.version,
    }


def _fit_of(document: Row) -> Fit:
    return Fit(
        score=document["score"],
        parts=document["parts"],
        topics=tuple(
            MatchedTopic(topic["topic"], Role(topic["teacher"]), topic["offered_level"], topic["asked_level"])
            for topic in document["topics"]
        ),
        shared_languages=tuple(document["shared_languages"]),
        overlap_minutes=document["overlap_minutes"],
        grade_gap=document["grade_gap"],
        words=tuple(document["words"]),
    )


def preferences_of(row: Row) -> Preferences:
    """Somebody's preferences."""
    return Preferences(
        **{**row, "named_unit_ids": tuple(row["named_unit_ids"]), "ranked": tuple(row["ranked"])},
    )


def preferences_values(preferences: Preferences) -> dict[str, Any]:
    """The row of somebody's preferences."""
    values = asdict(preferences)
    return {**values, "named_unit_ids": list(preferences.named_unit_ids), "ranked": list(preferences.ranked)}


def quotas_of(row: Row) -> CohortQuotas:
    """A cohort's quotas."""
    return CohortQuotas(
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        quotas=tuple(_quota_of(limit) for limit in row["limits"]),
        version=row["version"],
    )


def quotas_values(quotas: CohortQuotas) -> dict[str, Any]:
    """The row of a cohort's quotas."""
    return {
        "cohort_id": quotas.cohort_id,
        "program_id": quotas.program_id,
        "business_unit_id": quotas.business_unit_id,
        "limits": [_limit(quota) for quota in quotas.quotas],
        "version": quotas.version,
    }


def _quota_of(limit: Row) -> Quota:
    mentee = limit["mentee"]
    return Quota(UUID(limit["unit"]), limit["places"], None if mentee is None else UUID(mentee))


def _limit(quota: Quota) -> dict[str, Any]:
    mentee = None if quota.mentee is None else str(quota.mentee)
    return {"unit": str(quota.business_unit_id), "places": quota.places, "mentee": mentee}


def review_of(row: Row) -> PairReview:
    """A verdict."""
    reason = row["reason"]
    return PairReview(
        **{
            **row,
            "verdict": ReviewVerdict(row["verdict"]),
            "reason": None if reason is None else RejectionReason(reason),
        }
    )


def review_values(review: PairReview) -> dict[str, Any]:
    """A verdict's row."""
    return {**asdict(review), "verdict": review.verdict.value, "reason": review.reason and review.reason.value}


def what_if_of(row: Row) -> WhatIf:
    """A what-if."""
    return WhatIf(
        what_if_id=row["what_if_id"],
        run_id=row["run_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        changes=_changes_of(row["changes"]),
        requested_at=row["requested_at"],
        state=WhatIfState(row["state"]),
        attempts=row["attempts"],
        result=row["result"],
        completed_at=row["completed_at"],
        version=row["version"],
    )


def what_if_values(what_if: WhatIf) -> dict[str, Any]:
    """A what-if's row."""
    return {
        "what_if_id": what_if.what_if_id,
        "run_id": what_if.run_id,
        "cohort_id": what_if.cohort_id,
        "program_id": what_if.program_id,
        "business_unit_id": what_if.business_unit_id,
        "changes": _changes_values(what_if.changes),
        "requested_at": what_if.requested_at,
        **changing_what_if_values(what_if),
    }


def changing_what_if_values(what_if: WhatIf) -> dict[str, Any]:
    """What changes of a what-if."""
    return {
        "state": what_if.state.value,
        "attempts": what_if.attempts,
        "result": None if what_if.result is None else dict(what_if.result),
        "completed_at": what_if.completed_at,
        "version": what_if.version,
    }


def _changes_of(document: Row) -> Changes:
    def pairs(name: str) -> tuple[tuple[UUID, UUID], ...]:
        return tuple((UUID(mentor), UUID(mentee)) for mentor, mentee in document[name])

    weights, capacities, limits = document["weights"], document["capacities"], document["quotas"]
    return Changes(
        lock=pairs("lock"),
        forbid=pairs("forbid"),
        weights=None if weights is None else Weights(**weights),
        minimum_grade_gap=document["minimum_grade_gap"],
        capacities=None if capacities is None else {UUID(key): places for key, places in capacities.items()},
        quotas=None if limits is None else tuple(_quota_of(limit) for limit in limits),
    )


def _changes_values(changes: Changes) -> dict[str, Any]:
    return {
        "lock": [[str(mentor), str(mentee)] for mentor, mentee in changes.lock],
        "forbid": [[str(mentor), str(mentee)] for mentor, mentee in changes.forbid],
        "weights": None if changes.weights is None else asdict(changes.weights),
        "minimum_grade_gap": changes.minimum_grade_gap,
        "capacities": None
        if changes.capacities is None
        else {str(key): places for key, places in changes.capacities.items()},
        "quotas": None if changes.quotas is None else [_limit(quota) for quota in changes.quotas],
    }
