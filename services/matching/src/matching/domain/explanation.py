"""Why these two, and why nobody: structured parts for the program manager, coded words for everybody.

The codes become sentences in the reader's language (`matching.domain.sentences`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from matching.domain.facts import Candidate, Direction, PairType, ProgramRules, Role
from matching.domain.rules import Rule
from matching.domain.scoring import PairScore, TopicReason
from matching.domain.sentences import coded, rule_words

RULE_WORDS: Mapping[Rule, str] = {rule: rule_words(rule.value) for rule in Rule}
"""What each hard rule forbids, in English; `rule_words` knows the other languages."""


class UnmatchedReason(StrEnum):
    """Why a candidate got no pair."""

    FACTS_MISSING = "facts_missing"
    NO_OWN_PLACE = "no_own_place"
    NOBODY_ON_OTHER_SIDE = "nobody_on_other_side"
    RULES_EXCLUDE_ALL = "rules_exclude_all"
    PARTNERS_TAKEN = "partners_taken"


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A candidate without a pair: of `considered` people opposite `allowed` break no rule; `broken` counts people per
    rule. `person_id` is None while nothing but the participation is known; `unit_ids` are the person's own unit.
    """

    participation_id: UUID
    role: Role
    reason: UnmatchedReason
    considered: int = 0
    allowed: int = 0
    broken: Mapping[Rule, int] = field(default_factory=dict)
    person_id: UUID | None = None
    unit_ids: tuple[UUID, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Why, as coded words."""
        broken = {rule.value: count for rule, count in self.broken.items()}
        return unmatched_words(self.reason, considered=self.considered, allowed=self.allowed, broken=broken)


def pair_words(score: PairScore, rules: ProgramRules, *, waived: bool = False) -> tuple[str, ...]:
    """Why these two were proposed, as coded words. `waived`: they may meet only because a rule was waived for them."""
    return (
        *(_topic_words("mentor_offers", reason) for reason in score.reasons_to_mentee),
        *(_topic_words("mentee_offers", reason) for reason in score.reasons_to_mentor),
        _direction_words(rules),
        *((coded("approved"),) if waived else (coded("apart"), coded("can_meet"))),
    )


def explain_unmatched(candidate: Candidate, *, considered: int, allowed: int, broken: Mapping[Rule, int]) -> Unmatched:
    """Why a candidate whose facts are known got no pair."""
    if candidate.free_places == 0:
        reason = UnmatchedReason.NO_OWN_PLACE
    elif considered == 0:
        reason = UnmatchedReason.NOBODY_ON_OTHER_SIDE
    elif allowed == 0:
        reason = UnmatchedReason.RULES_EXCLUDE_ALL
    else:
        reason = UnmatchedReason.PARTNERS_TAKEN
    return Unmatched(
        candidate.participation_id,
        candidate.role,
        reason,
        considered,
        allowed,
        {rule: count for rule, count in broken.items() if count},
        candidate.person_id,
        (candidate.business_unit_id,),
    )


def explain_without_facts(participation_id: UUID, role: Role) -> Unmatched:
    """Why an admitted participation took no part: the platform does not know the person's grade and lines yet."""
    return Unmatched(participation_id, role, UnmatchedReason.FACTS_MISSING)


def unmatched_words(
    reason: UnmatchedReason, *, considered: int, allowed: int, broken: Mapping[str, int]
) -> tuple[str, ...]:
    """Why somebody got no pair, as coded words for the program manager."""
    if reason is UnmatchedReason.FACTS_MISSING:
        return (coded("facts_missing"),)
    if reason is UnmatchedReason.NO_OWN_PLACE:
        return (coded("no_own_place"),)
    if reason is UnmatchedReason.NOBODY_ON_OTHER_SIDE:
        return (coded("nobody_opposite"),)
    if reason is UnmatchedReason.PARTNERS_TAKEN:
        return (coded("partners_taken", allowed, considered),)
    counts = sorted(broken.items(), key=lambda item: (-item[1], item[0]))
    return (
        coded("all_excluded", considered),
        *(coded("excluded_by", count, considered, rule) for rule, count in counts),
    )


def _topic_words(sentence: str, reason: TopicReason) -> str:
    if reason.asked == reason.offered:
        return coded(sentence, reason.offered)
    return coded(f"{sentence}_near", reason.offered, reason.asked)


def _direction_words(rules: ProgramRules) -> str:
    if rules.pair_type is PairType.RECIPROCAL:
        return coded("both_teach")
    if rules.direction is Direction.EXPERTISE:
        return coded("by_expertise")
    return coded("grade_below" if rules.pair_type is PairType.REVERSE else "grade_above")
