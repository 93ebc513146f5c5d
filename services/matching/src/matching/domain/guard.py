"""What the continuous guard judges by: which broken rules count against a pair that exists, and on whose facts that rests.

A proposal is held to every rule it was made under. A formed pair is held to the conflicts of interest alone: that somebody was
promoted, changed unit, learned less than they hoped or works other hours is no reason to part two people who have agreed to meet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from matching.domain.facts import Line
from matching.domain.rules import WAIVABLE, Rule

CONFLICTS_OF_INTEREST = frozenset(
    {
        Rule.SAME_PERSON,
        Rule.NOT_EMPLOYED,
        Rule.REPORTING_CHAIN,
        Rule.DOTTED_LINE,
        Rule.SAME_TEAM,
        Rule.SAME_PROJECT,
        Rule.REVIEWER,
        Rule.EXCLUDED,
    }
)
"""The rules that quarantine a formed pair."""

BROKEN_BY_ITSELF = frozenset({Rule.CAPACITY, Rule.ALREADY_PAIRED})
"""The rules that a proposal breaks by standing: it holds its two places, and its people are proposed to each other."""


def counting(broken: Iterable[Rule], *, formed: bool) -> tuple[Rule, ...]:
    """The broken rules that count against a formed pair, or against a proposal; in the order given."""
    if formed:
        return tuple(rule for rule in broken if rule in CONFLICTS_OF_INTEREST)
    return tuple(rule for rule in broken if rule not in BROKEN_BY_ITSELF)


def unwaived(rules: Iterable[Rule], waived: Collection[str]) -> tuple[Rule, ...]:
    """The rules that nobody has waived; what is not waivable stays, whatever `waived` names."""
    return tuple(rule for rule in rules if rule not in WAIVABLE or rule.value not in waived)


def stands_on(people: Iterable[UUID], lines: Mapping[UUID, Line]) -> frozenset[UUID]:
    """Everybody on whose facts a verdict about `people` rests: they, and whoever is above one of them at any depth.

    `lines` are by person; somebody above of whom no line is known counts too, as theirs may still come.
    """
    reached: set[UUID] = set()
    frontier = list(people)
    while frontier:
        here = frontier.pop()
        if here in reached:
            continue
        reached.add(here)
        line = lines.get(here)
        if line is not None:
            frontier.extend(line.dotted_line_ids)
            if line.manager_id is not None:
                frontier.append(line.manager_id)
    return frozenset(reached)
