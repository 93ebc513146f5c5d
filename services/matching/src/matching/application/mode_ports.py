"""What self mode, ranked preferences, quotas and the staged review need of the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from matching.domain.facts import Quota
from matching.domain.match_request import MatchRequest
from matching.domain.pair_review import PairReview
from matching.domain.preferences import Preferences
from matching.domain.quota import CohortQuotas
from matching.domain.search import Search
from matching.domain.what_if import Scored, WhatIf


class Places(Protocol):
    """Places of a cohort's participations, as the whole cohort sees them."""

    async def hold(self, cohort_id: UUID) -> None:
        """Keep everybody else from giving places of the cohort away until the end of the transaction.

        To be called before `taken` by whoever lets a pair take places: what is counted afterwards stays true.
        """

    async def taken(self, participation_ids: Collection[UUID]) -> Counter[UUID]:
        """Places held per participation by pairs and released proposals that stand."""

    async def together(self, mentor: UUID, mentee: UUID) -> bool:
        """Whether a pair or released proposal of these two participations stands."""


class SearchRepository(Protocol):
    """Searches. What is loaded here is locked until the end of the transaction."""

    async def latest(self, participation_id: UUID) -> Search | None:
        """The youngest search of a participation, not locked; None when there is none that may be seen."""

    async def latest_answered(self, participation_id: UUID) -> Search | None:
        """The youngest search of a participation that has an answer, not locked."""

    async def due(self, limit: int, lease_seconds: float) -> Sequence[Search]:
        """At most `limit` unanswered searches of one cohort, the oldest first, kept from other workers for the lease."""

    async def unanswered(self, search_ids: Collection[UUID]) -> Sequence[Search]:
        """Those of the searches that have no answer yet."""

    def add(self, search: Search) -> None:
        """Stage a new search."""

    async def save(self, search: Search) -> None:
        """Write what has changed of a search, and remove what the same participation has searched before."""

    async def erase(self, people: Collection[UUID]) -> None:
        """Remove what these people have searched, with what was found."""

    async def last_active(self, cohort_id: UUID) -> Mapping[UUID, date]:
        """The day on which each participation of a cohort last searched, asked, answered or ranked; who never did is absent."""


class RequestRepository(Protocol):
    """Requests between people. What is loaded here is locked until the end of the transaction, but for `between`."""

    async def get(self, request_id: UUID) -> MatchRequest | None:
        """The request, or None when there is none the transaction's business unit may see."""

    async def between(self, mentor: UUID, mentee: UUID) -> Sequence[MatchRequest]:
        """All requests between two participations, in either direction, the oldest first; not locked."""

    async def open_of(self, participation_id: UUID, now: datetime) -> int:
        """How many requests of a participation wait for an answer at `now`."""

    async def unchecked(self, limit: int) -> Sequence[MatchRequest]:
        """Open requests that no worker has checked since something changed, an application included; those another transaction
        holds are left out.
        """

    async def late(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        """Open requests whose time has passed by `now`; those another transaction holds are left out."""

    async def due_reminders(self, now: datetime, limit: int) -> Sequence[MatchRequest]:
        """Open, shown requests to be reminded of by `now`; those another transaction holds are left out."""

    async def impossible(self, limit: int) -> Sequence[MatchRequest]:
        """Open requests of somebody who takes part no more or has no free place; those another transaction holds are left out."""

    async def uncheck(self, people: Collection[UUID]) -> None:
        """Have every open request whose check has used facts of one of these people checked again."""

    async def uncheck_program(self, program_id: UUID) -> None:
        """Have every open request of a program checked again, because its rules have changed."""

    def add(self, request: MatchRequest) -> None:
        """Stage a new request; Conflict at commit when one between the two is open."""

    def save(self, request: MatchRequest) -> None:
        """Stage what has changed of a request that was loaded."""


class PreferenceRepository(Protocol):
    """Whom people would like to meet."""

    async def of_cohort(self, cohort_id: UUID) -> Mapping[UUID, tuple[UUID, ...]]:
        """The participations each participation of a cohort has ranked, the dearest first; who ranked nobody is absent."""

    async def get(self, participation_id: UUID) -> Preferences | None:
        """The preferences of one participation, locked; None while it has none that may be seen."""

    def put(self, preferences: Preferences) -> None:
        """Stage new or changed preferences."""

    async def erase(self, people: Collection[UUID]) -> None:
        """Remove whom these people have ranked."""


class QuotaRepository(Protocol):
    """Limits that a cohort has set."""

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Quota]:
        """The quotas of a cohort, in the order in which they were set."""

    async def get(self, cohort_id: UUID) -> CohortQuotas | None:
        """All quotas of a cohort as one aggregate, locked; None while none were ever set."""

    def put(self, quotas: CohortQuotas) -> None:
        """Stage new or changed quotas."""


class ReviewRepository(Protocol):
    """Verdicts about proposed pairs."""

    async def about(self, cohort_id: UUID, mentor: UUID, mentee: UUID) -> PairReview | None:
        """The standing verdict about two participations, locked; None when there is none."""

    def add(self, review: PairReview) -> None:
        """Stage a first verdict; Conflict at commit when there is one."""

    def save(self, review: PairReview) -> None:
        """Stage what has changed of a verdict that was loaded."""

    def remove(self, review: PairReview) -> None:
        """Stage that the verdict counts no more."""


class Verdicts(Protocol):
    """The pairs of one verdict: locked ones, or rejected ones.

    A locked pair stays in later runs: it takes its two places before anything is optimised. A rejected one is not proposed
    again, whatever is waived or repeated.
    """

    async def of_cohort(self, cohort_id: UUID) -> Sequence[tuple[UUID, UUID]]:
        """The pairs of a cohort as (mentor participation, mentee participation), ascending."""


class WhatIfRepository(Protocol):
    """What-ifs of runs. What is loaded by `get` and `due` is locked until the end of the transaction."""

    async def get(self, what_if_id: UUID) -> WhatIf | None:
        """The what-if, or None when there is none the transaction's business unit may see."""

    async def due(self, lease_seconds: float) -> WhatIf | None:
        """The oldest what-if no worker is busy with, kept from other workers for the lease from now on."""

    async def lease(self, what_if: WhatIf, seconds: float) -> None:
        """Keep other workers off a running what-if, in real time, from now on."""

    async def base(self, run_id: UUID) -> Sequence[Scored]:
        """Every pair that a run proposed, with its score; not locked."""

    def add(self, what_if: WhatIf) -> None:
        """Stage a new what-if; Conflict at commit when one of the cohort is under way."""

    def save(self, what_if: WhatIf) -> None:
        """Stage what has changed of a what-if that was loaded."""
