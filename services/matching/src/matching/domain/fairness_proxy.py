"""Whether what matching knows of people tells their age band, which it does not know and must not use (R0-06, R2-13).

A naive Bayes classifier (Bernoulli, Laplace smoothing, equal priors) guesses the declared band from one group of features at a time, and
from all of them, in five-fold cross-validation. Its balanced accuracy, the mean share of right guesses over the bands, is one over the
number of bands where the features tell nothing. The p-value counts how often the same figure comes out of permuted bands (Ojala and
Garriga 2010); draws come from a seed of the run, so the test can be repeated. Intervals add two successes and two failures to each
band's count (Agresti and Coull 1998).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.domain.facts import Candidate, Role
from matching.domain.fairness_statistics import Z, holm

DIMENSION = "age_band"
FOLDS = 5
LEAST_IN_BAND = 20
"""People of a band below which a side is not tested: the interval would cover nearly everything."""
MOST_PEOPLE = 1000
"""People looked at on one side; of more, so many are drawn."""
PERMUTATIONS = 499
PRACTICAL = 0.10
"""How far above chance a balanced accuracy must be to be a finding."""
_AT_ONCE = 50
ALPHA = 0.05

Features = Mapping[str, Iterable[str]]
Matrix = NDArray[np.float32]


class NotTestable(StrEnum):
    """Why a side was not tested."""

    SWITCHED_OFF = "switched_off"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Guess:
    """How well one group of features tells the band."""

    features: str
    accuracy: float
    low: float
    high: float
    p_value: float


_FEATURES: tuple[tuple[str, Callable[[Candidate], Iterable[str]]], ...] = (
    ("grade", lambda one: (str(one.grade_rank),)),
    ("tenure", lambda one: (one.background.tenure or "",)),
    ("function", lambda one: (one.background.function or "",)),
    ("region", lambda one: (one.background.region or "",)),
    ("country", lambda one: (one.background.country or "",)),
    ("offers", lambda one: (f"{topic}:{level}" for topic, level in one.offers.items())),
    ("asks", lambda one: (f"{topic}:{level}" for topic, level in one.asks.items())),
    ("languages", lambda one: one.languages),
    ("time_zone", lambda one: (one.working_time.time_zone,)),
    ("values", lambda one: one.values),
    ("style", lambda one: (f"{axis}:{place}" for axis, place in one.style.items())),
    ("channels", lambda one: one.channels),
)
"""What matching knows of a person, by field; a weight of 0 does not take a field out, since rules may use it."""


def proxy_test(
    candidates: Sequence[Candidate], bands: Mapping[UUID, str], role: Role, seed: int, *, enabled: bool = True
) -> dict[str, Any]:
    """The test for one side, as a plain document; `bands` are those declared, by participation.

    `not_testable` says why where there are fewer than `LEAST_IN_BAND` people in two bands.
    """
    document: dict[str, Any] = {"role": role.value, "dimension": DIMENSION, "not_testable": None, "features": []}
    if not enabled:
        return document | {"not_testable": NotTestable.SWITCHED_OFF.value}
    people = sorted((one for one in candidates if one.participation_id in bands), key=lambda one: one.participation_id)
    counts: dict[str, int] = {}
    for one in people:
        band = bands[one.participation_id]
        counts[band] = counts.get(band, 0) + 1
    large = sorted(band for band, number in counts.items() if number >= LEAST_IN_BAND)
    if len(large) < 2:
        return document | {"not_testable": NotTestable.TOO_FEW.value, "least_in_band": LEAST_IN_BAND}
    draw = np.random.default_rng(seed)
    people = [one for one in people if bands[one.participation_id] in large]
    if len(people) > MOST_PEOPLE:
        people = [people[place] for place in np.sort(draw.choice(len(people), MOST_PEOPLE, replace=False))]
    labels = np.array([large.index(bands[one.participation_id]) for one in people])
    guesses = _guesses(people, labels, len(large), draw)
    adjusted = holm([guess.p_value for guess in guesses])
    chance = 1 / len(large)
    for guess, p_value in zip(guesses, adjusted, strict=True):
        document["features"].append(
            {
                "features": guess.features,
                "accuracy": round(guess.accuracy, 2),
                "low": math.floor(guess.low * 100) / 100,
                "high": math.ceil(guess.high * 100) / 100,
                "p_adjusted": round(p_value, 4),
                "finding": p_value <= ALPHA and guess.accuracy >= chance + PRACTICAL,
            }
        )
    return document | {"people": len(people), "bands": large, "chance": round(chance, 2)}


def _guesses(people: Sequence[Candidate], labels: Any, bands: int, draw: np.random.Generator) -> list[Guess]:
    matrices = {}
    for name, of in _FEATURES:
        matrix = _indicators([frozenset(of(one)) for one in people])
        if matrix.shape[1]:
            matrices[name] = matrix
    if len(matrices) > 1:
        matrices["all"] = np.hstack(list(matrices.values()))
    folds = draw.permutation(len(people)) % FOLDS
    permuted = np.array([draw.permutation(labels) for _ in range(PERMUTATIONS)])
    return [_guess(name, matrix, labels, permuted, folds, bands) for name, matrix in matrices.items()]


def _indicators(said: Sequence[frozenset[str]]) -> Matrix:
    """A column for each thing that some, but not all, of the people have."""
    names = sorted(frozenset().union(*said))
    matrix = np.array([[name in one for name in names] for one in said], dtype=np.float32).reshape(len(said), -1)
    varying: Matrix = matrix[:, (matrix.sum(axis=0) > 0) & (matrix.sum(axis=0) < len(said))]
    return varying


def _guess(name: str, matrix: Matrix, labels: Any, permuted: Any, folds: Any, bands: int) -> Guess:
    shares = _recalls(matrix, labels[None, :], folds, bands)[0]
    accuracy = float(shares.mean())
    as_good = 0
    for start in range(0, len(permuted), _AT_ONCE):
        drawn = _recalls(matrix, permuted[start : start + _AT_ONCE], folds, bands).mean(axis=1)
        as_good += int((drawn >= accuracy - 1e-9).sum())
    numbers = np.bincount(labels, minlength=bands)
    eased = (shares * numbers + 2) / (numbers + 4)
    half = Z * math.sqrt(float((eased * (1 - eased) / (numbers + 4)).sum())) / bands
    middle = float(eased.mean())
    p_value = (1 + as_good) / (1 + len(permuted))
    return Guess(
        name, accuracy, max(0.0, min(middle - half, accuracy)), min(1.0, max(middle + half, accuracy)), p_value
    )


def _recalls(matrix: Matrix, labels: Any, folds: Any, bands: int) -> Any:
    """The share of right guesses per band, out of fold, for each row of `labels`; shape (rows, bands)."""
    rows, width = len(labels), matrix.shape[1]
    of_band = (labels[:, None, :] == np.arange(bands)[None, :, None]).astype(np.float32)
    right = np.zeros((rows, bands))
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        numbers = of_band[:, :, train].sum(axis=2)[:, :, None]
        seen = (of_band[:, :, train].reshape(rows * bands, -1) @ matrix[train]).reshape(rows, bands, width)
        likely = (seen + 1) / (numbers + 2)
        unlikely = np.log1p(-likely)
        weights = (np.log(likely) - unlikely).reshape(rows * bands, width)
        scores = (weights @ matrix[test].T).reshape(rows, bands, -1) + unlikely.sum(axis=2)[:, :, None]
        guessed = scores.argmax(axis=1)
        hit = guessed == labels[:, test]
        right += (of_band[:, :, test] * hit[:, None, :]).sum(axis=2)
    return right / of_band.sum(axis=2)
