"""Shares, means and their differences with intervals, and tests corrected for their number.

Sources: Wilson (1927) for a share; Newcombe (1998, method 10) for a difference of shares; Welch (1947) for a difference
of means; Fisher (1935) for the test of two shares; Holm (1979) for many tests at once. All intervals are two-sided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

LEVEL = 0.95
"""Confidence of every interval."""
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
"""The normal distribution's quantile of a two-sided interval."""
_TIE = 1e-9

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A difference of one group to all others, with its interval, and the two-sided p-value of no difference."""

    difference: Estimate
    p_value: float


def share(successes: int, of: int) -> Estimate:
    """A share with Wilson's score interval; `of` is at least 1."""
    value = successes / of
    spread = Z * Z / of
    middle = (value + spread / 2) / (1 + spread)
    half = Z * math.sqrt(value * (1 - value) / of + spread / (4 * of)) / (1 + spread)
    return Estimate(value, max(0.0, min(middle - half, value)), min(1.0, max(middle + half, value)))


def compare_shares(successes: int, of: int, others: int, of_others: int) -> Comparison:
    """A share less another: Newcombe's hybrid score interval, Fisher's exact test."""
    one, other = share(successes, of), share(others, of_others)
    difference = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Comparison(
        Estimate(difference, max(-1.0, difference - below), min(1.0, difference + above)),
        fisher(successes, of, others, of_others),
    )


def mean(values: Values) -> Estimate:
    """A mean with Student's t interval; at least two values."""
    middle = float(values.mean())
    half = _t(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(middle, middle - half, middle + half)


def compare_means(values: Values, others: Values) -> Comparison:
    """A mean less another: Welch's t interval and test; at least two values each.

    Where neither side varies at all there is no t: the interval is the difference, and Fisher's exact test stands in.
    """
    difference = float(values.mean() - others.mean())
    if values.std() == 0 and others.std() == 0:
        p_value = 1.0 if difference == 0 else fisher(len(values), len(values), 0, len(others))
        return Comparison(Estimate(difference, difference, difference), p_value)
    one, other = float(values.var(ddof=1)) / len(values), float(others.var(ddof=1)) / len(others)
    freedom = (one + other) ** 2 / (one**2 / (len(values) - 1) + other**2 / (len(others) - 1))
    error = math.sqrt(one + other)
    half = _t(freedom) * error
    p_value = 2 * float(special.stdtr(freedom, -abs(difference) / error))
    return Comparison(Estimate(difference, difference - half, difference + half), p_value)


def fisher(successes: int, of: int, others: int, of_others: int) -> float:
    """The two-sided p-value of Fisher's exact test: the chance, with both margins fixed, of a table no likelier than this one."""
    hits, total = successes + others, of + of_others
    least, most = max(0, hits - of_others), min(hits, of)
    tables = np.arange(least, most + 1, dtype=np.float64)
    logs = _choose(of, tables) + _choose(of_others, hits - tables) - float(_choose(total, np.float64(hits)))
    here = float(logs[successes - least])
    return min(1.0, float(np.exp(logs[logs <= here + _TIE * max(1.0, abs(here))]).sum()))


def _choose(of: int, number: Any) -> Any:
    """The logarithm of a binomial coefficient."""
    return special.gammaln(of + 1) - special.gammaln(number + 1) - special.gammaln(of - number + 1)


def _t(freedom: float) -> float:
    """Student's quantile of a two-sided interval."""
    return float(special.stdtrit(freedom, 0.5 + LEVEL / 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values after Holm's correction, in the same order: rejecting those of at most a keeps the chance of any false
    rejection at a, however the tests depend on each other.
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted
