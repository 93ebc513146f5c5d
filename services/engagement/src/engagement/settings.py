"""Engagement's settings."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service is told; the rules of a pair come from its program, so there is nothing else to set."""
