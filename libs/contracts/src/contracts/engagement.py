"""What engagement publishes: the life of a formed pair, and its meetings. Never what is said in them."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Event, SharedEvent
from contracts.fields import CadenceDays, Channel, Count, Day, Flag, Instant, Minutes, OpenEnum, Role, Version


class PairState(OpenEnum):
    """The life of a pair."""

    FORMED = "formed"
    TRIAL = "trial"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    DISSOLVED = "dissolved"
    UNKNOWN = "unknown"


class PairHealth(OpenEnum):
    """How an active pair is doing, seen from its meetings alone."""

    NOT_STARTED = "not_started"
    ON_TRACK = "on_track"
    STALLED = "stalled"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Ending(OpenEnum):
    """What a pair ended through where that is nobody's doing. Of every other end nothing is said."""

    TRIAL = "trial"
    HANDED_OVER = "handed_over"
    UNKNOWN = "unknown"


class PairFacts(SharedEvent):
    """A formed pair: its agreement, its training, its regularity."""

    TOPIC: ClassVar[str] = "updraft.engagement.pairs"
    KEY: ClassVar[str] = "pair_id"

    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    mentor_id: UUID
    """The mentor's person."""
    mentee_id: UUID
    """The mentee's person."""
    mentor_participation_id: UUID
    mentee_participation_id: UUID
    state: PairState
    health: PairHealth
    agreement_version: Version
    signed_by: Annotated[tuple[Role, ...], Field(max_length=2)] = ()
    """The sides that have signed this version of the agreement."""
    cadence_days: CadenceDays | None = None
    """Days between meetings as agreed; none without a cadence."""
    channel: Channel | None = None
    """The agreed medium; none until agreed."""
    mentor_trained: Flag = False
    """Whether the mentor has done their training."""
    mentee_trained: Flag = False
    """Whether the mentee has done their training."""
    meetings_held: Count = 0
    """When the event happened; the meetings' own topic is the record."""
    stalls: Count = 0
    """How often the pair has fallen silent so far."""
    formed_at: Instant
    """When both had accepted."""
    activated_at: Instant | None = None
    """When it first became active."""
    last_met_at: Instant | None = None
    """When the last meeting so far was held."""
    ends_on: Day
    """When the agreed duration has passed."""
    ended_at: Instant | None = None
    """When it was completed or dissolved."""
    trial_ends_at: Instant | None = None
    """When the two have had the time to find out whether they suit each other; none without a trial. A pause moves it."""
    ending: Ending | None = None
    """`trial`: dissolved while on trial, whoever asked; `handed_over`: it made room for other pairs. None for every other."""


class AgreementSigned(PairFacts):
    """One side has signed the agreement; `signed_by` says who has by now."""


class PairTrialEnded(PairFacts):
    """Both have confirmed the pair, or its trial has passed and nobody has left: it goes on as formed."""


class PairActivated(PairFacts):
    """The pair may meet as a pair; also when a stalled pair has met again."""


class PairStalled(PairFacts):
    """Silent beyond cadence and patience: the state stays `active`, the health is `stalled`."""


class PairCompleted(PairFacts):
    """The agreed duration has passed."""


class PairDissolved(PairFacts):
    """The pair ended early. Neither who nor why is said."""


class MeetingState(OpenEnum):
    """The life of a meeting."""

    SCHEDULED = "scheduled"
    HELD = "held"
    CANCELLED = "cancelled"
    MISSED = "missed"
    UNKNOWN = "unknown"


class MeetingFacts(SharedEvent):
    """A meeting of a pair: when, how long, how. Nothing of its content."""

    TOPIC: ClassVar[str] = "updraft.engagement.meetings"
    KEY: ClassVar[str] = "meeting_id"

    meeting_id: UUID
    pair_id: UUID
    cohort_id: UUID
    program_id: UUID
    state: MeetingState
    scheduled_for: Instant | None = None
    """None when the meeting was logged without having been scheduled."""
    held_at: Instant | None = None
    """When they met."""
    minutes: Annotated[Minutes, Field(ge=1)] | None = None
    """How long they met."""
    channel: Channel | None = None
    cancelled_by: Role | None = None
    """The side that cancelled."""


class MeetingScheduled(MeetingFacts):
    """The two have a date."""


class MeetingLogged(MeetingFacts):
    """The two have met."""


class MeetingCancelled(MeetingFacts):
    """One side has cancelled; no side is named where the pair had ended, or stood still for a check at that time."""


class MeetingMissed(MeetingFacts):
    """The date passed and nobody logged or cancelled it."""


EVENTS: tuple[type[Event], ...] = (
    AgreementSigned,
    PairTrialEnded,
    PairActivated,
    PairStalled,
    PairCompleted,
    PairDissolved,
    MeetingScheduled,
    MeetingLogged,
    MeetingCancelled,
    MeetingMissed,
)
