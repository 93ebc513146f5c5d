"""What the two people of a pair, and their program manager, are told when a conflict of interest touches the pair; and what one
person is told of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from matching.domain.match_request import MatchRequest
from matching.domain.pair import Pair


class NoticeKind(StrEnum):
    """What has happened to the pair, or to the request."""

    PROPOSAL_WITHDRAWN = "proposal_withdrawn"
    PAIR_PAUSED = "pair_paused"
    PAIR_RESUMED = "pair_resumed"
    PAIR_ENDED = "pair_ended"
    REQUEST_RECEIVED = "request_received"
    REQUEST_REMINDER = "request_reminder"
    REQUEST_ACCEPTED = "request_accepted"
    REQUEST_DECLINED = "request_declined"
    REQUEST_ENDED = "request_ended"


WORDS = {
    NoticeKind.PROPOSAL_WITHDRAWN: "This proposal has been taken back. You need not do anything.",
    NoticeKind.PAIR_PAUSED: "Your pair is paused for a check. Please do not meet as a pair until you hear from us.",
    NoticeKind.PAIR_RESUMED: "The check is done. Your pair goes on.",
    NoticeKind.PAIR_ENDED: "Your pair has ended after a check. It is nobody's fault, and you are free for another pair.",
    NoticeKind.REQUEST_RECEIVED: "Somebody asks you to be a pair. Please accept or decline.",
    NoticeKind.REQUEST_REMINDER: "Somebody still waits for your answer. Please accept or decline.",
    NoticeKind.REQUEST_ACCEPTED: "Your request was accepted: you are a pair.",
    NoticeKind.REQUEST_DECLINED: "Your request was declined. Please ask somebody else.",
    NoticeKind.REQUEST_ENDED: "A request has ended without an answer. You need not do anything.",
}
"""What the two people read: the same for both, and nothing of the reason."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice about a pair, or about a request: then `pair_id` is the request's id, and `addressee_id` who alone reads it.

    `rules` are for the program manager alone.
    """

    notice_id: UUID
    kind: NoticeKind
    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    told_at: datetime
    addressee_id: UUID | None = None

    @classmethod
    def of_request(
        cls, request: MatchRequest, kind: NoticeKind, addressee_id: UUID, *, notice_id: UUID, now: datetime
    ) -> Notice:
        """A notice to one of the two people of a request."""
        return cls(
            notice_id=notice_id,
            kind=kind,
            pair_id=request.request_id,
            cohort_id=request.cohort_id,
            program_id=request.program_id,
            business_unit_id=request.business_unit_id,
            named_unit_ids=request.named_unit_ids,
            mentor_id=request.mentor.person_id,
            mentee_id=request.mentee.person_id,
            rules=(),
            told_at=now,
            addressee_id=addressee_id,
        )

    @classmethod
    def about(cls, pair: Pair, kind: NoticeKind, *, notice_id: UUID, now: datetime) -> Notice:
        """A notice about what has just happened to a pair, with the rules it names now."""
        return cls(
            notice_id=notice_id,
            kind=kind,
            pair_id=pair.pair_id,
            cohort_id=pair.cohort_id,
            program_id=pair.program_id,
            business_unit_id=pair.business_unit_id,
            named_unit_ids=pair.named_unit_ids,
            mentor_id=pair.mentor.person_id,
            mentee_id=pair.mentee.person_id,
            rules=pair.broken_rules,
            told_at=now,
        )
