from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from chassis.migrations import migrate
from chassis.service import Service
from contracts.identifiers import uuid7
from updraft.provision import create_database, database_address, drop_database
from updraft.servers_for_tests import ServiceDatabase

from .notebook import MIGRATIONS, metadata, service_for, settings_for


@pytest.fixture(scope="package")
def pristine(make_database: Any) -> ServiceDatabase:
    """A migrated database that nobody enters, to be copied."""
    database: ServiceDatabase = make_database("engagement")
    migrate(MIGRATIONS, settings_for(database).database_url("owner", "engagement"), metadata)
    return database


@pytest.fixture(scope="package")
def copied(postgres: Any, pristine: ServiceDatabase) -> Iterator[Callable[[], ServiceDatabase]]:
    """Copies of it, thrown away at the end."""
    names: list[str] = []

    def copy() -> ServiceDatabase:
        name = f"{pristine.name}_{len(names)}"
        create_database(postgres.dsn, "engagement", name, pristine.secrets_dir, template=pristine.name)
        names.append(name)
        admin = urlsplit(postgres.dsn)._replace(path=f"/{name}").geturl()
        return replace(pristine, name=name, address=database_address(postgres.dsn, name), admin_dsn=admin)

    yield copy
    for name in names:
        drop_database(postgres.dsn, name)


@pytest.fixture(scope="package")
def notebook_database(copied: Any) -> ServiceDatabase:
    """A migrated database that the package's tests share; each works in units of its own."""
    database: ServiceDatabase = copied()
    return database


@pytest.fixture
def own_database(copied: Any) -> ServiceDatabase:
    """A migrated database for one test that counts everything or changes what all share."""
    database: ServiceDatabase = copied()
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
