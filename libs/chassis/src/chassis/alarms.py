"""Alarms: what somebody must hear of before it becomes an outage, each a literal with its gauge and threshold.

A raised alarm is a metric (`updraft_alarm`) and a name in the body of `/health/ready`; it never makes a process unready,
because a restart would not help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Gauge

from chassis import metrics


@dataclass(frozen=True, slots=True)
class Alarm:
    """Raised while `gauge` is above `threshold`; `meaning` says what to look at."""

    name: str
    gauge: Gauge
    threshold: float
    meaning: str

    @property
    def metric(self) -> str:
        """The gauge's name."""
        return next(family.name for family in self.gauge.collect())

    @property
    def is_raised(self) -> bool:
        """Whether the gauge is above its threshold now."""
        return any(sample.value > self.threshold for family in self.gauge.collect() for sample in family.samples)


ALARMS = (
    Alarm(
        "events-not-sent",
        metrics.OUTBOX_OLDEST_AGE,
        10.0,
        "Events have waited longer than 10 s: the broker is away, or a writer is left open.",
    ),
    Alarm(
        "writer-left-open",
        metrics.RELAY_WATERMARK_AGE,
        10.0,
        "A transaction that has written events is open for longer than 10 s and holds back the relay of its service.",
    ),
)

# 1 while an alarm is raised, else 0, by alarm.
_RAISED = Gauge("updraft_alarm", "Whether an alarm is raised", ["alarm"], registry=metrics.REGISTRY)


def _state_of(alarm: Alarm) -> Callable[[], float]:
    return lambda: float(alarm.is_raised)


for _alarm in ALARMS:
    _RAISED.labels(alarm=_alarm.name).set_function(_state_of(_alarm))


def raised() -> list[str]:
    """Names of the alarms that are raised in this process."""
    return [alarm.name for alarm in ALARMS if alarm.is_raised]
