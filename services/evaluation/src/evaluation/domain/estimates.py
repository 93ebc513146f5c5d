"""Estimates with their intervals, out of small groups.

Special functions come from `scipy.special` alone: importing `scipy.stats` or statsmodels costs a service a second of
start and 100 MB; the unit tests hold every formula here against statsmodels.
All intervals are two-sided with level 0.95 unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Any

import numpy as np
from scipy import special

LEVEL = 0.95
POWER = 0.8
#: A design that cannot see an effect this large (in standard deviations) with the wanted power draws no conclusion.
LARGEST_TOLERABLE_DETECTABLE_EFFECT = 0.8
_Z = float(special.ndtri(0.5 + LEVEL / 2))
_SMALLEST_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; `level` is the one attained, where the nominal one cannot be."""

    low: float
    high: float
    method: str
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value from n observations; without interval where n or the spread gives none, and then `because` says why."""

    value: float | None
    n: int
    interval: Interval | None
    because: str | None = None


class Conclusion(StrEnum):
    """What a comparison of two waves can say."""

    ROSE = "rose"
    FELL = "fell"
    NO_CHANGE_SHOWN = "no_change_shown"
    UNDERPOWERED = "underpowered"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Change:
    """Difference of means of two independent groups, after minus before.

    Attributes:
        difference: in points of the scale.
        effect: Hedges' g, in standard deviations; None without spread.
        detectable_effect: smallest effect, in standard deviations, that these group sizes show with 80 % power.
        p: of Welch's test, two-sided, not adjusted; None without spread.
    """

    difference: float
    interval: Interval | None
    effect: float | None
    effect_interval: Interval | None
    detectable_effect: float | None
    p: float | None
    n_before: int
    n_after: int

    @property
    def underpowered(self) -> bool:
        """Whether the groups are too small to see even a large effect."""
        return self.detectable_effect is None or self.detectable_effect > LARGEST_TOLERABLE_DETECTABLE_EFFECT


def _t_quantile(df: float) -> float:
    return float(special.stdtrit(df, 0.5 + LEVEL / 2))


def mean(values: Sequence[float]) -> Estimate:
    """Mean with Student's interval."""
    n = len(values)
    if n == 0:
        return Estimate(None, 0, None, "no observations")
    data = np.asarray(values, dtype=float)
    centre = float(data.mean())
    if n == 1:
        return Estimate(centre, n, None, "one observation has no spread")
    half = _t_quantile(n - 1) * float(data.std(ddof=1)) / sqrt(n)
    if half < _SMALLEST_SPREAD:
        return Estimate(centre, n, None, "all observations are equal")
    return Estimate(centre, n, Interval(centre - half, centre + half, "Student's t"))


def share(successes: int, n: int) -> Estimate:
    """Proportion of independent observations, with Wilson's interval."""
    if n == 0:
        return Estimate(None, 0, None, "no observations")
    p = successes / n
    denominator = 1 + _Z**2 / n
    centre = (p + _Z**2 / (2 * n)) / denominator
    half = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / denominator
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(p, n, Interval(low, high, "Wilson"))


def clustered_share(successes: Sequence[int], totals: Sequence[int]) -> Estimate:
    """Proportion of observations that come in clusters (meetings in pairs): ratio estimator, spread between clusters.

    Counting meetings as if they were independent would make the interval too narrow. `n` is the number of clusters.
    """
    hits = np.asarray([s for s, t in zip(successes, totals, strict=True) if t > 0], dtype=float)
    sizes = np.asarray([t for t in totals if t > 0], dtype=float)
    n = len(sizes)
    if n == 0:
        return Estimate(None, 0, None, "no observations")
    ratio = float(hits.sum() / sizes.sum())
    if n == 1:
        return Estimate(ratio, n, None, "one cluster has no spread")
    variance = n / (n - 1) * float(((hits - ratio * sizes) ** 2).sum()) / float(sizes.sum()) ** 2
    half = _t_quantile(n - 1) * sqrt(variance)
    if half < _SMALLEST_SPREAD:
        return Estimate(ratio, n, None, "all clusters are equal")
    return Estimate(
        ratio, n, Interval(max(0.0, ratio - half), min(1.0, ratio + half), "ratio estimator, clustered by pair")
    )


def median(values: Sequence[float]) -> Estimate:
    """Median with the distribution-free interval between two order statistics, at the level it attains.

    Below six observations no two order statistics reach 95 %; the whole range is given with the level it does attain.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0, None, "no observations")
    ordered = sorted(values)
    centre = float(np.median(np.asarray(ordered, dtype=float)))
    if n == 1:
        return Estimate(centre, n, None, "one observation has no spread")
    rank = 0
    while rank + 1 < (n + 1) // 2 and 2 * float(special.bdtr(rank + 1, n, 0.5)) <= 1 - LEVEL:
        rank += 1
    attained = 1 - 2 * float(special.bdtr(rank, n, 0.5))
    return Estimate(
        centre, n, Interval(float(ordered[rank]), float(ordered[n - 1 - rank]), "order statistics", round(attained, 3))
    )


def detectable_effect(n_before: int, n_after: int) -> float | None:
    """Smallest standardised difference that a two-sided t test at 5 % shows with 80 % power; None without a test."""
    df = n_before + n_after - 2
    if min(n_before, n_after) < 2:
        return None
    noncentrality = float(special.nctdtrinc(df, 1 - POWER, _t_quantile(df)))
    return noncentrality * sqrt(1 / n_before + 1 / n_after)


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Welch's comparison of two waves whose answers cannot be linked.

    The same people may have answered both times. Without a link the groups are compared as independent, which widens
    the interval when people's answers agree with their own earlier ones: the interval errs on the careful side.

    Raises:
        ValueError: a wave has no answers.
    """
    n1, n2 = len(before), len(after)
    if not n1 or not n2:
        raise ValueError("a change needs answers in both waves")
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    difference = float(second.mean() - first.mean())
    detectable = detectable_effect(n1, n2)
    unknown = Change(difference, None, None, None, detectable, None, n1, n2)
    if min(n1, n2) < 2:
        return unknown
    v1, v2 = float(first.var(ddof=1)), float(second.var(ddof=1))
    error = sqrt(v1 / n1 + v2 / n2)
    pooled = sqrt(((n1 - 1) * v1 + (n2 - 1) * v2) / (n1 + n2 - 2))
    if error < _SMALLEST_SPREAD:
        return unknown
    df = (v1 / n1 + v2 / n2) ** 2 / ((v1 / n1) ** 2 / (n1 - 1) + (v2 / n2) ** 2 / (n2 - 1))
    half = _t_quantile(df) * error
    p = 2 * float(special.stdtr(df, -abs(difference / error)))
    effect, effect_error = _hedges(difference / pooled, n1, n2)
    effect_interval = Interval(effect - _Z * effect_error, effect + _Z * effect_error, "Hedges' g, large sample")
    return Change(
        difference,
        Interval(difference - half, difference + half, "Welch"),
        effect,
        effect_interval,
        detectable,
        p,
        n1,
        n2,
    )


def _hedges(d: float, n1: int, n2: int) -> tuple[float, float]:
    """Cohen's d corrected for small samples, and its standard error."""
    total = n1 + n2
    effect = d * (1 - 3 / (4 * total - 9))
    return effect, sqrt(total / (n1 * n2) + effect**2 / (2 * (total - 3.94)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjustment for having looked at several items at once, in the order given."""
    ranked = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(ranked):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = running
    return adjusted


def conclude(result: Change, adjusted_p: float | None) -> Conclusion:
    """The word a comparison earns: refused when the groups could not show even a large effect."""
    if result.underpowered:
        return Conclusion.UNDERPOWERED
    if adjusted_p is None or adjusted_p >= 1 - LEVEL:
        return Conclusion.NO_CHANGE_SHOWN
    return Conclusion.ROSE if result.difference > 0 else Conclusion.FELL


def histogram(values: Sequence[float], edges: Sequence[float]) -> tuple[int, ...]:
    """How many values fall in each bin; the last takes its upper edge, values beyond the edges go to the outer bins."""
    counts: Any = np.histogram(np.clip(np.asarray(values, dtype=float), edges[0], edges[-1]), bins=np.asarray(edges))[0]
    return tuple(int(count) for count in counts)
