"""Engagement upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.testing import settings_on
from engagement.settings import Settings

from ..running import Engagement


@pytest.fixture(scope="module")
async def engagement(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engagement]:
    """The service upon a fresh database."""
    database = make_database("engagement", migrated=True)
    async with Engagement(settings_on(Settings, database, tmp_path_factory.mktemp("keys"))) as running:
        yield running
