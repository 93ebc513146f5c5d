"""A meeting of a pair: scheduled, then held, cancelled by a side or with the pair, or missed.

Every method that changes the meeting raises `version` by exactly one, for exactly one event is published about each
change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Channel, MeetingState, Side

LONGEST_MINUTES = 600
FURTHEST_AHEAD = timedelta(days=400)


@dataclass(slots=True)
class Meeting:
    """The aggregate. A meeting logged without having been scheduled has no `scheduled_for`."""

    meeting_id: UUID
    pair_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    program_id: UUID
    cohort_id: UUID
    state: MeetingState
    scheduled_for: datetime | None = None
    held_at: datetime | None = None
    minutes: int | None = None
    channel: Channel | None = None
    cancelled_by: Side | None = None
    version: int = 0

    @classmethod
    def schedule(
        cls, meeting_id: UUID, pair: Pair, *, scheduled_for: datetime, channel: Channel | None, now: datetime
    ) -> Meeting:
        """Arrange to meet.

        :raises Conflict: the pair is neither active nor on trial at that time.
        :raises InvalidInput: the date is past or more than 400 days ahead.
        """
        pair.require_may_meet_at(scheduled_for)
        if not now < scheduled_for <= now + FURTHEST_AHEAD:
            raise InvalidInput(
                "a meeting is arranged for a date to come, at most 400 days ahead",
                field="scheduled_for",
                remedy="log a meeting that has already been held",
            )
        return cls._of(pair, meeting_id, MeetingState.SCHEDULED, scheduled_for=scheduled_for, channel=channel)

    @classmethod
    def log_unscheduled(
        cls, meeting_id: UUID, pair: Pair, *, held_at: datetime, minutes: int, channel: Channel
    ) -> Meeting:
        """Record a meeting nobody had arranged here. The pair itself judges `held_at` in `Pair.record_contact`.

        :raises InvalidInput: the length is not 1 to 600 minutes.
        """
        _check_minutes(minutes)
        return cls._of(pair, meeting_id, MeetingState.HELD, held_at=held_at, minutes=minutes, channel=channel)

    def log(self, *, held_at: datetime, minutes: int, channel: Channel) -> None:
        """It was held. One presumed missed may still be logged: the presumption came from silence alone.

        :raises Conflict: it was cancelled, or has been logged already.
        :raises InvalidInput: the length is not 1 to 600 minutes.
        """
        if self.state not in (MeetingState.SCHEDULED, MeetingState.MISSED):
            raise Conflict(f"the meeting is {self.state.value}")
        _check_minutes(minutes)
        self.state = MeetingState.HELD
        self.held_at, self.minutes, self.channel = held_at, minutes, channel
        self.version += 1

    def cancel(self, side: Side) -> None:
        """A side calls it off.

        :raises Conflict: it is not scheduled any more.
        """
        self._require_scheduled()
        self.state = MeetingState.CANCELLED
        self.cancelled_by = side
        self.version += 1

    def call_off(self) -> None:
        """The pair has ended, or stood still at that time: the meeting is cancelled, and by neither side.

        :raises Conflict: it is not scheduled any more.
        """
        self._require_scheduled()
        self.state = MeetingState.CANCELLED
        self.version += 1

    def miss(self, *, grace: timedelta, now: datetime) -> None:
        """Its time has long passed and nobody logged or cancelled it.

        :raises Conflict: it is not scheduled any more, or the grace has not passed.
        """
        self._require_scheduled()
        if self.scheduled_for is None or now < self.scheduled_for + grace:
            raise Conflict("the meeting may still be logged")
        self.state = MeetingState.MISSED
        self.version += 1

    def _require_scheduled(self) -> None:
        if self.state is not MeetingState.SCHEDULED:
            raise Conflict(f"the meeting is {self.state.value}")

    @classmethod
    def _of(
        cls,
        pair: Pair,
        meeting_id: UUID,
        state: MeetingState,
        *,
        scheduled_for: datetime | None = None,
        held_at: datetime | None = None,
        minutes: int | None = None,
        channel: Channel | None = None,
    ) -> Meeting:
        return cls(
            meeting_id=meeting_id,
            pair_id=pair.pair_id,
            business_unit_id=pair.business_unit_id,
            named_unit_ids=pair.named_unit_ids,
            program_id=pair.program_id,
            cohort_id=pair.cohort_id,
            state=state,
            scheduled_for=scheduled_for,
            held_at=held_at,
            minutes=minutes,
            channel=channel,
            version=1,
        )


def _check_minutes(minutes: int) -> None:
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise InvalidInput(f"a meeting lasts 1 to {LONGEST_MINUTES} minutes", field="minutes")
