"""How well two people fit, in integers throughout: what one can teach that the other asks for, how they differ, what they
share, and how they can meet.

Each part is 0 to 1000, rounded down; the total is their mean by the program's weights, rounded down. A part that does not
apply (a mentor who asks for nothing has no wish left open) drops out with its weight, so that nobody loses by keeping
something to themselves. Seniority and age are no part of it.

Why these parts (the defaults of their weights and the reasons for those are in docs/forms.md):

- `topics`: the substance of a match is what one can teach and the other wants to learn; `reciprocity`: both sides learn.
- `distance`: another function, region, country, unit, tenure and life experience is what makes a perspective new. Tenure
  and life experience count only as a difference of two people, never towards a side, and life experience only where
  both consented.
- `values`, `style`, `channel`: likeness below the surface and a shared medium are the "chemistry" that is advised as much
  as difference.
- `language` and `hours`: the hard rules already secure a common language and enough hours; above that more is easier.
- `preferences`: what people ranked themselves. It can never override a hard rule, because a pair that breaks one is no
  candidate at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from matching.domain.facts import Candidate, LanguageLevel, PairType, ProgramRules

SCORING_VERSION = 2
FULL = 1000
FULL_DAY_MINUTES = 480
STYLE_STEP = 250
"""Points lost for each of the at most four steps between two places on an axis of working style."""


@dataclass(frozen=True, slots=True)
class TopicReason:
    """One wish that the other side can answer: the topic asked, the topic offered, both levels (1 to 5), points of
    1000.
    """

    asked: str
    offered: str
    asked_level: int
    offered_level: int
    points: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two people can meet: shared languages with the lower of both levels (1 to 6), shared working minutes of a
    day.
    """

    languages: Mapping[str, int]
    minutes: int


@dataclass(frozen=True, slots=True)
class PairScore:
    """The total and the parts of a pair's score, each 0 to 1000, None for a part that does not apply.

    `topics`: how far the mentor answers what the mentee asks; `reciprocity`: the other way; `distance`: how far function,
    region, country, tenure, life experience and business unit differ; `language`: level of the best shared language;
    `hours`: shared working time of a full day; `values`: share of values in common; `style`: nearness on the axes of
    working style both declared; `preferences`: how high those ranked each other who ranked anybody; `channel`: media both
    like, of the shorter list. `has_reason` is whether the pair has a substantive reason in the direction it needs.
    """

    total: int
    topics: int | None
    reciprocity: int | None
    distance: int
    language: int
    hours: int
    values: int | None
    style: int | None
    preferences: int | None
    channel: int | None
    reasons_to_mentee: tuple[TopicReason, ...]
    reasons_to_mentor: tuple[TopicReason, ...]
    has_reason: bool

    @property
    def parts(self) -> dict[str, int]:
        """The parts that apply, by name."""
        named = {
            "topics": self.topics,
            "reciprocity": self.reciprocity,
            "distance": self.distance,
            "language": self.language,
            "hours": self.hours,
            "values": self.values,
            "style": self.style,
            "preferences": self.preferences,
            "channel": self.channel,
        }
        return {name: part for name, part in named.items() if part is not None}


def score_pair(mentor: Candidate, mentee: Candidate, overlap: Overlap, rules: ProgramRules) -> PairScore:
    """The score of a pair by the program's weights.

    A reverse or traditional pair needs a topic that the mentor offers and the mentee asks for; a reciprocal one needs a
    topic in either direction. With a reason the total is at least 1.
    """
    topics, reasons_to_mentee = _answered(mentee.asks, mentor.offers)
    reciprocity, reasons_to_mentor = _answered(mentor.asks, mentee.offers)
    distance = _distance(mentor, mentee)
    language = FULL * max(overlap.languages.values(), default=0) // LanguageLevel.C2
    hours = min(FULL, FULL * overlap.minutes // FULL_DAY_MINUTES)
    values = _shared_share(mentor.values, mentee.values)
    style = _style(mentor.style, mentee.style)
    preferences = _preferences(mentor, mentee, rules.preference_limit)
    channel = _channel(mentor.channels, mentee.channels)
    weights = rules.weights
    weighted = (
        (weights.topics, topics),
        (weights.reciprocity, reciprocity),
        (weights.distance, distance),
        (weights.language, language),
        (weights.hours, hours),
        (weights.values, values),
        (weights.style, style),
        (weights.preferences, preferences),
        (weights.channel, channel),
    )
    weight = sum(weight for weight, part in weighted if part is not None)
    total = sum(weight * part for weight, part in weighted if part is not None) // weight if weight else 0
    has_reason = bool(reasons_to_mentee) or (rules.pair_type is PairType.RECIPROCAL and bool(reasons_to_mentor))
    return PairScore(
        total=max(1, total) if has_reason else total,
        topics=topics,
        reciprocity=reciprocity,
        distance=distance,
        language=language,
        hours=hours,
        values=values,
        style=style,
        preferences=preferences,
        channel=channel,
        reasons_to_mentee=reasons_to_mentee,
        reasons_to_mentor=reasons_to_mentor,
        has_reason=has_reason,
    )


def _distance(mentor: Candidate, mentee: Candidate) -> int:
    """The mean over the traits known of both; the business unit always is."""
    one, other = mentor.background, mentee.background
    pairs = (
        (one.function, other.function),
        (one.region, other.region),
        (one.country, other.country),
        (one.tenure, other.tenure),
        (mentor.business_unit_id, mentee.business_unit_id),
    )
    points = [FULL * (mine != theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
    shared_life = _shared_share(one.life, other.life)
    if shared_life is not None:
        points.append(FULL - shared_life)
    return sum(points) // len(points)


def _shared_share(one: frozenset[str], other: frozenset[str]) -> int | None:
    """What both hold, of what either holds (Jaccard's index), of 1000; None if one holds nothing."""
    return FULL * len(one & other) // len(one | other) if one and other else None


def _style(one: Mapping[str, int], other: Mapping[str, int]) -> int | None:
    """The mean nearness over the axes that both declared (places 1 to 5); None if there is none."""
    points = [FULL - STYLE_STEP * abs(place - other[axis]) for axis, place in one.items() if axis in other]
    return sum(points) // len(points) if points else None


def _preferences(mentor: Candidate, mentee: Candidate, limit: int) -> int | None:
    """The mean over the sides that ranked anybody, 0 from a side that ranked only others; None if neither ranked."""
    points = [
        _rank_points(ranked, wanted, limit)
        for ranked, wanted in ((mentor.ranked, mentee.participation_id), (mentee.ranked, mentor.participation_id))
        if ranked[:limit]
    ]
    return sum(points) // len(points) if points else None


def _rank_points(ranked: tuple[UUID, ...], wanted: UUID, limit: int) -> int:
    """From 1000 for the dearest down in equal steps; 0 for somebody not ranked within the limit."""
    return FULL * (limit - ranked.index(wanted)) // limit if wanted in ranked[:limit] else 0


def _channel(one: frozenset[str], other: frozenset[str]) -> int | None:
    """Media both like, of the shorter of both lists, of 1000; None if one likes none in particular."""
    return FULL * len(one & other) // min(len(one), len(other)) if one and other else None


def _answered(asks: Mapping[str, int], offers: Mapping[str, int]) -> tuple[int | None, tuple[TopicReason, ...]]:
    """The mean over all wishes of what the offers answer of each, rounded down, and the wishes answered at all."""
    if not asks:
        return None, ()
    reasons = []
    for asked in sorted(asks):
        reason = _best_offer(asked, asks[asked], offers)
        if reason is not None:
            reasons.append(reason)
    return sum(reason.points for reason in reasons) // len(asks), tuple(reasons)


def _best_offer(asked: str, asked_level: int, offers: Mapping[str, int]) -> TopicReason | None:
    """The offer that answers a wish best: full points at the level asked or above, half for a broader or narrower
    topic.
    """
    best: TopicReason | None = None
    for offered in sorted(offers):
        if offered == asked:
            share = FULL
        elif offered.startswith(asked + ".") or asked.startswith(offered + "."):
            share = FULL // 2
        else:
            continue
        level = offers[offered]
        points = share * min(level, asked_level) // max(1, asked_level)
        if points > 0 and (best is None or points > best.points):
            best = TopicReason(asked, offered, asked_level, level, points)
    return best
