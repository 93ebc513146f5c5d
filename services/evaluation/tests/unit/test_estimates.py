"""Every formula against statsmodels or scipy, and the words that a comparison earns."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from evaluation.domain import estimates
from evaluation.domain.estimates import Conclusion
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

pytestmark = pytest.mark.requirement("RX-02")


def sample(seed: int, n: int, centre: float) -> list[float]:
    drawn = np.random.default_rng(seed).normal(centre, 0.9, n)
    return [float(value) for value in np.clip(np.round(drawn), 1, 5)]


@pytest.mark.parametrize(("n1", "n2", "shift"), [(30, 28, 0.8), (26, 40, 0.0), (6, 9, -1.0)])
def test_change_agrees_with_statsmodels(n1: int, n2: int, shift: float) -> None:
    before, after = sample(1, n1, 3.0), sample(2, n2, 3.0 + shift)
    found = estimates.change(before, after)
    compare = CompareMeans(DescrStatsW(after), DescrStatsW(before))
    low, high = compare.tconfint_diff(usevar="unequal")
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(compare.ttest_ind(usevar="unequal")[1])
    effect, variance = effectsize_smd(
        np.mean(after), np.std(after, ddof=1), n2, np.mean(before), np.std(before, ddof=1), n1
    )
    assert found.effect == pytest.approx(effect, rel=2e-3)
    assert found.effect_interval is not None
    half = (found.effect_interval.high - found.effect_interval.low) / 2
    assert half == pytest.approx(1.96 * np.sqrt(variance), rel=1e-3)


@pytest.mark.parametrize(("n1", "n2"), [(5, 5), (26, 26), (31, 28), (2, 40), (200, 150)])
def test_detectable_effect_agrees_with_statsmodels(n1: int, n2: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = TTestIndPower().solve_power(nobs1=n1, ratio=n2 / n1, alpha=0.05, power=0.8)
    assert estimates.detectable_effect(n1, n2) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (7, 7), (3, 11), (40, 90)])
def test_share_agrees_with_statsmodels(hits: int, n: int) -> None:
    found = estimates.share(hits, n)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(proportion_confint(hits, n, method="wilson"))


def test_mean_agrees_with_scipy() -> None:
    values = sample(3, 17, 3.4)
    found = estimates.mean(values)
    expected = stats.t.interval(0.95, 16, loc=np.mean(values), scale=stats.sem(values))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(expected)


def test_holm_agrees_with_statsmodels() -> None:
    p_values = [0.04, 0.001, 0.03, 0.2, 0.03]
    assert estimates.holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))
    assert estimates.holm([]) == []


@pytest.mark.parametrize("n", [6, 9, 20, 45])
def test_median_interval_covers_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    covered, level = 0, 0.0
    for _ in range(2000):
        found = estimates.median([float(v) for v in rng.exponential(1.0, n)])
        assert found.interval is not None
        level = found.interval.level
        covered += found.interval.low <= np.log(2) <= found.interval.high
    assert level >= 0.95
    assert covered / 2000 == pytest.approx(level, abs=0.015)


def test_a_median_of_few_says_the_lower_level_it_attains() -> None:
    found = estimates.median([1.0, 2.0, 3.0])
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.interval.level) == (1.0, 3.0, 0.75)


def test_meetings_of_one_pair_do_not_count_as_independent() -> None:
    totals = [10] * 8
    hits = [10, 10, 10, 10, 0, 0, 0, 0]
    clustered, naive = estimates.clustered_share(hits, totals), estimates.share(40, 80)
    assert clustered.value == naive.value == 0.5
    assert clustered.interval is not None
    assert naive.interval is not None
    assert clustered.interval.high - clustered.interval.low > 3 * (naive.interval.high - naive.interval.low)
    assert clustered.n == 8


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0, 3.0]])
def test_without_spread_there_is_no_interval_but_a_reason(values: list[float]) -> None:
    found = estimates.mean(values)
    assert found.interval is None
    assert found.because


def test_a_small_cohort_gets_no_conclusion_however_large_the_difference() -> None:
    found = estimates.change([1.0, 2.0, 1.0, 2.0, 1.0], [5.0, 4.0, 5.0, 4.0, 5.0])
    assert found.p is not None
    assert found.p < 0.001
    assert estimates.conclude(found, found.p) is Conclusion.UNDERPOWERED


def test_conclusions_follow_the_adjusted_p() -> None:
    before, after = sample(1, 40, 2.6), sample(2, 40, 3.8)
    up = estimates.change(before, after)
    assert estimates.conclude(up, 0.01) is Conclusion.ROSE
    assert estimates.conclude(up, 0.06) is Conclusion.NO_CHANGE_SHOWN
    assert estimates.conclude(estimates.change(after, before), 0.01) is Conclusion.FELL


def test_answers_without_spread_give_a_difference_without_a_conclusion() -> None:
    found = estimates.change([3.0] * 40, [4.0] * 40)
    assert found.difference == 1.0
    assert found.interval is None
    assert estimates.conclude(found, None) is Conclusion.NO_CHANGE_SHOWN


def test_a_change_needs_both_waves() -> None:
    with pytest.raises(ValueError, match="both waves"):
        estimates.change([], [3.0])


def test_histogram_counts_every_value_once() -> None:
    values = [0.0, 99.9, 100.0, 1000.0, 1500.0, -3.0]
    assert estimates.histogram(values, (0.0, 100.0, 500.0, 1000.0)) == (3, 1, 2)
