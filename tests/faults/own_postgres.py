"""A stage on a PostgreSQL of its own, for tests that stop and kill the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kafka_side import fresh_topics
from rig import tables
from stage import Stage
from updraft.identity import DevelopmentIdentity
from updraft.postgres import EmbeddedPostgres
from updraft.provision import SERVICES, provision
from updraft.servers_for_tests import SharedPostgres, make_database


@asynccontextmanager
async def stage_on_own_postgres(
    folder: Path, kafka: str, identity: DevelopmentIdentity
) -> AsyncIterator[tuple[Stage, EmbeddedPostgres]]:
    """Empty databases on a server that nobody else uses, fsync on, and empty topics on the broker `kafka`."""
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        secrets_dir = server.state_dir / "secrets"
        provision(server.dsn, SERVICES, secrets_dir)
        host, port = server.address.split(":")
        shared = SharedPostgres(host, int(port), server.dsn, str(secrets_dir))
        writing, reading = (make_database(shared, service, folder) for service in ("engagement", "evaluation"))
        for database in (writing, reading):
            await tables.make(database.service, database.dsn("owner"))
        await fresh_topics(kafka)
        made = Stage(folder, kafka, writing, reading, identity)
        try:
            yield made, server
        finally:
            await made.close()
    finally:
        server.remove()
