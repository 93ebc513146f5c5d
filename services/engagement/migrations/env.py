"""Alembic's entrance to engagement's migrations."""

from __future__ import annotations

from chassis.migrations import run
from engagement.adapters.tables import metadata

run("engagement", metadata)
