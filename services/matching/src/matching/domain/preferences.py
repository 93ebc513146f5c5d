"""Whom somebody would like to meet, in their own order. It counts in the score and never overrides a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.ports import InvalidInput

CONFIDENTIAL_PARTS = frozenset({"preferences"})
"""Parts of a pair's score that nobody is shown, because whoever ranks is told that nobody reads it; they count in the total."""


@dataclass(slots=True)
class Preferences:
    """The participations of the other side that one participation has ranked, the dearest first. Read by nobody else."""

    participation_id: UUID
    cohort_id: UUID
    person_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    ranked: tuple[UUID, ...]
    changed_at: datetime
    version: int = 0

    def rank(self, ranked: Sequence[UUID], limit: int, now: datetime) -> None:
        """Replace the order; an empty one takes all wishes back.

        :raises InvalidInput: more people than the program allows, or somebody twice.
        """
        if len(ranked) > limit:
            raise InvalidInput("You have ranked too many people.", field="ranked", remedy=f"Rank at most {limit}.")
        if len(set(ranked)) != len(ranked):
            raise InvalidInput("You have ranked somebody twice.", field="ranked", remedy="Rank each person once.")
        self.ranked = tuple(ranked)
        self.changed_at = now
        self.version += 1
