"""Alembic's entrance to matching's migrations."""

from __future__ import annotations

from chassis.migrations import run
from matching.adapters.tables import metadata

run("matching", metadata)
