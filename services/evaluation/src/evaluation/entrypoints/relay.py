"""What evaluation's relay sends: `python -m evaluation relay` carries the outbox, these are the facts that get into it."""

from __future__ import annotations

from contracts.evaluation import EVENTS

PUBLISHES = EVENTS
