"""What somebody without a pair could change: at most two rules, found by trying, verified by solving again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from matching.domain.facts import Candidate, LanguageLevel, Role, Snapshot
from matching.domain.optimum import most_covered
from matching.domain.rules import WAIVABLE, HardRules, Rule
from matching.domain.run_input import RunInput
from matching.domain.sentences import coded

OWN = (Rule.WORKING_HOURS, Rule.SHARED_LANGUAGE, Rule.SUBSTANCE)
"""Rules that a person can meet by settings of their own: hours, languages, topics."""

MOST_TRIED = 12
_FULL_LEVEL = 5
_OWN_WORDS = {
    Rule.WORKING_HOURS: "relax_hours",
    Rule.SHARED_LANGUAGE: "relax_languages",
    Rule.SUBSTANCE: "relax_topics",
}


class RelaxationOutcome(StrEnum):
    """Whether anything of a person's own would have helped."""

    RELAXABLE = "relaxable"
    NO_CAPACITY = "no_capacity"


@dataclass(frozen=True, slots=True)
class Relaxations:
    """At most two rules that, relaxed together for one person, cover that person and nobody less."""

    outcome: RelaxationOutcome
    relax: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """As coded words."""
        if self.outcome is RelaxationOutcome.NO_CAPACITY:
            return (coded("no_capacity"),)
        own = {rule.value: word for rule, word in _OWN_WORDS.items()}
        return tuple(coded(own[rule]) if rule in own else coded("relax_rule", rule) for rule in self.relax)


def relaxations_of(given: RunInput, participation: UUID, *, own_only: bool, threads: int = 1) -> Relaxations:
    """The fewest rules, at most two, that would have covered somebody without a pair besides everybody who is covered.

    With `own_only` only settings of the person are tried, else waivable rules too. Which rules are tried first follows
    from how many people opposite they open; at most `MOST_TRIED` choices are verified.
    """
    snapshot = given.snapshot
    person = next(
        (one for one in (*snapshot.mentors, *snapshot.mentees) if one.participation_id == participation), None
    )
    if person is None or person.free_places == 0 or person.taken:
        return Relaxations(RelaxationOutcome.NO_CAPACITY)
    choices = _choices(snapshot, person, own_only=own_only)
    if not choices:
        return Relaxations(RelaxationOutcome.NO_CAPACITY)
    covered = most_covered(snapshot, threads=threads)
    for rules in choices[:MOST_TRIED]:
        if most_covered(_relaxed(snapshot, person, rules), threads=threads) > covered:
            return Relaxations(RelaxationOutcome.RELAXABLE, tuple(rule.value for rule in rules))
    return Relaxations(RelaxationOutcome.NO_CAPACITY)


def _choices(snapshot: Snapshot, person: Candidate, *, own_only: bool) -> list[tuple[Rule, ...]]:
    """Single rules, then pairs of rules, that open somebody opposite; those that open most first."""
    may = set(OWN) if own_only else {*OWN, *WAIVABLE}
    hard = HardRules(snapshot)
    opened: Counter[tuple[Rule, ...]] = Counter()
    for other in snapshot.mentees if person.role is Role.MENTOR else snapshot.mentors:
        mentor, mentee = (person, other) if person.role is Role.MENTOR else (other, person)
        broken = hard.judge(mentor, mentee).broken
        if broken and len(broken) <= 2 and may.issuperset(broken):
            opened[broken] += 1
    single = sorted({rule for rules in opened for rule in rules if len(rules) == 1})
    counts: dict[tuple[Rule, ...], int] = {(rule,): opened[(rule,)] for rule in single}
    for pair in combinations([rule for rule in Rule if rule in may], 2):
        if opened[pair]:
            counts[pair] = opened[pair] + sum(opened[(rule,)] for rule in pair)
    return sorted(counts, key=lambda rules: (len(rules), -counts[rules], rules))


def _relaxed(snapshot: Snapshot, person: Candidate, rules: tuple[Rule, ...]) -> Snapshot:
    """The snapshot in which nobody opposite is lost to one person by these rules."""
    opposite = snapshot.mentees if person.role is Role.MENTOR else snapshot.mentors
    changed = person
    if Rule.SHARED_LANGUAGE in rules:
        spoken = {language for other in opposite for language in other.languages}
        changed = replace(changed, languages=dict.fromkeys(sorted(spoken), LanguageLevel.C2))
    if Rule.SUBSTANCE in rules:
        if person.role is Role.MENTOR:
            asked = {topic for other in opposite for topic in other.asks}
            changed = replace(changed, offers=dict.fromkeys(sorted(asked), _FULL_LEVEL))
        else:
            offered = {topic for other in opposite for topic in other.offers}
            changed = replace(changed, asks=dict.fromkeys(sorted(offered), 1))
    waived = {
        (person.person_id, other.person_id, rule.value)
        if person.role is Role.MENTOR
        else (other.person_id, person.person_id, rule.value)
        for rule in rules
        if rule in WAIVABLE
        for other in opposite
    }
    return replace(
        snapshot,
        mentors=tuple(changed if one is person else one for one in snapshot.mentors),
        mentees=tuple(changed if one is person else one for one in snapshot.mentees),
        waived=snapshot.waived | waived,
    )
