"""Enrollment's settings."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service is told; what a program may choose is a setting of the program, so there is nothing else to set."""
