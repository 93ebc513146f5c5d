"""What happened in a cohort, counted from events: funnel, match quality, cadence, meetings, pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from evaluation.domain import estimates
from evaluation.domain.facts import MeetingOutcome, PairEnd, PairFact, ParticipationFact, Stage
from evaluation.domain.figures import Figure, Unit, counted, estimated, suppressed
from evaluation.domain.instruments import Role
from evaluation.domain.suppression import showable

SCORE_EDGES = tuple(float(edge) for edge in range(0, 1001, 100))
RATIO_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
PEOPLE_IN_A_PAIR = 2

_APPLICATIONS = "enrollment: participation events"
_PAIRS_MATCHED = "matching: pair events"
_PAIRS = "engagement: pair events"
_MEETINGS = "engagement: meeting events"


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """How many people reached a stage, and their share of those who reached the stage before."""

    stage: Stage
    everybody: Figure
    mentors: Figure
    mentees: Figure
    of_previous: Figure | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between neighbouring edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MatchQuality:
    """How good the pairs looked when they were formed."""

    pairs: Figure
    mean_score: Figure
    median_score: Figure
    scores: Histogram | None


@dataclass(frozen=True, slots=True)
class Cadence:
    """Whether pairs met as often as they had agreed."""

    median_ratio: Figure
    kept: Figure
    ratios: Histogram | None


@dataclass(frozen=True, slots=True)
class Month:
    """Meetings of one calendar month."""

    month: str
    held: int
    missed: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Meetings:
    """Meetings whose date has come."""

    held: Figure
    missed: Figure
    cancelled: Figure
    share_held: Figure
    by_month: tuple[Month, ...]


@dataclass(frozen=True, slots=True)
class PairLife:
    """What became of the pairs."""

    activated: Figure
    stalled: Figure
    rescued: Figure
    share_rescued: Figure
    completed: Figure
    dissolved: Figure


def funnel(participations: Sequence[ParticipationFact], threshold: int) -> tuple[FunnelStage, ...]:
    """Who came how far, whole and by role; by role only when both roles are large enough."""
    groups = {"mentors": Role.MENTOR, "mentees": Role.MENTEE}
    by_role = {label: [p for p in participations if p.role is role] for label, role in groups.items()}
    total = len(participations)
    whole, split = showable(total, {label: len(people) for label, people in by_role.items()}, threshold)
    stages: list[FunnelStage] = []
    before: int | None = None
    for stage in Stage:
        reached = sum(stage in p.reached for p in participations)

        def count(label: str, people: Sequence[ParticipationFact], stage: Stage = stage) -> Figure:
            return counted(
                f"funnel.{stage}.{label}",
                f"{stage.value} ({label})",
                sum(stage in p.reached for p in people),
                n=len(people),
                of="people",
                source=_APPLICATIONS,
                people=len(people) if label == "everybody" or label in split else 0,
                threshold=threshold,
            )

        of_previous = None
        if whole and before is not None and reached <= before:
            of_previous = estimated(
                f"funnel.{stage}.of_previous",
                f"{stage.value}, of the stage before",
                Unit.SHARE,
                estimates.share(reached, before),
                of="people",
                source=_APPLICATIONS,
            )
        mentors, mentees = (count(label, people) for label, people in by_role.items())
        stages.append(FunnelStage(stage, count("everybody", participations), mentors, mentees, of_previous))
        before = reached
    return tuple(stages)


def match_quality(pairs: Sequence[PairFact], threshold: int) -> MatchQuality:
    """Distribution of the scores at which pairs were formed (0 to 1000)."""
    scores = [float(pair.score) for pair in pairs if pair.score is not None]
    formed = counted(
        "pairs.formed",
        "Pairs formed",
        len(pairs),
        n=len(pairs),
        of="pairs",
        source=_PAIRS_MATCHED,
        people=len(pairs) * PEOPLE_IN_A_PAIR,
        threshold=threshold,
    )
    if len(scores) * PEOPLE_IN_A_PAIR < threshold:
        mean, median = (
            suppressed(code, label, Unit.PERMILLE, threshold, of="pairs", source=_PAIRS_MATCHED)
            for code, label in (("score.mean", "Mean score"), ("score.median", "Median score"))
        )
        return MatchQuality(formed, mean, median, None)
    return MatchQuality(
        formed,
        estimated("score.mean", "Mean score", Unit.PERMILLE, estimates.mean(scores), of="pairs", source=_PAIRS_MATCHED),
        estimated(
            "score.median", "Median score", Unit.PERMILLE, estimates.median(scores), of="pairs", source=_PAIRS_MATCHED
        ),
        Histogram(SCORE_EDGES, estimates.histogram(scores, SCORE_EDGES)),
    )


def expected_meetings(pair: PairFact, as_of: datetime) -> int:
    """Meetings the agreed cadence asked for so far: whole cadences from activation to the pair's end or `as_of`.

    Days on which the pair stood still for a check ask for none, and move its end on. None is expected of a pair without
    cadence, or one that never became active.
    """
    if pair.activated_at is None or pair.cadence_days is None:
        return 0
    until = min(as_of, pair.ended_at) if pair.ended_at is not None else as_of
    first_day, last_day = pair.activated_at.date(), until.date()
    days = (last_day - first_day).days - sum(
        max(0, (min(last_day, pause.ended_on or last_day) - max(first_day, pause.began_on)).days)
        for pause in pair.pauses
    )
    if pair.ends_on is not None:
        days = min(days, (pair.ends_on - first_day).days)
    return max(0, days // pair.cadence_days)


def cadence(pairs: Sequence[PairFact], as_of: datetime, threshold: int) -> Cadence:
    """Held against expected, pair by pair. A pair that meets more often does not make up for one that does not."""
    both = [(pair.count(MeetingOutcome.HELD), expected_meetings(pair, as_of)) for pair in pairs]
    due = [(held, expected) for held, expected in both if expected]
    labels = (
        ("cadence.median_ratio", "Meetings held per meeting agreed, median pair", Unit.RATIO),
        ("cadence.kept", "Agreed meetings that were held", Unit.SHARE),
    )
    if len(due) * PEOPLE_IN_A_PAIR < threshold:
        median, kept = (
            suppressed(code, label, unit, threshold, of="pairs", source=_MEETINGS) for code, label, unit in labels
        )
        return Cadence(median, kept, None)
    ratios = [held / expected for held, expected in due]
    share = estimates.clustered_share(
        [min(held, expected) for held, expected in due], [expected for _, expected in due]
    )
    return Cadence(
        estimated(*labels[0], estimates.median(ratios), of="pairs", source=_MEETINGS),
        estimated(*labels[1], share, of="pairs", source=_MEETINGS),
        Histogram(RATIO_EDGES, estimates.histogram(ratios, RATIO_EDGES)),
    )


def meetings(pairs: Sequence[PairFact], threshold: int) -> Meetings:
    """Meetings held, missed and cancelled; the share's interval respects that meetings come in pairs."""
    totals = {outcome: sum(pair.count(outcome) for pair in pairs) for outcome in MeetingOutcome}
    total = sum(totals.values())

    def count(outcome: MeetingOutcome) -> Figure:
        label = f"Meetings {outcome.value}"
        return counted(
            f"meetings.{outcome}",
            label,
            totals[outcome],
            n=total,
            of="meetings",
            source=_MEETINGS,
            people=len(pairs) * PEOPLE_IN_A_PAIR,
            threshold=threshold,
        )

    with_meetings = [pair for pair in pairs if pair.meetings]
    name = ("meetings.share_held", "Meetings that took place", Unit.SHARE)
    if len(with_meetings) * PEOPLE_IN_A_PAIR < threshold:
        share = suppressed(*name, threshold, of="pairs", source=_MEETINGS)
    else:
        share = estimated(
            *name,
            estimates.clustered_share(
                [pair.count(MeetingOutcome.HELD) for pair in with_meetings],
                [len(pair.meetings) for pair in with_meetings],
            ),
            of="pairs",
            source=_MEETINGS,
        )
    months: dict[str, Counter[MeetingOutcome]] = {}
    for pair in pairs if len(pairs) * PEOPLE_IN_A_PAIR >= threshold else ():
        for meeting in pair.meetings:
            if meeting.at is not None:
                months.setdefault(meeting.at.strftime("%Y-%m"), Counter())[meeting.outcome] += 1
    return Meetings(
        count(MeetingOutcome.HELD),
        count(MeetingOutcome.MISSED),
        count(MeetingOutcome.CANCELLED),
        share,
        tuple(
            Month(month, by[MeetingOutcome.HELD], by[MeetingOutcome.MISSED], by[MeetingOutcome.CANCELLED])
            for month, by in sorted(months.items())
        ),
    )


def pair_life(pairs: Sequence[PairFact], threshold: int) -> PairLife:
    """How many pairs fell silent, and how many of those met again."""
    stalled = [pair for pair in pairs if pair.stalls > 0]
    rescued = [pair for pair in stalled if pair.recovered_stalls > 0]

    def count(code: str, label: str, value: int) -> Figure:
        people = len(pairs) * PEOPLE_IN_A_PAIR
        return counted(
            f"pairs.{code}", label, value, n=len(pairs), of="pairs", source=_PAIRS, people=people, threshold=threshold
        )

    name = ("pairs.share_rescued", "Of the silent pairs, met again", Unit.SHARE)
    if len(pairs) * PEOPLE_IN_A_PAIR < threshold:
        share = suppressed(*name, threshold, of="pairs", source=_PAIRS)
    else:
        share = estimated(
            *name, estimates.share(len(rescued), len(stalled)), of="pairs that fell silent", source=_PAIRS
        )
    return PairLife(
        count("activated", "Pairs that became active", sum(pair.activated_at is not None for pair in pairs)),
        count("stalled", "Pairs that fell silent", len(stalled)),
        count("rescued", "Pairs rescued: silent, then met again", len(rescued)),
        share,
        count("completed", "Pairs that completed", sum(pair.ended is PairEnd.COMPLETED for pair in pairs)),
        count("dissolved", "Pairs dissolved early", sum(pair.ended is PairEnd.DISSOLVED for pair in pairs)),
    )
