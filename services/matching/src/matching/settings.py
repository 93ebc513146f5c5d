"""Matching's settings."""

from __future__ import annotations

from chassis.settings import ServiceSettings
from pydantic import Field


class Settings(ServiceSettings):
    """What every service is told, and how runs are executed; who may meet whom comes from each program."""

    solver_processes: int = Field(default=1, ge=1, le=64, description="Match runs solved at once by one worker.")
    settle_seconds: float = Field(
        default=1.0, ge=0, le=60, description="Real time a run waits for facts that were published before it."
    )
    change_set_seconds: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="Real time the guard waits for all events of a change of the organisation.",
    )
