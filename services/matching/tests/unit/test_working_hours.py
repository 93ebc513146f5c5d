"""Shared working minutes by date: daylight saving on both sides, the date line, night shifts, other weeks."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.facts import WorkingTime
from matching.domain.working_hours import overlap_minutes

from .worlds import WORKDAYS

MONDAY = date(2025, 3, 3)


def office(zone: str, start: int = 9, end: int = 17, days: frozenset[int] = WORKDAYS) -> WorkingTime:
    return WorkingTime(zone, start * 60, end * 60, days)


@pytest.mark.parametrize(
    ("day", "minutes"),
    [
        (date(2025, 3, 3), 120),  # both in winter: six hours apart
        (date(2025, 3, 10), 180),  # New York in summer since the 9th, Paris not before the 30th: five
        (date(2025, 3, 31), 120),  # both in summer
        (date(2025, 10, 27), 180),  # Paris in winter since the 26th, New York not before 2 November
        (date(2025, 11, 3), 120),
    ],
)
def test_daylight_saving_counts_by_date(day: date, minutes: int) -> None:
    assert overlap_minutes(office("Europe/Paris"), office("America/New_York"), day) == minutes


@pytest.mark.parametrize(
    ("one", "other", "minutes"),
    [
        (office("Europe/Paris"), office("Europe/Paris"), 480),
        (office("Europe/Paris"), office("Europe/London"), 420),
        (office("Asia/Kolkata"), office("Europe/Paris"), 210),
        (office("Asia/Tokyo"), office("America/New_York"), 0),
        (office("Pacific/Auckland", 7, 15), office("America/Los_Angeles", 9, 17), 420),  # on different local dates
        (office("Europe/Paris", 22, 6), office("Europe/Paris", 5, 13), 60),  # the night shift ends the next morning
        (office("Europe/Paris", 22, 6), office("Asia/Tokyo", 8, 16), 360),
        (office("Europe/Paris"), office("Asia/Dubai", days=frozenset({7, 1, 2, 3, 4})), 300),
        (office("Europe/Paris"), office("Europe/Paris", days=frozenset({6, 7})), 0),
        (office("Europe/Paris"), office("Mars/Olympus"), 0),
    ],
)
def test_overlaps_round_the_globe(one: WorkingTime, other: WorkingTime, minutes: int) -> None:
    assert overlap_minutes(one, other, MONDAY) == minutes
    assert overlap_minutes(other, one, MONDAY) == minutes


def test_a_weekend_start_looks_at_the_first_common_working_day() -> None:
    # Saturday 8 March 2025; the first common day is Monday 10 March, after New York's change.
    assert overlap_minutes(office("Europe/Paris"), office("America/New_York"), date(2025, 3, 8)) == 180


zones = st.sampled_from(
    ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"]
)
times = st.builds(
    WorkingTime,
    zones,
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.frozensets(st.integers(1, 7), min_size=1),
)


@settings(max_examples=150, deadline=None)
@given(times, times, st.dates(date(2024, 1, 1), date(2027, 12, 31)))
def test_the_overlap_is_what_counting_minutes_gives(one: WorkingTime, other: WorkingTime, start: date) -> None:
    assert overlap_minutes(one, other, start) == overlap_minutes(other, one, start) == _counted(one, other, start)


def _counted(one: WorkingTime, other: WorkingTime, start: date) -> int:
    """The same by brute force: sets of absolute minutes."""
    week = [start + timedelta(days=offset) for offset in range(7)]
    common = [day for day in week if {day.isoweekday()} <= one.days & other.days]
    if not common:
        return 0
    day = common[0]
    near = [day + timedelta(days=shift) for shift in (-1, 0, 1)]
    return max(
        len(_minutes(mine, day) & _minutes(theirs, close))
        for mine, theirs in ((one, other), (other, one))
        for close in near
        if close.isoweekday() in theirs.days
    )


def _minutes(working: WorkingTime, day: date) -> set[int]:
    zone = ZoneInfo(working.time_zone)
    end = working.end_minute + (1440 if working.end_minute <= working.start_minute else 0)

    def absolute(minute: int) -> int:
        wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)  # wall-clock arithmetic
        return int(wall.timestamp()) // 60

    return set(range(absolute(working.start_minute), absolute(end)))
