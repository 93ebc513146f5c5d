"""Cadence, due dates, silence and regularity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from engagement.domain import rhythm
from engagement.domain.vocabulary import Formality, Health
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)


def days(count: float) -> datetime:
    return START + timedelta(days=count)


@pytest.mark.requirement("R3-32", "R3-33")
def test_the_default_year_has_seventeen_meetings() -> None:
    assert rhythm.expected_meetings(12, 21) == 17
    assert rhythm.expected_meetings(6, 14) == 13
    assert rhythm.expected_meetings(24, 42) == 17


@pytest.mark.requirement("R0-27")
@pytest.mark.parametrize(
    ("formality", "floor", "expected"),
    [
        (Formality.STANDARD, None, 21),
        (Formality.STANDARD, 30, 30),
        (Formality.STRUCTURED, 14, 21),
        (Formality.LIGHT, None, None),
        (Formality.LIGHT, 30, None),
    ],
)
def test_an_executives_floor_lengthens_the_cadence_and_never_shortens_it(
    formality: Formality, floor: int | None, expected: int | None
) -> None:
    assert rhythm.agreed_cadence(formality, 21, floor) == expected


def test_the_bounds_of_a_cadence_follow_the_floor() -> None:
    assert rhythm.cadence_bounds(None) == (14, 42)
    assert rhythm.cadence_bounds(30) == (30, 42)


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (20.9, Health.ON_TRACK),
        (21, Health.DUE),
        (27.9, Health.DUE),
        (28, Health.OVERDUE),
        (41.9, Health.OVERDUE),
        (42, Health.STALLED),
    ],
)
def test_health_with_a_cadence(passed: float, expected: Health) -> None:
    assert rhythm.health(silent_from=START, cadence_days=21, silence_days=21, now=days(passed)) is expected


@pytest.mark.requirement("R2-22")
@pytest.mark.parametrize(("passed", "expected"), [(20.9, Health.ON_TRACK), (21, Health.STALLED)])
def test_without_a_cadence_nothing_is_due_and_only_silence_counts(passed: float, expected: Health) -> None:
    assert rhythm.due_at(START, None) is None
    assert rhythm.health(silent_from=START, cadence_days=None, silence_days=21, now=days(passed)) is expected
    assert rhythm.regularity(START, [days(3)], cadence_days=None, until=days(10)) is None


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (datetime(2027, 1, 31, tzinfo=UTC), 1, datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2028, 1, 31, tzinfo=UTC), 1, datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2027, 6, 15, tzinfo=UTC), 12, datetime(2028, 6, 15, tzinfo=UTC)),
        (datetime(2027, 12, 1, tzinfo=UTC), 24, datetime(2029, 12, 1, tzinfo=UTC)),
    ],
)
def test_adding_months(start: datetime, months: int, expected: datetime) -> None:
    assert rhythm.add_months(start, months) == expected


@pytest.mark.requirement("R0-27")
@pytest.mark.parametrize(
    ("met", "until", "due", "kept"),
    [
        ([], 27, 0, 0),  # nothing due yet: cadence and grace have not run out
        ([], 28, 1, 0),
        ([21, 42, 63], 63, 3, 3),
        ([63, 21, 42], 63, 3, 3),  # order of logging does not matter
        ([28], 28, 1, 1),  # the grace's last moment
        ([29], 29, 2, 1),  # one was missed, the second one kept
        ([21, 120], 120, 6, 2),  # a long silence is not forgiven by the meeting that ended it
        ([21], 120, 5, 1),
        ([2, 4, 6], 6, 3, 3),
    ],
)
def test_regularity(met: list[int], until: int, due: int, kept: int) -> None:
    assert rhythm.regularity(START, [days(d) for d in met], cadence_days=21, until=days(until)) == rhythm.Regularity(
        due, kept
    )


@given(
    st.lists(st.integers(0, 24 * 400), max_size=40),
    st.integers(14, 42),
    st.integers(0, 24 * 400),
)
def test_regularity_is_a_share(hours: list[int], cadence: int, until: int) -> None:
    result = rhythm.regularity(
        START, [START + timedelta(hours=h) for h in hours], cadence_days=cadence, until=START + timedelta(hours=until)
    )
    assert result is not None
    assert 0 <= result.kept <= result.due
    assert result.ratio is None or 0 <= result.ratio <= 1
