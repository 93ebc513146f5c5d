"""What engagement shows: pairs and meetings to the program, an agreement to its two people alone.

Entrypoints take the words of the domain from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engagement.domain import rhythm, training
from engagement.domain.agreement import REQUIRED_FIELDS, Agreement
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import (
    AgreementField,
    Channel,
    Formality,
    Health,
    MeetingState,
    PairState,
    Side,
    TrainingModule,
)

__all__ = [
    "AgreementField",
    "AgreementView",
    "Channel",
    "Formality",
    "Health",
    "Meeting",
    "MeetingState",
    "MemberView",
    "PairState",
    "PairView",
    "Side",
    "TrainingModule",
    "agreement_view",
    "pair_view",
]


@dataclass(frozen=True, slots=True)
class MemberView:
    """One of the two people: what the gate still waits for."""

    person_id: UUID
    participation_id: UUID
    has_signed: bool
    completed_modules: tuple[TrainingModule, ...]
    outstanding_modules: tuple[TrainingModule, ...]


@dataclass(frozen=True, slots=True)
class PairView:
    """A pair seen from outside.

    `regularity` is known where the meetings were read with it; `due_at` needs a cadence.
    """

    pair: Pair
    mentor: MemberView
    mentee: MemberView
    health: Health
    due_at: datetime | None
    expected_meetings: int | None
    regularity: rhythm.Regularity | None


@dataclass(frozen=True, slots=True)
class AgreementView:
    """The agreement's current version, for the two people alone."""

    pair: Pair
    agreement: Agreement
    required: tuple[AgreementField, ...]
    missing: tuple[AgreementField, ...]


def pair_view(pair: Pair, now: datetime, held_at: Sequence[datetime] | None = None) -> PairView:
    """A pair as it stands at `now`; with `held_at`, the times of all its meetings, also how regular it has been."""
    regularity = None
    if held_at is not None and pair.activated_at is not None:
        regularity = rhythm.regularity(
            pair.activated_at,
            held_at,
            cadence_days=pair.cadence_days,
            until=now if pair.ended_at is None else pair.ended_at,
        )
    active = pair.health(now) not in (Health.NOT_STARTED, Health.ENDED)
    return PairView(
        pair=pair,
        mentor=_member_view(pair, Side.MENTOR),
        mentee=_member_view(pair, Side.MENTEE),
        health=pair.health(now),
        due_at=rhythm.due_at(pair.silent_from, pair.cadence_days) if active else None,
        expected_meetings=None
        if pair.cadence_days is None
        else rhythm.expected_meetings(pair.duration_months, pair.cadence_days),
        regularity=regularity,
    )


def agreement_view(pair: Pair, agreement: Agreement) -> AgreementView:
    """The agreement, with what must be filled in before it can be signed."""
    return AgreementView(
        pair=pair,
        agreement=agreement,
        required=REQUIRED_FIELDS[pair.formality],
        missing=agreement.terms.missing(pair.formality),
    )


def _member_view(pair: Pair, side: Side) -> MemberView:
    member = pair.member(side)
    return MemberView(
        person_id=member.person_id,
        participation_id=member.participation_id,
        has_signed=member.signed_at is not None,
        completed_modules=tuple(sorted(member.completed_modules & training.offered(side))),
        outstanding_modules=tuple(sorted(pair.training_outstanding(side))),
    )
