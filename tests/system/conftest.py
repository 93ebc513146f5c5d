"""One running stack for the system tests: real servers, all services, the gateway; every request traced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from updraft.stack import Stack, remove_data


@pytest.fixture(scope="session")
def stack(test_servers: Path) -> Iterator[Stack]:
    """The whole system, started once and thrown away at the end."""
    folder = test_servers / "stack"
    with Stack(folder, fsync=False, trace_ratio=1.0) as running:
        yield running
    remove_data(folder)
