"""Evaluation's settings."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service is told; how long waves last and whom they hide comes from the program."""
