"""Between rows and the guard's aggregates, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matching.domain.notice import Notice, NoticeKind
from matching.domain.registered_conflict import ConflictReason, RegisteredConflict
from matching.domain.rules import Rule
from matching.domain.waiver import Actor, Waiver, WaiverState

Row = Mapping[Any, Any]


def conflict_of(row: Row) -> RegisteredConflict:
    """An entry of the register."""
    return RegisteredConflict(
        conflict_id=row["conflict_id"],
        business_unit_id=row["business_unit_id"],
        lower_id=row["lower_id"],
        higher_id=row["higher_id"],
        reason=ConflictReason(row["reason"]),
        registered_at=row["registered_at"],
    )


def conflict_values(entry: RegisteredConflict) -> dict[str, Any]:
    """A new entry's row, not examined yet."""
    return {
        "conflict_id": entry.conflict_id,
        "business_unit_id": entry.business_unit_id,
        "lower_id": entry.lower_id,
        "higher_id": entry.higher_id,
        "reason": entry.reason.value,
        "registered_at": entry.registered_at,
        "examined": False,
    }


def waiver_of(row: Row) -> Waiver:
    """A waiver in any state."""
    approver = row["approved_by"]
    return Waiver(
        waiver_id=row["waiver_id"],
        cohort_id=row["cohort_id"],
        program_id=row["program_id"],
        business_unit_id=row["business_unit_id"],
        mentor_id=row["mentor_id"],
        mentee_id=row["mentee_id"],
        rules=tuple(Rule(name) for name in row["rules"]),
        reason=row["reason"],
        requested_by=Actor(row["requested_by"], row["requested_by_person_id"]),
        requested_at=row["requested_at"],
        state=WaiverState(row["state"]),
        approved_by=None if approver is None else Actor(approver, row["approved_by_person_id"]),
        approved_at=row["approved_at"],
        withdrawn_at=row["withdrawn_at"],
        version=row["version"],
    )


def waiver_values(waiver: Waiver) -> dict[str, Any]:
    """A waiver's whole row."""
    return {
        "waiver_id": waiver.waiver_id,
        "cohort_id": waiver.cohort_id,
        "program_id": waiver.program_id,
        "business_unit_id": waiver.business_unit_id,
        "mentor_id": waiver.mentor_id,
        "mentee_id": waiver.mentee_id,
        "rules": [rule.value for rule in waiver.rules],
        "reason": waiver.reason,
        "requested_by": waiver.requested_by.subject,
        "requested_by_person_id": waiver.requested_by.person_id,
        "requested_at": waiver.requested_at,
        **changing_waiver_values(waiver),
    }


def changing_waiver_values(waiver: Waiver) -> dict[str, Any]:
    """What changes of a waiver."""
    return {
        "state": waiver.state.value,
        "approved_by": None if waiver.approved_by is None else waiver.approved_by.subject,
        "approved_by_person_id": None if waiver.approved_by is None else waiver.approved_by.person_id,
        "approved_at": waiver.approved_at,
        "withdrawn_at": waiver.withdrawn_at,
        "version": waiver.version,
    }


def notice_of(row: Row) -> Notice:
    """A notice."""
    return Notice(
        **{
            **row,
            "kind": NoticeKind(row["kind"]),
            "named_unit_ids": tuple(row["named_unit_ids"]),
            "rules": tuple(row["rules"]),
        }
    )
