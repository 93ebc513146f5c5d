"""Minutes two people work at the same time, by date and with the daylight saving of both time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from matching.domain.facts import WorkingTime

DAYS_LOOKED_AT = 7
DAYS_COMPARED = DAYS_LOOKED_AT + 2
"""With the day before and the day after."""
_MINUTES_A_DAY = 24 * 60


def overlap_minutes(one: WorkingTime, other: WorkingTime, starts_on: date) -> int:
    """Minutes both work on the first day, from `starts_on` and within a week, that is a working day of both; 0 if
    there is none.

    The day is the local date on which a shift begins. Because local dates differ round the globe, the shift of one on
    that date is compared with the other's shifts of the day before, the same day and the day after, and the best
    counts, from either side. An unknown time zone overlaps with nothing.
    """
    try:
        zones = ZoneInfo(one.time_zone), ZoneInfo(other.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    for offset in range(DAYS_LOOKED_AT):
        day = starts_on + timedelta(days=offset)
        if day.isoweekday() in one.days and day.isoweekday() in other.days:
            shifts = [day + timedelta(days=shift) for shift in (-1, 0, 1)]
            return max(
                *(_shared(one, zones[0], day, other, zones[1], near) for near in shifts),
                *(_shared(other, zones[1], day, one, zones[0], near) for near in shifts),
            )
    return 0


def shifts(working: WorkingTime, starts_on: date) -> tuple[tuple[int, int] | None, ...]:
    """All that `overlap_minutes` looks at: for each day from the one before `starts_on` to the seventh after it the begin
    and end of the shift in seconds since 1970 (UTC), None on a day off. Empty for an unknown time zone.
    """
    try:
        zone = ZoneInfo(working.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ()
    days = (starts_on + timedelta(days=offset) for offset in range(-1, DAYS_LOOKED_AT + 1))
    found: list[tuple[int, int] | None] = []
    for day in days:
        if day.isoweekday() in working.days:
            begin, end = _shift(working, zone, day)
            found.append((int(begin.timestamp()), int(end.timestamp())))
        else:
            found.append(None)
    return tuple(found)


def _shared(
    one: WorkingTime, zone: ZoneInfo, day: date, other: WorkingTime, other_zone: ZoneInfo, other_day: date
) -> int:
    if other_day.isoweekday() not in other.days:
        return 0
    begin, end = _shift(one, zone, day)
    other_begin, other_end = _shift(other, other_zone, other_day)
    return max(0, int((min(end, other_end) - max(begin, other_begin)).total_seconds()) // 60)


def _shift(working: WorkingTime, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    end_minute = working.end_minute
    if end_minute <= working.start_minute:
        end_minute += _MINUTES_A_DAY
    return _instant(day, working.start_minute, zone), _instant(day, end_minute, zone)


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    days, minute_of_day = divmod(minute, _MINUTES_A_DAY)
    local = datetime.combine(day + timedelta(days=days), time(minute_of_day // 60, minute_of_day % 60), tzinfo=zone)
    return local.astimezone(UTC)
