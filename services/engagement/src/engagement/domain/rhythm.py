"""How often a pair meets: the agreed cadence, when contact is due, when silence counts, how regular it has been.

All durations are whole days unless named otherwise; all instants are aware and UTC.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from engagement.domain.vocabulary import Formality, Health

SHORTEST_CADENCE_DAYS = 14
LONGEST_CADENCE_DAYS = 42
GRACE_DAYS = 7
"""Days after the due date in which a meeting still counts as in rhythm: busy people need a week to find a date."""

_DAYS_OF_A_YEAR = 365


def agreed_cadence(formality: Formality, program_cadence_days: int | None, floor_days: int | None) -> int | None:
    """The days between meetings a pair starts out with; None where the program has no cadence.

    A person's own floor (the shortest interval an executive accepts) lengthens the program's cadence and never
    shortens it.
    """
    if formality is Formality.LIGHT or program_cadence_days is None:
        return None
    return max(program_cadence_days, floor_days or 0)


def cadence_bounds(floor_days: int | None) -> tuple[int, int]:
    """The shortest and the longest cadence two people may agree on."""
    return max(SHORTEST_CADENCE_DAYS, floor_days or 0), LONGEST_CADENCE_DAYS


def expected_meetings(duration_months: int, cadence_days: int) -> int:
    """How many meetings fit into a duration, a year being 365 days: 17 for twelve months and 21 days."""
    return duration_months * _DAYS_OF_A_YEAR // (12 * cadence_days)


def add_months(start: datetime, months: int) -> datetime:
    """The same day of the month `months` later, or the month's last day where that day does not exist."""
    month_index = start.month - 1 + months
    year, month = start.year + month_index // 12, month_index % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def due_at(silent_from: datetime, cadence_days: int | None) -> datetime | None:
    """When the next contact is due; None without a cadence."""
    return None if cadence_days is None else silent_from + timedelta(days=cadence_days)


def stalls_at(silent_from: datetime, cadence_days: int | None, silence_days: int) -> datetime:
    """When silence becomes a stall: `silence_days` beyond the cadence, or beyond the last contact without one."""
    return silent_from + timedelta(days=(cadence_days or 0) + silence_days)


def health(*, silent_from: datetime, cadence_days: int | None, silence_days: int, now: datetime) -> Health:
    """How an open pair stands at `now`. Without a cadence nothing is ever due: it is on track until it is stalled."""
    if now >= stalls_at(silent_from, cadence_days, silence_days):
        return Health.STALLED
    due = due_at(silent_from, cadence_days)
    if due is None or now < due:
        return Health.ON_TRACK
    return Health.DUE if now < due + timedelta(days=GRACE_DAYS) else Health.OVERDUE


@dataclass(frozen=True, slots=True)
class Regularity:
    """How many meetings a pair's rhythm called for so far, and how many of those took place."""

    due: int
    kept: int

    @property
    def ratio(self) -> float | None:
        """Kept by due, 0 to 1; None while nothing has been due."""
        return None if self.due == 0 else self.kept / self.due


def regularity(
    started_at: datetime, held_at: Sequence[datetime], *, cadence_days: int | None, until: datetime
) -> Regularity | None:
    """The regularity of a pair that began at `started_at` and met at `held_at` (any order); None without a cadence.

    Each interval between two contacts called for at least one meeting. One that lasted longer than the cadence and the
    grace called for one more per further cadence begun, of which only the meeting that ended it was kept. The open
    interval since the last contact calls for a meeting each time a cadence and the grace have run out.
    """
    if cadence_days is None:
        return None
    contacts = [started_at, *sorted(moment for moment in held_at if started_at <= moment <= until)]
    grace = timedelta(days=GRACE_DAYS)
    cadence = timedelta(days=cadence_days)
    due = sum(max(1, -((grace - (later - earlier)) // cadence)) for earlier, later in pairwise(contacts))
    open_interval = max(until, contacts[-1]) - contacts[-1]
    due += max(timedelta(), open_interval - grace) // cadence
    return Regularity(due=due, kept=len(contacts) - 1)
