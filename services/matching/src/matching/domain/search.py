"""Somebody looks for people they may ask or rank. A worker answers, because only it sees lines across business units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, NotVisible

from matching.domain.suitability import Suitable

MOST_FOUND = 200
"""People one search shows at most: the best of them."""

PAUSE = timedelta(minutes=1)
"""Time between an answer and the next search of the same person."""

GOOD_FOR = timedelta(days=7)
"""How long somebody may be asked or ranked because of a search."""


class SearchState(StrEnum):
    """`queued` → `completed`, or `refused`: the program, or what is known of the person, does not allow it."""

    QUEUED = "queued"
    COMPLETED = "completed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the program allows the person who searched: `mode` is `self` or `hybrid`; `may_ask` whether their side asks.

    A request waits `request_days`, with a reminder after `request_reminder_days`; `preference_limit` people may be ranked; a
    mentee may have `mentors_per_mentee` mentors.
    """

    mode: str
    may_ask: bool
    request_days: int
    request_reminder_days: int
    preference_limit: int
    mentors_per_mentee: int


@dataclass(slots=True)
class Search:
    """One search of one participation. `found` is in the order of fit."""

    search_id: UUID
    participation_id: UUID
    person_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    requested_at: datetime
    state: SearchState = SearchState.QUEUED
    refusal: str | None = None
    terms: Terms | None = None
    found: tuple[Suitable, ...] = ()
    completed_at: datetime | None = None
    version: int = 1

    def answer(self, terms: Terms, found: tuple[Suitable, ...], now: datetime) -> None:
        """The people found."""
        self.state = SearchState.COMPLETED
        self.terms = terms
        self.found = found
        self.completed_at = now
        self.version += 1

    def refuse(self, reason: str, now: datetime) -> None:
        """There is no list for this person."""
        self.state = SearchState.REFUSED
        self.refusal = reason
        self.completed_at = now
        self.version += 1

    def check_pause(self, now: datetime) -> None:
        """:raises Conflict: the answer is younger than the pause between two searches."""
        if self.completed_at is not None and now < self.completed_at + PAUSE:
            raise Conflict("You have just searched.", remedy="Read that search, or search again in a minute.")

    def terms_for(self, now: datetime) -> Terms:
        """What the person may do because of this search.

        :raises Conflict: it has no answer, was refused, or is too old.
        """
        if self.state is SearchState.REFUSED:
            raise Conflict(self.refusal or "The search was refused.")
        if self.terms is None or self.completed_at is None:
            raise Conflict("Your search is not answered yet.", remedy="Wait for its answer.")
        if now >= self.completed_at + GOOD_FOR:
            raise Conflict("Your search is too old.", remedy="Search again.")
        return self.terms

    def check_found(self, participation_id: UUID) -> None:
        """:raises NotVisible: this search has not found the participation, whatever the reason."""
        if all(one.participation_id != participation_id for one in self.found):
            raise NotVisible("no such participation")


def week_of(day: date | None) -> date | None:
    """The Monday of the week of a day: as exactly as others may know when somebody was active."""
    return None if day is None else day - timedelta(days=day.weekday())
