"""What every test over the wire stands on: one broker for the run, and for each test databases, topics and processes of its own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

# The rig and the tests' own modules are run as processes too and are found by their plain names.
sys.path.insert(0, str(Path(__file__).parent))

from updraft.identity import DevelopmentIdentity
from updraft.servers_for_tests import own_kafka


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Kafka that the wire tests may kill."""
    made = own_kafka(tmp_path_factory.mktemp("wire-kafka"))
    yield made
    made.remove()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentIdentity:
    """Who signs the tokens."""
    return DevelopmentIdentity(tmp_path_factory.mktemp("identity")).ensure()


@pytest.fixture
async def stage(broker: Any, identity: DevelopmentIdentity, make_database: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """Empty databases and topics, and a way to start the rig's processes upon them."""
    from kafka_side import fresh_topics
    from rig import tables
    from stage import Stage

    writing, reading = make_database("engagement"), make_database("evaluation")
    for database in (writing, reading):
        await tables.make(database.service, database.dsn("owner"))
    await fresh_topics(broker.bootstrap)
    made = Stage(tmp_path, broker.bootstrap, writing, reading, identity)
    try:
        yield made
    finally:
        await made.close()
