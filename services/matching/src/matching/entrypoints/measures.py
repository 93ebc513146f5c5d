"""What matching measures of itself, beside the metrics every process has. Labels hold names from code, never ids of people."""

from __future__ import annotations

from chassis.metrics import REGISTRY
from prometheus_client import Histogram

# From the time of the event that brought two people into conflict to the moment their pair was paused or their proposal taken
# back, by the rules' clock.
QUARANTINE_SECONDS = Histogram(
    "updraft_matching_quarantine_seconds",
    "From a change to the quarantine of a pair it brings into conflict",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 3600),
    registry=REGISTRY,
)
