"""Every metric of a process, each a literal with its meaning. Labels hold names from code, never ids of people."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Requests answered, by method, route template ("none": no route matched) and status code.
HTTP_REQUESTS = Counter(
    "updraft_http_requests_total", "Requests answered", ["method", "route", "status"], registry=REGISTRY
)
# Time from the request's arrival to the last byte of its answer, by method and route template.
HTTP_SECONDS = Histogram(
    "updraft_http_requests_seconds",
    "Time to answer a request",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
# Requests being served at this moment.
HTTP_IN_FLIGHT = Gauge("updraft_http_in_flight", "Requests being served now", registry=REGISTRY)
# Requests answered from the stored response of an earlier one with the same Idempotency-Key.
HTTP_REPLAYED = Counter("updraft_http_replayed_total", "Answers repeated for an idempotency key", registry=REGISTRY)
# Whole use cases run again because the connection was lost (or the commit's outcome unknown).
HTTP_RETRIED = Counter("updraft_http_retried_total", "Use cases run again after a lost connection", registry=REGISTRY)
# Requests told to try again because their business unit or their route held its share of the connections.
SHARES_REFUSED = Counter(
    "updraft_shares_refused_total", "Requests whose unit or route held its share of connections", registry=REGISTRY
)
# Tokens refused; the reason is one of a fixed set of words in chassis.auth.
TOKENS_REFUSED = Counter("updraft_tokens_refused_total", "Bearer tokens refused", ["reason"], registry=REGISTRY)

# Rows of the outbox behind the relay's cursor: committed, not yet sent.
OUTBOX_DEPTH = Gauge("updraft_outbox_depth", "Events committed and not yet sent", registry=REGISTRY)
# Age of the oldest such row; 0 when there is none. Grows while the broker is away.
OUTBOX_OLDEST_AGE = Gauge("updraft_outbox_oldest_age_seconds", "Age of the oldest unsent event", registry=REGISTRY)
# Age of the watermark: how long some open writer has been holding the relay back.
RELAY_WATERMARK_AGE = Gauge(
    "updraft_relay_watermark_age_seconds", "How long the relay has waited for open writers", registry=REGISTRY
)
# 1 in the process whose relay holds the leadership of its service, else 0.
RELAY_LEADER = Gauge("updraft_relay_leader", "Whether this relay leads", registry=REGISTRY)
# Events acknowledged by the broker, by topic.
RELAY_SENT = Counter("updraft_relay_sent_total", "Events acknowledged by the broker", ["topic"], registry=REGISTRY)
# Errors of the broker or the database that made the relay pause or exit.
RELAY_ERRORS = Counter("updraft_relay_errors_total", "Errors that paused the relay", registry=REGISTRY)

# Records between the consumer's position and the end of the partition.
CONSUMER_LAG = Gauge(
    "updraft_consumer_lag", "Records not yet read by the consumer", ["topic", "partition"], registry=REGISTRY
)
# From the event's own time to the commit of its effect here.
EVENT_AGE = Histogram(
    "updraft_event_age_seconds",
    "From an event's time to its effect",
    ["type"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600),
    registry=REGISTRY,
)
# Events by what became of them: applied, duplicate, parked, dead, superseded.
EVENTS = Counter("updraft_events_total", "Events handled, by outcome", ["type", "outcome"], registry=REGISTRY)
# Time one batch takes from its arrival to the commit of its offsets.
BATCH_SECONDS = Histogram(
    "updraft_consumer_batch_seconds",
    "Time to apply one batch",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15),
    registry=REGISTRY,
)
# Batches rolled back and run again because of a transient fault.
CONSUMER_RETRIES = Counter("updraft_consumer_retries_total", "Batches run again after a fault", registry=REGISTRY)
# Events waiting for a predecessor.
PARKED_EVENTS = Gauge("updraft_parked_events", "Events waiting for a predecessor", registry=REGISTRY)
# Records moved to a dead-letter topic, by topic and by the reason's code.
DEAD_LETTERS = Counter("updraft_dead_letters_total", "Records set aside", ["topic", "reason"], registry=REGISTRY)

# Time one run of a scheduled job takes, by job.
SCHEDULE_SECONDS = Histogram(
    "updraft_schedule_run_seconds",
    "Time one scheduled run takes",
    ["job"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
    registry=REGISTRY,
)
# The rules' time up to which a job has nothing left to do, in seconds since 1970, by job.
SCHEDULE_RULES_TIME = Gauge(
    "updraft_schedule_rules_time_seconds", "Rules' time up to which the job is done", ["job"], registry=REGISTRY
)
# Scheduled runs that failed, by job.
SCHEDULE_FAILURES = Counter("updraft_schedule_failures_total", "Scheduled runs that failed", ["job"], registry=REGISTRY)


def exposition() -> bytes:
    """All metrics in the Prometheus text format; its media type is `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
