"""Why these two, and why nobody: structured parts for the program manager, plain English words for everybody.

The words carry nothing of a person but the topics that were matched: no grade, level, hour, language or conflict,
because participants read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from matching.domain.facts import Candidate, Direction, PairType, ProgramRules, Role
from matching.domain.rules import Rule
from matching.domain.scoring import PairScore, TopicReason

RULE_WORDS: Mapping[Rule, str] = {
    Rule.SAME_PERSON: "the same person",
    Rule.NOT_EMPLOYED: "one of the two has left",
    Rule.CAPACITY: "no free place",
    Rule.ALREADY_PAIRED: "already proposed or paired in this cohort",
    Rule.DIRECTION: "grades in the wrong order",
    Rule.GRADE_GAP: "grades too close",
    Rule.REPORTING_CHAIN: "same reporting chain",
    Rule.DOTTED_LINE: "joined by a dotted line",
    Rule.SAME_TEAM: "same team",
    Rule.SHARED_LANGUAGE: "no shared language at the program's level",
    Rule.SUBSTANCE: "no topic offered that the other asks for",
    Rule.WORKING_HOURS: "too little overlap of working hours",
}


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
    rule.
    """

    participation_id: UUID
    role: Role
    reason: UnmatchedReason
    considered: int
    allowed: int
    broken: Mapping[Rule, int]
    words: tuple[str, ...]


def pair_words(score: PairScore, rules: ProgramRules) -> tuple[str, ...]:
    """Why these two were proposed, sentence by sentence."""
    return (
        *(_topic_sentence("mentor", "mentee", reason) for reason in score.reasons_to_mentee),
        *(_topic_sentence("mentee", "mentor", reason) for reason in score.reasons_to_mentor),
        _direction_sentence(rules),
        "Neither reports to the other at any depth, and they share no team.",
        "They share a language at the program's level and enough working hours.",
    )


def explain_unmatched(candidate: Candidate, *, considered: int, allowed: int, broken: Mapping[Rule, int]) -> Unmatched:
    """Why a candidate whose facts are known got no pair."""
    opposite = "mentee" if candidate.role is Role.MENTOR else "mentor"
    words: tuple[str, ...]
    if candidate.free_places == 0:
        reason, words = UnmatchedReason.NO_OWN_PLACE, ("The participation has no free place.",)
    elif considered == 0:
        reason, words = UnmatchedReason.NOBODY_ON_OTHER_SIDE, (f"The cohort has no {opposite}.",)
    elif allowed == 0:
        counts = sorted(broken.items(), key=lambda item: (-item[1], item[0].value))
        reason = UnmatchedReason.RULES_EXCLUDE_ALL
        words = (
            f"Every {opposite} is excluded by at least one rule ({considered} considered).",
            *(f"{count} of {considered}: {RULE_WORDS[rule]}." for rule, count in counts),
        )
    else:
        reason = UnmatchedReason.PARTNERS_TAKEN
        words = (
            f"{allowed} of {considered} would be possible, but their places go to others: "
            "no other choice covers more people or fits better.",
        )
    return Unmatched(candidate.participation_id, candidate.role, reason, considered, allowed, dict(broken), words)


def explain_without_facts(participation_id: UUID, role: Role) -> Unmatched:
    """Why an admitted participation took no part: the platform does not know the person's grade and lines yet."""
    words = ("The person's place in the organisation is not fully known yet.",)
    return Unmatched(participation_id, role, UnmatchedReason.FACTS_MISSING, 0, 0, {}, words)


def topic_words(code: str) -> str:
    """A topic's code in words: `social_media.video` is "video (social media)"."""
    root, _, branch = code.partition(".")
    root = root.replace("_", " ")
    return f"{branch.replace('_', ' ').replace('.', ', ')} ({root})" if branch else root


def _topic_sentence(giver: str, taker: str, reason: TopicReason) -> str:
    offered, asked = topic_words(reason.offered), topic_words(reason.asked)
    if reason.asked == reason.offered:
        return f"The {giver} offers {offered}, which the {taker} asks for."
    return f"The {giver} offers {offered}, close to {asked}, which the {taker} asks for."


def _direction_sentence(rules: ProgramRules) -> str:
    if rules.pair_type is PairType.RECIPROCAL:
        return "Both teach and both learn, whatever their grades."
    if rules.direction is Direction.EXPERTISE:
        return "The direction follows expertise: the mentor knows what the mentee asks for."
    order = "below" if rules.pair_type is PairType.REVERSE else "above"
    return f"The mentor's grade is {order} the mentee's by the gap the program asks for."
