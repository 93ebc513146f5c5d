"""What enrollment's relay sends: `python -m enrollment relay` carries the outbox, these are the facts that get into it."""

from __future__ import annotations

from contracts.enrollment import EVENTS

PUBLISHES = EVENTS
