"""Alembic's entrance to enrollment's migrations."""

from __future__ import annotations

from chassis.migrations import run
from enrollment.adapters.tables import metadata

run("enrollment", metadata)
