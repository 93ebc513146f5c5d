"""The servers that tests of every tier share, and what they are told about the repository.

A test that kills or fills a server starts one of its own: `updraft.postgres.embedded_postgres`, `updraft.kafka.embedded_kafka`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from updraft.servers_for_tests import (
    ServiceDatabase,
    SharedKafka,
    SharedPostgres,
    end_servers,
    remove_database,
    shared_kafka,
    shared_postgres,
)
from updraft.servers_for_tests import (
    make_database as make_service_database,
)

_REPOSITORY = Path(__file__).parent
_FOLDER = "UPDRAFT_TEST_SERVERS"

_SYSTEM = "tests/system/"
# Longest first, so that no process is left with a long file at the end.
_TIERS = ("system", "wire", "component", "integration")

MakeDatabase = Callable[..., ServiceDatabase]


def _is_main_process(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder; pytest-xdist's workers inherit it through the environment."""
    if _is_main_process(config):
        name = f"{os.getpid()}-{secrets.token_hex(3)}"
        os.environ[_FOLDER] = str(_REPOSITORY / ".updraft" / "test-servers" / name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's servers."""
    if _is_main_process(config) and _FOLDER in os.environ:
        end_servers(Path(os.environ.pop(_FOLDER)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a run of several processes, put files of the slow tiers first."""
    if _is_main_process(config):
        return
    ranks: dict[Path, int] = {}
    for item in items:
        rank = next((number for number, tier in enumerate(_TIERS) if item.get_closest_marker(tier)), len(_TIERS))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`: a file is run by one process, and so is the whole system tier, which shares one stack.

    pytest-xdist's own `loadgroup` would say this with marks, but with pytest 9.2 it no longer groups anything.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    scheduler = import_module("xdist.scheduler").LoadFileScheduling(config, log)
    file_of = scheduler._split_scope
    scheduler._split_scope = lambda test: _SYSTEM if test.startswith(_SYSTEM) else file_of(test)
    return scheduler


@pytest.fixture(scope="session")
def test_servers() -> Path:
    """The folder of this run's servers."""
    return Path(os.environ[_FOLDER])


@pytest.fixture(scope="session")
def postgres(test_servers: Path) -> SharedPostgres:
    """The run's PostgreSQL, with the roles and databases of all services; started when first asked for."""
    return shared_postgres(test_servers)


@pytest.fixture(scope="session")
def kafka(test_servers: Path) -> SharedKafka:
    """The run's Kafka, without topics; started when first asked for."""
    return shared_kafka(test_servers)


@pytest.fixture(scope="session")
def make_database(postgres: SharedPostgres, test_servers: Path) -> Iterator[MakeDatabase]:
    """`make_database("engagement", migrated=True)`: a database of its own name for the service's three roles, dropped at the end."""
    made: list[ServiceDatabase] = []

    def make(service: str, *, migrated: bool = False) -> ServiceDatabase:
        database = make_service_database(postgres, service, test_servers, migrated=migrated)
        made.append(database)
        return database

    yield make
    for database in made:
        remove_database(postgres, database)
