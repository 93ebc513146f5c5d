"""Enrollment upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from enrollment.settings import Settings

from ..running import Enrollment, write_keys


@pytest.fixture(scope="module")
async def enrollment(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Enrollment]:
    """The service upon a fresh database."""
    database = make_database("enrollment", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    running = Enrollment(
        Settings(database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder)))
    )
    yield running
    await running.close()
