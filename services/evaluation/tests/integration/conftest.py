"""Evaluation upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.testing import settings_on
from evaluation.settings import Settings

from ..running import Evaluation


@pytest.fixture(scope="module")
async def evaluation(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evaluation]:
    """The service upon a fresh database."""
    database = make_database("evaluation", migrated=True)
    async with Evaluation(
        settings_on(Settings, database, tmp_path_factory.mktemp("keys")), database.admin_dsn
    ) as running:
        yield running
