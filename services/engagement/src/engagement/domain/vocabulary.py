"""The words the rules are written in."""

from __future__ import annotations

from enum import StrEnum


class Formality(StrEnum):
    """The program's dial: how much of an agreement, a gate and a cadence a pair must have."""

    LIGHT = "light"
    STANDARD = "standard"
    STRUCTURED = "structured"


class Side(StrEnum):
    """Which of the two people of a pair."""

    MENTOR = "mentor"
    MENTEE = "mentee"

    @property
    def other(self) -> Side:
        """The one sitting opposite."""
        return Side.MENTEE if self is Side.MENTOR else Side.MENTOR


class PairState(StrEnum):
    """Where a pair is in its life. Being stalled is not a state: a stalled pair is open and may simply meet again.

    A quarantined pair stands still while a check lasts; what is checked is not known here.
    """

    TRIAL = "trial"
    FORMED = "formed"
    ACTIVE = "active"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    DISSOLVED = "dissolved"


class Ending(StrEnum):
    """What a pair ended through where that is nobody's doing; of any other end nothing is recorded."""

    TRIAL = "trial"
    HANDED_OVER = "handed_over"


class MeetingState(StrEnum):
    """What became of a meeting."""

    SCHEDULED = "scheduled"
    HELD = "held"
    CANCELLED = "cancelled"
    MISSED = "missed"


class Channel(StrEnum):
    """By what medium two people meet; also the medium an agreement names."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"
    CHAT = "chat"


class Health(StrEnum):
    """How a pair keeps to its rhythm, judged from its contacts and the rules' clock alone."""

    NOT_STARTED = "not_started"
    ON_TRACK = "on_track"
    DUE = "due"
    OVERDUE = "overdue"
    STALLED = "stalled"
    PAUSED = "paused"
    ENDED = "ended"


class TrainingModule(StrEnum):
    """A unit of the training path. Completion is what counts here, the content lives in the learning platform."""

    MENTOR_ONBOARDING = "mentor_onboarding"
    MENTEE_ONBOARDING = "mentee_onboarding"
    FEEDBACK_UPWARD = "feedback_upward"
    FEEDBACK_DOWNWARD = "feedback_downward"


class AgreementField(StrEnum):
    """A term of the agreement that a program's formality may require."""

    BOUNDARIES = "boundaries"
    GOAL_TOPICS = "goal_topics"
    CADENCE_DAYS = "cadence_days"
    MEDIUM = "medium"
    PLACE = "place"
    NUMBER_ONE_OUTCOME = "number_one_outcome"
