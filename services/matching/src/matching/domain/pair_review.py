"""What a program manager has decided about a proposed pair before the release: it stays, or it is not proposed again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ReviewVerdict(StrEnum):
    """`locked`: later runs of the cohort keep the pair. `rejected`: they do not propose it again."""

    LOCKED = "locked"
    REJECTED = "rejected"


class RejectionReason(StrEnum):
    """Why a pair was rejected, as a code: free text would carry what others must not learn."""

    KNOWN_CONFLICT = "known_conflict"
    TOO_CLOSE = "too_close"
    NOT_ENOUGH_SUBSTANCE = "not_enough_substance"
    AVAILABILITY = "availability"
    WISH_OF_ONE = "wish_of_one"
    OTHER = "other"


@dataclass(slots=True)
class PairReview:
    """The standing verdict about one mentor and one mentee of a cohort. A rejection has a reason, a lock has none."""

    review_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    verdict: ReviewVerdict
    decided_at: datetime
    reason: RejectionReason | None = None
    version: int = 1

    def decide(self, verdict: ReviewVerdict, reason: RejectionReason | None, now: datetime) -> bool:
        """Think again; False when nothing changes."""
        if (verdict, reason) == (self.verdict, self.reason):
            return False
        self.verdict, self.reason, self.decided_at = verdict, reason, now
        self.version += 1
        return True
