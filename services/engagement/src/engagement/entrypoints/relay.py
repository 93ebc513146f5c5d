"""What engagement's relay sends: `python -m engagement relay` carries the outbox, these are the facts that get into it."""

from __future__ import annotations

from contracts.engagement import EVENTS

PUBLISHES = EVENTS
