"""Times in which a pair stands still while somebody checks it: they count for nothing, neither as silence nor as duration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pause:
    """One standstill; `ended_at` is None while it lasts."""

    began_at: datetime
    ended_at: datetime | None = None

    def end(self, at: datetime) -> Pause:
        """The pause, over. One that ends before it began, by a clock that was set back, has taken no time."""
        return replace(self, ended_at=max(at, self.began_at))

    def covers(self, moment: datetime) -> bool:
        """Whether the pair stood still then."""
        return self.began_at <= moment and (self.ended_at is None or moment <= self.ended_at)


def standstill(pauses: Sequence[Pause], *, since: datetime, until: datetime) -> timedelta:
    """How long pauses lasted between two instants. Pauses do not overlap."""
    spans = (min(until, pause.ended_at or until) - max(since, pause.began_at) for pause in pauses)
    return sum((max(timedelta(), span) for span in spans), timedelta())


def running_time(moment: datetime, pauses: Sequence[Pause], *, since: datetime) -> datetime:
    """The instant at which `moment` would lie if no pause had stopped the clock between `since` and it."""
    return moment - standstill(pauses, since=since, until=moment)
