"""What matching's relay sends: `python -m matching relay` carries the outbox, these are the facts that get into it."""

from __future__ import annotations

from contracts.matching import EVENTS

PUBLISHES = EVENTS
