"""How well two people fit, in integers throughout: what one can teach that the other asks for, and how they differ and
meet.

Each part is 0 to 1000; the total is their mean by the program's weights, rounded down. A part that does not apply (a
mentor who asks for nothing has no wish left open) drops out with its weight. Seniority and age are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matching.domain.facts import Candidate, LanguageLevel, PairType, ProgramRules

SCORING_VERSION = 1
FULL = 1000
FULL_DAY_MINUTES = 480


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

    `topics`: how far the mentor answers what the mentee asks; `reciprocity`: the other way; `distance`: the share of
    function, region, country and business unit in which they differ; `language`: level of the best shared language;
    `hours`: shared working time of a full day. `has_reason` is whether the pair has a substantive reason in the
    direction it needs.
    """

    total: int
    topics: int | None
    reciprocity: int | None
    distance: int
    language: int
    hours: int
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
    weights = rules.weights
    weighted = (
        (weights.topics, topics),
        (weights.reciprocity, reciprocity),
        (weights.distance, distance),
        (weights.language, language),
        (weights.hours, hours),
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
        reasons_to_mentee=reasons_to_mentee,
        reasons_to_mentor=reasons_to_mentor,
        has_reason=has_reason,
    )


def _distance(mentor: Candidate, mentee: Candidate) -> int:
    one, other = mentor.background, mentee.background
    pairs = (
        (one.function, other.function),
        (one.region, other.region),
        (one.country, other.country),
        (mentor.business_unit_id, mentee.business_unit_id),
    )
    known = [(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
    return FULL * sum(mine != theirs for mine, theirs in known) // len(known)


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
