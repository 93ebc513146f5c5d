"""Cohorts: one run of a program, from opening to evaluation."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

LONGEST_TITLE = 120
MOST_PLACES = 100_000


class CohortState(StrEnum):
    """The life of a cohort."""

    DRAFT = "draft"
    ENROLLING = "enrolling"
    MATCHING = "matching"
    ACTIVE = "active"
    EVALUATING = "evaluating"
    CLOSED = "closed"


PAST_MATCHING = frozenset({CohortState.ACTIVE, CohortState.EVALUATING, CohortState.CLOSED})
"""Cohorts whose people have been paired; who has no pair there was left out."""


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(slots=True)
class Cohort:
    """A cohort of a program, owned by its host unit and visible to every unit named on it.

    `mentor_places` and `mentee_places` limit who is admitted; None means no limit. `ends_on` follows `starts_on` by `duration_months`.
    """

    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    title: str
    settings_version: int
    duration_months: int
    enrollment_opens_on: date
    enrollment_closes_on: date
    starts_on: date
    ends_on: date
    mentor_places: int | None = None
    mentee_places: int | None = None
    state: CohortState = CohortState.ENROLLING
    version: int = 1

    @staticmethod
    def open(
        cohort_id: UUID,
        program_id: UUID,
        business_unit_id: UUID,
        *,
        named_unit_ids: tuple[UUID, ...],
        title: str,
        settings_version: int,
        duration_months: int,
        today: date,
        enrollment_closes_on: date,
        starts_on: date,
        mentor_places: int | None,
        mentee_places: int | None,
    ) -> Cohort:
        """A cohort in which people can apply from today. Raises InvalidInput when dates or places do not fit."""
        words = " ".join(title.split())
        if not 1 <= len(words) <= LONGEST_TITLE:
            raise InvalidInput(f"a title has 1 to {LONGEST_TITLE} characters", field="title", remedy="name the cohort")
        if enrollment_closes_on < today:
            raise InvalidInput(
                "enrollment closes in the past", field="enrollment_closes_on", remedy="choose today or later"
            )
        if starts_on < enrollment_closes_on:
            raise InvalidInput(
                "the cohort starts before enrollment closes", field="starts_on", remedy="choose a later day"
            )
        for name, places in (("mentor_places", mentor_places), ("mentee_places", mentee_places)):
            if places is not None and not 1 <= places <= MOST_PLACES:
                raise InvalidInput(
                    f"{name} lies between 1 and {MOST_PLACES}", field=name, remedy="leave it out for no limit"
                )
        named = tuple(dict.fromkeys((business_unit_id, *named_unit_ids)))
        if len(named) > 64:
            raise InvalidInput("at most 64 units share a cohort", field="named_unit_ids", remedy="open several cohorts")
        return Cohort(
            cohort_id, program_id, business_unit_id, named, words, settings_version, duration_months,
            enrollment_opens_on=today, enrollment_closes_on=enrollment_closes_on, starts_on=starts_on,
            ends_on=months_later(starts_on, duration_months), mentor_places=mentor_places, mentee_places=mentee_places,
        )  # fmt: skip

    def require_enrolling(self) -> None:
        """Raises Conflict unless people can still apply and be nominated."""
        if self.state is not CohortState.ENROLLING:
            raise Conflict(
                f"enrollment has closed; the cohort is {self.state}", remedy="apply to the program's next cohort"
            )

    def require_admitting(self) -> None:
        """Raises Conflict unless candidates can still be screened and admitted."""
        if self.state in {CohortState.EVALUATING, CohortState.CLOSED}:
            raise Conflict(f"the cohort is {self.state}", remedy="admit people to the program's next cohort")

    def close_enrollment(self, today: date) -> None:
        """Nobody can apply any more. Raises Conflict when enrollment is not open."""
        if self.state is not CohortState.ENROLLING:
            raise Conflict(f"enrollment is not open; the cohort is {self.state}", remedy="nothing needs to be done")
        self.state = CohortState.MATCHING
        self.enrollment_closes_on = today
        self.version += 1

    def activate(self, today: date) -> bool:
        """A pair was formed; whether it is the first. The program's duration counts from this day."""
        if self.state not in {CohortState.ENROLLING, CohortState.MATCHING}:
            return False
        if self.state is CohortState.ENROLLING:
            self.enrollment_closes_on = today
        self.state = CohortState.ACTIVE
        self.starts_on = today
        self.ends_on = months_later(today, self.duration_months)
        self.version += 1
        return True

    def start_evaluation(self, today: date) -> bool:
        """Whether the duration has passed and the cohort is now evaluated."""
        if self.state is not CohortState.ACTIVE or today < self.ends_on:
            return False
        self.state = CohortState.EVALUATING
        self.version += 1
        return True

    def close(self) -> bool:
        """The report is written; whether the cohort was open until now."""
        if self.state is CohortState.CLOSED:
            return False
        self.state = CohortState.CLOSED
        self.version += 1
        return True
