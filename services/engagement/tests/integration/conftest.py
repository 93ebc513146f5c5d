"""Engagement upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from engagement.settings import Settings

from ..running import Engagement, write_keys


@pytest.fixture(scope="module")
async def engagement(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engagement]:
    """The service upon a fresh database."""
    database = make_database("engagement", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    settings = Settings(database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder)))
    running = Engagement(settings)
    yield running
    await running.close()
