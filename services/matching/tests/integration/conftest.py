"""Matching upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.testing import settings_on
from matching.settings import Settings

from ..running import Matching


@pytest.fixture(scope="module")
async def matching(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Matching]:
    """The service upon a fresh database."""
    database = make_database("matching", migrated=True)
    async with Matching(settings_on(Settings, database, tmp_path_factory.mktemp("keys"))) as running:
        yield running
