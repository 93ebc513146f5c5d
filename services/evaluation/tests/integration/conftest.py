"""Evaluation upon a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from evaluation.settings import Settings

from ..running import Evaluation, write_keys


@pytest.fixture(scope="module")
async def evaluation(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evaluation]:
    """The service upon a fresh database."""
    database = make_database("evaluation", migrated=True)
    folder: Path = tmp_path_factory.mktemp("keys")
    running = Evaluation(
        Settings(database=database.address, secrets=database.secrets_dir, jwks=str(write_keys(folder))),
        database.admin_dsn,
    )
    yield running
    await running.close()
