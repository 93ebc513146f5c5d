"""What can be looked at of the register, of waivers and of notices, as plain values for the routes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from matching.domain.notice import WORDS, Notice, NoticeKind
from matching.domain.pair import Pair
from matching.domain.registered_conflict import ConflictReason, RegisteredConflict
from matching.domain.rules import WAIVABLE, Rule
from matching.domain.waiver import LONGEST_REASON, Waiver, WaiverState

__all__ = [
    "LONGEST_REASON",
    "ConflictReason",
    "ConflictView",
    "NoticeKind",
    "NoticeView",
    "OwnNoticeView",
    "QuarantineView",
    "WaiverState",
    "WaiverView",
    "conflict_view",
    "notice_view",
    "own_notice_view",
    "quarantine_view",
    "waiver_view",
]


@dataclass(frozen=True, slots=True)
class ConflictView:
    """An entry of the unit's register; the order of the two ids means nothing."""

    conflict_id: UUID
    person_id: UUID
    other_id: UUID
    reason: ConflictReason
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver with who asked for it and who answers for it."""

    waiver_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    reason: str
    state: WaiverState
    requested_by: UUID | None
    requested_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    withdrawn_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as the program manager reads it: with the rules in conflict."""

    notice_id: UUID
    kind: NoticeKind
    pair_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    told_at: datetime


@dataclass(frozen=True, slots=True)
class OwnNoticeView:
    """A notice as one of the two people reads it: nothing of the reason."""

    notice_id: UUID
    kind: NoticeKind
    pair_id: UUID
    cohort_id: UUID
    words: str
    told_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A paused pair as the program manager sees it: why, since when, and whether a waiver could let it go on."""

    pair_id: UUID
    cohort_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    rules: tuple[str, ...]
    can_be_waived: bool
    quarantined_at: datetime


def conflict_view(entry: RegisteredConflict) -> ConflictView:
    """An entry as the unit's program managers see it."""
    return ConflictView(entry.conflict_id, entry.lower_id, entry.higher_id, entry.reason, entry.registered_at)


def waiver_view(waiver: Waiver) -> WaiverView:
    """A waiver as the unit's program managers see it."""
    return WaiverView(
        waiver_id=waiver.waiver_id,
        cohort_id=waiver.cohort_id,
        mentor_id=waiver.mentor_id,
        mentee_id=waiver.mentee_id,
        rules=tuple(rule.value for rule in waiver.rules),
        reason=waiver.reason,
        state=waiver.state,
        requested_by=waiver.requested_by.person_id,
        requested_at=waiver.requested_at,
        approved_by=None if waiver.approved_by is None else waiver.approved_by.person_id,
        approved_at=waiver.approved_at,
        withdrawn_at=waiver.withdrawn_at,
        version=waiver.version,
    )


def notice_view(notice: Notice) -> NoticeView:
    """A notice as the program manager sees it."""
    return NoticeView(
        notice_id=notice.notice_id,
        kind=notice.kind,
        pair_id=notice.pair_id,
        cohort_id=notice.cohort_id,
        mentor_id=notice.mentor_id,
        mentee_id=notice.mentee_id,
        rules=notice.rules,
        told_at=notice.told_at,
    )


def own_notice_view(notice: Notice) -> OwnNoticeView:
    """A notice as one of the two people sees it."""
    return OwnNoticeView(
        notice_id=notice.notice_id,
        kind=notice.kind,
        pair_id=notice.pair_id,
        cohort_id=notice.cohort_id,
        words=WORDS[notice.kind],
        told_at=notice.told_at,
    )


def quarantine_view(pair: Pair) -> QuarantineView:
    """A quarantined pair as the program manager sees it."""
    if pair.quarantined_at is None:
        raise ValueError("the pair is not quarantined")
    return QuarantineView(
        pair_id=pair.pair_id,
        cohort_id=pair.cohort_id,
        mentor_id=pair.mentor.person_id,
        mentee_id=pair.mentee.person_id,
        rules=pair.broken_rules,
        can_be_waived=all(Rule(rule) in WAIVABLE for rule in pair.broken_rules),
        quarantined_at=pair.quarantined_at,
    )
