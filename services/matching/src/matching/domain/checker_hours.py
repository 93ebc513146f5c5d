"""The checker's own reading of working times: shifts in seconds, and the minutes that two people share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from matching.domain.facts import Candidate, Snapshot, WorkingTime

Longs = NDArray[np.int64]
_DAYS = range(-1, 8)
"""Days after the cohort's start on which shifts are looked at: its first week, and the day before and after it."""


class Hours:
    """The working times of a cohort. A class is one working time; there are far fewer than people."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._starts_on = snapshot.starts_on
        self._shifts: dict[WorkingTime, dict[int, tuple[float, float]]] = {}
        self._classes: dict[WorkingTime, int] = {}
        for person in (*snapshot.mentors, *snapshot.mentees):
            self._classes.setdefault(person.working_time, len(self._classes))
        times = np.full((2, len(self._classes), len(_DAYS)), np.nan)
        for working, place in self._classes.items():
            for day, (begin, end) in self.shifts(working).items():
                times[:, place, day + 1] = begin, end
        self._begin, self._end = times

    def __len__(self) -> int:
        return len(self._classes)

    def classes(self, people: Sequence[Candidate]) -> Longs:
        """The class of each person."""
        return np.array([self._classes[person.working_time] for person in people], dtype=np.int64)

    def minutes(self, mine: Longs, theirs: Longs) -> Longs:
        """Per pair of classes the minutes both work on the first day on which both do."""
        works = ~np.isnan(self._begin)
        both = (works[mine] & works[theirs])[:, 1:8]
        met, first = both.any(axis=1), both.argmax(axis=1) + 1
        best = np.zeros(len(mine))
        for shift in (-1, 0, 1):
            for here, there in ((first, first + shift), (first + shift, first)):
                begins = self._begin[mine, here], self._begin[theirs, there]
                together = np.fmin(self._end[mine, here], self._end[theirs, there]) - np.fmax(*begins)
                missing = np.isnan(begins[0]) | np.isnan(begins[1]) | ~met
                best = np.maximum(best, np.where(missing, 0.0, together))
        minutes: Longs = (best // 60).astype(np.int64)
        return minutes

    def shifts(self, working: WorkingTime) -> Mapping[int, tuple[float, float]]:
        """Shifts as (begin, end) in seconds since 1970, by days after the cohort's start; none in an unknown time zone."""
        if working not in self._shifts:
            self._shifts[working] = self._laid_out(working)
        return self._shifts[working]

    def _laid_out(self, working: WorkingTime) -> dict[int, tuple[float, float]]:
        try:
            zone = ZoneInfo(working.time_zone)
        except (KeyError, ValueError, OSError):
            return {}
        shifts: dict[int, tuple[float, float]] = {}
        night = timedelta(days=1) if working.end_minute <= working.start_minute else timedelta()
        for day in _DAYS:
            midnight = datetime.combine(self._starts_on, datetime.min.time()) + timedelta(days=day)
            if midnight.isoweekday() in working.days:
                begin = midnight + timedelta(minutes=working.start_minute)
                end = midnight + night + timedelta(minutes=working.end_minute)
                shifts[day] = begin.replace(tzinfo=zone).timestamp(), end.replace(tzinfo=zone).timestamp()
        return shifts
