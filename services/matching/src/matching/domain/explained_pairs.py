"""Pairs with what made their score: the parts by the readable formula, and why in words.

That a pair may be proposed is not judged here: the solver takes only pairs that no rule forbids, and the checker judges
every one of them once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.domain.explanation import pair_words
from matching.domain.facts import Candidate, Snapshot, WorkingTime
from matching.domain.rules import WAIVABLE
from matching.domain.scoring import Overlap, PairScore, score_pair
from matching.domain.working_hours import DAYS_COMPARED, DAYS_LOOKED_AT, shifts

_TOLD_EVERY = 1000


@dataclass(frozen=True, slots=True)
class ProposedPair:
    """One pair of the optimum and why. `overlap_minutes` of a day; `grade_gap` in ranks, mentee less mentor."""

    mentor: Candidate
    mentee: Candidate
    score: PairScore
    shared_languages: tuple[str, ...]
    overlap_minutes: int
    grade_gap: int
    words: tuple[str, ...]


def explained(
    snapshot: Snapshot,
    pairs: Sequence[tuple[Candidate, Candidate]],
    told: Callable[[int], None] = lambda share: None,
) -> tuple[ProposedPair, ...]:
    """These (mentor, mentee), explained, in their order; `told` hears how many of 1000 are."""
    rules, waivable = snapshot.rules, {rule.value for rule in WAIVABLE}
    waived = {(mentor, mentee) for mentor, mentee, rule in snapshot.waived if rule in waivable}
    minutes = minutes_together(snapshot, pairs).tolist()
    found = []
    for number, ((mentor, mentee), together) in enumerate(zip(pairs, minutes, strict=True)):
        if number % _TOLD_EVERY == 0:
            told(1000 * number // len(pairs))
        languages = _shared_languages(mentor, mentee, int(rules.minimum_language_level))
        score = score_pair(mentor, mentee, Overlap(languages, together), rules)
        apart = (mentor.person_id, mentee.person_id) not in waived
        found.append(
            ProposedPair(
                mentor=mentor,
                mentee=mentee,
                score=score,
                shared_languages=tuple(sorted(languages)),
                overlap_minutes=together,
                grade_gap=mentee.grade_rank - mentor.grade_rank,
                words=pair_words(score, rules, waived=not apart),
            )
        )
    return tuple(found)


def minutes_together(snapshot: Snapshot, pairs: Sequence[tuple[Candidate, Candidate]]) -> NDArray[np.int64]:
    """What `working_hours.overlap_minutes` says of each pair, found for all at once."""
    times: dict[WorkingTime, int] = {}
    ends = [
        np.fromiter((times.setdefault(pair[side].working_time, len(times)) for pair in pairs), np.int64, len(pairs))
        for side in (0, 1)
    ]
    begin, end = np.zeros((2, len(times), DAYS_COMPARED), dtype=np.int64)
    works = np.zeros((len(times), DAYS_COMPARED), dtype=np.bool_)
    for working, place in times.items():
        for day, shift in enumerate(shifts(working, snapshot.starts_on)):
            if shift is not None:
                begin[place, day], end[place, day] = shift
                works[place, day] = True
    one, other = ends
    both = (works[one] & works[other])[:, 1 : 1 + DAYS_LOOKED_AT]
    first = 1 + both.argmax(axis=1)
    seconds = np.zeros(len(pairs), dtype=np.int64)
    for near in (first - 1, first, first + 1):
        for mine, day, theirs, their_day in ((one, first, other, near), (other, first, one, near)):
            shared = np.minimum(end[mine, day], end[theirs, their_day]) - np.maximum(
                begin[mine, day], begin[theirs, their_day]
            )
            seconds = np.maximum(seconds, np.where(works[theirs, their_day], shared, 0))
    minutes: NDArray[np.int64] = np.where(both.any(axis=1), seconds // 60, 0)
    return minutes


def _shared_languages(mentor: Candidate, mentee: Candidate, least: int) -> dict[str, int]:
    """Languages both command at the program's minimum level or better, with the lower of the two levels."""
    theirs = mentee.languages
    shared = {}
    for language, level in mentor.languages.items():
        both = min(int(level), int(theirs.get(language, 0)))
        if both >= least:
            shared[language] = both
    return shared
