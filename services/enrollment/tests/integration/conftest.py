"""Enrollment upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.testing import settings_on
from enrollment.settings import Settings

from ..running import Enrollment


@pytest.fixture(scope="module")
async def enrollment(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Enrollment]:
    """The service upon a fresh database."""
    database = make_database("enrollment", migrated=True)
    async with Enrollment(settings_on(Settings, database, tmp_path_factory.mktemp("keys"))) as running:
        yield running
