"""Alembic's entrance to evaluation's migrations."""

from __future__ import annotations

from chassis.migrations import run
from evaluation.adapters.tables import metadata

run("evaluation", metadata)
