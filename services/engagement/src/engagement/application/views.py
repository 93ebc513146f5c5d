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
from engagement.domain.pause import running_time
from engagement.domain.vocabulary import (
    AgreementField,
    Channel,
    Ending,
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
    "Ending",
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

    `regularity` is known where the meetings were read with it; `due_at` needs a cadence. `confirmed` is the viewer's own
    word on the trial, None for everybody but the two: nobody sees another's.
    """

    pair: Pair
    mentor: MemberView
    mentee: MemberView
    health: Health
    due_at: datetime | None
    expected_meetings: int | None
    regularity: rhythm.Regularity | None
    confirmed: bool | None


@dataclass(frozen=True, slots=True)
class AgreementView:
    """The agreement's current version, for the two people alone."""

    pair: Pair
    agreement: Agreement
    required: tuple[AgreementField, ...]
    missing: tuple[AgreementField, ...]


def pair_view(
    pair: Pair, now: datetime, held_at: Sequence[datetime] | None = None, *, viewer: Side | None = None
) -> PairView:
    """A pair as it stands at `now` to one of the two or, without `viewer`, to anybody else.

    With `held_at`, the times of all its meetings, also how regular it has been; pauses call for no meeting.
    """
    regularity = None
    if held_at is not None and pair.activated_at is not None:
        start = pair.activated_at
        regularity = rhythm.regularity(
            start,
            [running_time(held, pair.pauses, since=start) for held in held_at],
            cadence_days=pair.cadence_days,
            until=running_time(now if pair.ended_at is None else pair.ended_at, pair.pauses, since=start),
        )
    watched = pair.state is PairState.ACTIVE
    return PairView(
        pair=pair,
        mentor=_member_view(pair, Side.MENTOR),
        mentee=_member_view(pair, Side.MENTEE),
        health=pair.health(now),
        due_at=rhythm.due_at(pair.silent_from, pair.cadence_days) if watched else None,
        expected_meetings=None
        if pair.cadence_days is None
        else rhythm.expected_meetings(pair.duration_months, pair.cadence_days),
        regularity=regularity,
        confirmed=pair.member(viewer).confirmed if viewer is not None and pair.in_trial else None,
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
