"""Matching: the solver against named peers, scoring against a plain NumPy pipeline, and whole runs from rows to proposals."""

from __future__ import annotations

from load import matching_runs, matching_scoring, matching_solver
from load.rows import Bench
from load.servers import Servers


async def run(bench: Bench, servers: Servers, quick: bool) -> None:
    """All three, one after the other."""
    for subject in (matching_scoring, matching_solver, matching_runs):
        await subject.run(bench, servers, quick)
