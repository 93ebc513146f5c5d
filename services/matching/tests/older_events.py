"""Events as a writer sent them before it knew of some fields."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Envelope, decode, encode

NOW = datetime(2025, 2, 3, 9, tzinfo=UTC)
NEW_OF_A_PERSON = {"project_codes", "reviewer_ids", "tenure_band"}
NEW_OF_A_PARTICIPATION = {"values", "working_style", "preferred_channels", "background_codes", "priority"}
NEW_OF_A_PROGRAM = {
    "unit_policy", "repeat_pairs", "preference_limit", "mentors_per_mentee", "trial_days", "request_days", "request_reminder_days",
    "asking_side", "trial_reminder_days",
}  # fmt: skip
NEW_WEIGHTS = {"values", "style", "preferences", "channel"}


def without(event: Any, fields: Collection[str], sequence: int = 1) -> Envelope[Any]:
    """The event as it is read when its bytes lack these fields, and the newer weights too."""
    record = encode(Envelope.of(event, sequence=sequence, time=NOW))
    payload = json.loads(record.value)
    assert set(fields) & set(payload), "the event has none of the fields anyway"
    for name in fields:
        payload.pop(name, None)
    for name in NEW_WEIGHTS:
        payload.get("score_weights", {}).pop(name, None)
    return decode(record.topic, record.key, json.dumps(payload).encode(), record.headers)
