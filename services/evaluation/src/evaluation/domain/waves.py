"""One sending of a questionnaire to a cohort: opened once, closed once, by its date or by the program's manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.ports import Conflict, InvalidInput

from evaluation.domain.instruments import Instrument, WaveKind, current_instrument, instrument
from evaluation.domain.suppression import LOWEST_THRESHOLD

SHORTEST_DAYS = 1
LONGEST_DAYS = 90


class WaveState(StrEnum):
    """Answers are taken while open; figures are shown once closed."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(slots=True)
class Wave:
    """A baseline or closing survey of one cohort. `version` counts its events: 1 opened, 2 closed."""

    wave_id: UUID
    cohort_id: UUID
    program_id: UUID
    business_unit_id: UUID
    named_unit_ids: tuple[UUID, ...]
    kind: WaveKind
    instrument_version: int
    suppression_threshold: int
    opened_at: datetime
    closes_on: date
    state: WaveState = WaveState.OPEN
    closed_at: datetime | None = None
    invited_count: int | None = None
    token_count: int | None = None
    response_count: int | None = None
    public_modulus: int = 0
    public_exponent: int = 0
    version: int = 1

    @property
    def instrument(self) -> Instrument:
        """The questionnaire that is asked in this wave."""
        return instrument(self.kind, self.instrument_version)

    def due(self, now: datetime) -> bool:
        """Whether the closing date has begun (UTC, on the rules' clock)."""
        return self.state is WaveState.OPEN and now.date() >= self.closes_on

    def require_open(self, now: datetime) -> None:
        """Refuse what only an open wave takes. A due wave takes nothing more, closed by the schedule or not yet.

        Raises:
            Conflict: the wave is closed or its date has come.
        """
        if self.state is not WaveState.OPEN or self.due(now):
            raise Conflict("this survey wave is closed", remedy="answers are taken until the wave's closing date")

    def end_now(self, now: datetime) -> None:
        """Move the closing date to today: it takes nothing more, and the schedule closes it.

        Raises:
            Conflict: it is closed, or its date has come.
        """
        self.require_open(now)
        self.closes_on = now.date()

    def close(self, now: datetime, *, invited: int, tokens: int, responses: int) -> None:
        """Close for good and keep how many were invited, took a token and answered.

        Raises:
            Conflict: it is closed already.
        """
        if self.state is not WaveState.OPEN:
            raise Conflict("this survey wave is closed already")
        self.state = WaveState.CLOSED
        self.closed_at = now
        self.invited_count = invited
        self.token_count = tokens
        self.response_count = responses
        self.version += 1


def open_new_wave(
    *,
    wave_id: UUID,
    cohort_id: UUID,
    program_id: UUID,
    business_unit_id: UUID,
    named_unit_ids: tuple[UUID, ...],
    kind: WaveKind,
    suppression_threshold: int,
    days: int,
    now: datetime,
) -> Wave:
    """A wave that asks the newest instrument of its kind and closes `days` days after today.

    The threshold is fixed here: lowering the program's setting later does not uncover answers given under a higher one.

    Raises:
        InvalidInput: the length or the threshold is out of bounds.
    """
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise InvalidInput(f"a wave is open for {SHORTEST_DAYS} to {LONGEST_DAYS} days", field="days")
    return Wave(
        wave_id=wave_id,
        cohort_id=cohort_id,
        program_id=program_id,
        business_unit_id=business_unit_id,
        named_unit_ids=named_unit_ids,
        kind=kind,
        instrument_version=current_instrument(kind).version,
        suppression_threshold=max(suppression_threshold, LOWEST_THRESHOLD),
        opened_at=now,
        closes_on=now.date() + timedelta(days=days),
    )
