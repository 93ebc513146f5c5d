"""A waiver: named rules that do not count for one mentor and one mentee of a cohort, because somebody answers for it.

Four eyes: whoever asks for it cannot approve it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from matching.domain.rules import WAIVABLE, Rule

LONGEST_REASON = 500


class WaiverState(StrEnum):
    """`requested` → `approved`; either → `withdrawn`. Only an approved one counts."""

    REQUESTED = "requested"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked or approved: the token's subject, and their person where the token names one."""

    subject: str
    person_id: UUID | None

    def is_same_as(self, other: Actor) -> bool:
        """Whether the two are one person, under one account or two."""
        return self.subject == other.subject or (self.person_id is not None and self.person_id == other.person_id)


@dataclass(slots=True)
class Waiver:
    """Rules waived for a mentor and a mentee (their persons) in a cohort. `reason` never leaves the service."""

    waiver_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[Rule, ...]
    reason: str
    requested_by: Actor
    requested_at: datetime
    state: WaiverState = WaiverState.REQUESTED
    approved_by: Actor | None = None
    approved_at: datetime | None = None
    withdrawn_at: datetime | None = None
    version: int = 1

    def approve(self, who: Actor, now: datetime) -> None:
        """Let it count from now on; `who` answers for it by name.

        :raises Conflict: it is not waiting for an approval, or `who` asked for it or has no person.
        """
        if self.state is not WaiverState.REQUESTED:
            raise Conflict(f"The waiver is {self.state.value}.")
        if who.person_id is None or who.is_same_as(self.requested_by):
            raise Conflict(
                "Who asks for a waiver cannot approve it.", remedy="Let another program manager of the unit approve it."
            )
        self.state = WaiverState.APPROVED
        self.approved_by = who
        self.approved_at = now
        self.version += 1

    def withdraw(self, now: datetime) -> bool:
        """Let it count no more; False when it did not count already."""
        counted = self.state is WaiverState.APPROVED
        if self.state is WaiverState.WITHDRAWN:
            return False
        self.state = WaiverState.WITHDRAWN
        self.withdrawn_at = now
        self.version += 1
        return counted


def waivable_rules(names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of these names, each once, in the order of `Rule`.

    :raises InvalidInput: none is named, or one cannot be waived.
    """
    wanted = set(names)
    refused = sorted(wanted - {rule.value for rule in WAIVABLE})
    if refused or not wanted:
        raise InvalidInput(
            f"Cannot be waived: {', '.join(refused)}." if refused else "No rule is named.",
            field="rules",
            remedy=f"Name some of {', '.join(rule.value for rule in Rule if rule in WAIVABLE)}.",
        )
    return tuple(rule for rule in Rule if rule.value in wanted)
