"""Matching upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from matching.settings import Settings

from ..running import Matching, write_keys


@pytest.fixture(scope="module")
async def matching(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Matching]:
    """The service upon a fresh database."""
    database = make_database("matching", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    settings = Settings(database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder)))
    running = Matching(settings)
    yield running
    await running.close()
