from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis.migrations import migrate
from chassis.service import Service
from contracts.identifiers import uuid7
from updraft.servers_for_tests import ServiceDatabase

from .notebook import MIGRATIONS, metadata, service_for, settings_for


@pytest.fixture(scope="package")
def notebook_database(make_database: Any) -> ServiceDatabase:
    """A migrated database that the package's tests share; each works in units of its own."""
    database: ServiceDatabase = make_database("engagement")
    migrate(MIGRATIONS, settings_for(database).database_url("owner", "engagement"), metadata)
    return database


@pytest.fixture
def own_database(make_database: Any) -> ServiceDatabase:
    """A migrated database for one test that counts everything or changes what all share."""
    database: ServiceDatabase = make_database("engagement")
    migrate(MIGRATIONS, settings_for(database).database_url("owner", "engagement"), metadata)
    return database


@pytest.fixture
async def composed() -> AsyncIterator[Callable[..., Service]]:
    """`composed(database, "api")`: a service whose connections are closed at the end of the test."""
    made: list[Service] = []

    def make(database: ServiceDatabase, role: str, **settings: Any) -> Service:
        made.append(service_for(database, role, **settings))
        return made[-1]

    yield make
    for service in made:
        await service.database.close()


@pytest.fixture
def api(composed: Any, notebook_database: ServiceDatabase) -> Service:
    service: Service = composed(notebook_database, "api")
    return service


@pytest.fixture
def worker(composed: Any, notebook_database: ServiceDatabase) -> Service:
    service: Service = composed(notebook_database, "worker")
    return service


@pytest.fixture
def unit() -> UUID:
    return uuid7()


@pytest.fixture
async def admin(notebook_database: ServiceDatabase) -> AsyncIterator[Any]:
    """A superuser's connection to the shared database: sees everything, whatever the policies say."""
    connection = await asyncpg.connect(notebook_database.admin_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def own_admin(own_database: ServiceDatabase) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(own_database.admin_dsn)
    yield connection
    await connection.close()
