"""Cohorts out of a seed, for tests: facts as the projections would give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
from evaluation.domain.facts import (
    Answers,
    CohortFact,
    MatchingFact,
    MeetingFact,
    MeetingOutcome,
    PairEnd,
    PairFact,
    ParticipationFact,
    Stage,
    WaveFact,
)
from evaluation.domain.instruments import Family, Role, WaveKind, current_instrument

START = datetime(2026, 1, 12, 9, tzinfo=UTC)
END = date(2027, 1, 12)
AS_OF = datetime(2027, 1, 28, tzinfo=UTC)
CADENCE_DAYS = 21


def answers(seed: int, kind: WaveKind, mentors: int, mentees: int, *, lift: float = 0.0) -> tuple[Answers, ...]:
    """Seeded answers around 3.1; `lift` raises every family but the wish to improve, which it lowers."""
    rng = np.random.default_rng(seed)
    found = []
    for role, count in ((Role.MENTOR, mentors), (Role.MENTEE, mentees)):
        for _ in range(count):
            items = {}
            for item in current_instrument(kind).items:
                centre = 3.1 + (-lift if item.family is Family.IMPROVEMENT else lift)
                items[item.code] = int(np.clip(round(rng.normal(centre, 0.8)), 1, 5))
            found.append(Answers(role, items))
    return tuple(found)


def wave(kind: WaveKind, given: tuple[Answers, ...], *, invited: int = 60, threshold: int = 5) -> WaveFact:
    """A closed wave of two weeks."""
    opened = START.date() if kind is WaveKind.BASELINE else END
    return WaveFact(kind, 1, threshold, opened, opened + timedelta(days=14), invited, given)


def pair(
    seed: int, *, held_share: float = 0.9, stalls: int = 0, recovered: int = 0, score: int | None = 700
) -> PairFact:
    """A pair of a whole year whose meetings are held with the given probability, missed otherwise."""
    rng = np.random.default_rng(seed)
    meetings = tuple(
        MeetingFact(
            MeetingOutcome.HELD
            if rng.random() < held_share
            else (MeetingOutcome.MISSED if rng.random() < 0.6 else MeetingOutcome.CANCELLED),
            START + timedelta(days=CADENCE_DAYS * (number + 1)),
        )
        for number in range(17)
    )
    ended = datetime(2027, 1, 12, tzinfo=UTC)
    return PairFact(score, START, END, ended, PairEnd.COMPLETED, CADENCE_DAYS, stalls, recovered, meetings)


def cohort(
    pairs: int = 30, *, before: tuple[int, int] = (27, 26), after: tuple[int, int] = (25, 26), lift: float = 0.5
) -> CohortFact:
    """A cohort whose year has passed, both waves closed."""
    rng = np.random.default_rng(7)
    people = []
    for role in Role:
        for number in range(pairs + 6):
            reached = {Stage.APPLIED, Stage.SCREENED} if number < pairs + 4 else {Stage.APPLIED}
            if number < pairs + 2:
                reached.add(Stage.ADMITTED)
            if number < pairs:
                reached |= {Stage.MATCHED, Stage.ACTIVE}
            if number < pairs - 2:
                reached.add(Stage.COMPLETED)
            people.append(ParticipationFact(role, frozenset(reached)))
    unit = UUID(int=1)
    return CohortFact(
        cohort_id=UUID(int=2),
        program_id=UUID(int=3),
        business_unit_id=unit,
        unit_code="HQ-DE",
        state="evaluating",
        starts_on=START.date(),
        ends_on=END,
        suppression_threshold=5,
        planned_design="before_after",
        settings_version=1,
        settings={
            "type": "reverse",
            "formality": "standard",
            "cadence_days": 21,
            "matching_mode": "hr_run",
            "voluntary": True,
            "duration_months": 12,
        },
        participations=tuple(people),
        pairs=tuple(
            pair(
                number,
                held_share=float(np.clip(rng.normal(0.86, 0.12), 0.2, 1.0)),
                stalls=1 if number % 8 == 0 else 0,
                recovered=1 if number % 16 == 0 else 0,
                score=int(np.clip(rng.normal(690, 110), 100, 990)),
            )
            for number in range(pairs)
        ),
        waves=(
            wave(WaveKind.BASELINE, answers(11, WaveKind.BASELINE, *before), invited=2 * pairs),
            wave(WaveKind.CLOSING, answers(12, WaveKind.CLOSING, *after, lift=lift), invited=2 * pairs),
        ),
        matching=MatchingFact(
            1156, 804, pairs, {"reporting_chain": 41, "same_team": 88, "grade_gap": 190, "shared_language": 33}
        ),
    )
