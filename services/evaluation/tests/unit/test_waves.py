"""A wave closes once, by date or by hand, and takes nothing afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from chassis.ports import Conflict, InvalidInput
from evaluation.domain.instruments import WaveKind
from evaluation.domain.waves import Wave, WaveState, open_new_wave

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def new_wave(*, days: int = 14, threshold: int = 5) -> Wave:
    unit = uuid4()
    return open_new_wave(
        wave_id=uuid4(),
        cohort_id=uuid4(),
        program_id=uuid4(),
        business_unit_id=unit,
        named_unit_ids=(unit,),
        kind=WaveKind.BASELINE,
        suppression_threshold=threshold,
        days=days,
        now=NOW,
    )


def test_it_closes_by_date_on_the_rules_clock() -> None:
    wave = new_wave()
    assert wave.closes_on == date(2026, 3, 16)
    assert not wave.due(datetime(2026, 3, 15, 23, 59, tzinfo=UTC))
    assert wave.due(datetime(2026, 3, 16, 0, 0, tzinfo=UTC))


def test_a_due_wave_takes_nothing_even_before_the_schedule_has_closed_it() -> None:
    wave = new_wave()
    wave.require_open(datetime(2026, 3, 15, tzinfo=UTC))
    with pytest.raises(Conflict):
        wave.require_open(datetime(2026, 3, 16, tzinfo=UTC))


def test_it_closes_once() -> None:
    wave = new_wave()
    wave.close(NOW, invited=10, tokens=8, responses=7)
    assert (wave.state, wave.version, wave.response_count) == (WaveState.CLOSED, 2, 7)
    with pytest.raises(Conflict):
        wave.close(NOW, invited=10, tokens=8, responses=7)
    with pytest.raises(Conflict):
        wave.require_open(NOW)


@pytest.mark.parametrize("days", [0, 91])
def test_length_is_bounded(days: int) -> None:
    with pytest.raises(InvalidInput):
        new_wave(days=days)


@pytest.mark.requirement("S15")
@pytest.mark.parametrize(("asked", "kept"), [(2, 3), (5, 5), (12, 12)])
def test_the_threshold_is_fixed_at_opening_and_never_under_three(asked: int, kept: int) -> None:
    assert new_wave(threshold=asked).suppression_threshold == kept
