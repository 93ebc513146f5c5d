"""The bench's own servers: a PostgreSQL with fsync on and a Kafka, each started when first asked for, gone at the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from updraft.kafka import EmbeddedKafka
from updraft.places import REPOSITORY
from updraft.postgres import EmbeddedPostgres
from updraft.processes import Child, spawn
from updraft.provision import SERVICES, provision
from updraft.servers_for_tests import ServiceDatabase, SharedPostgres, make_database, remove_database
from updraft.topics import apply_topics

TESTS = Path(__file__).resolve().parents[1]


class Servers:
    """What all subjects share. Servers that are `given` belong to somebody else and are left alone.

    Topics of the catalog are on the broker. Used as a block; at its end every process started through it is ended.
    """

    def __init__(self, folder: Path, *, postgres: SharedPostgres | None = None, kafka: str | None = None) -> None:
        self.folder = folder
        self._given_postgres, self._given_kafka = postgres, kafka
        self._own_postgres: EmbeddedPostgres | None = None
        self._own_kafka: EmbeddedKafka | None = None
        self._children: list[Child] = []
        self._databases: list[ServiceDatabase] = []

    @cached_property
    def postgres(self) -> SharedPostgres:
        """The PostgreSQL, with the roles of all services."""
        if self._given_postgres is not None:
            return self._given_postgres
        self._own_postgres = server = EmbeddedPostgres(self.folder / "postgres")
        server.start()
        secrets = self.folder / "postgres" / "secrets"
        provision(server.dsn, SERVICES, secrets)
        host, port = server.address.split(":")
        return SharedPostgres(host, int(port), server.dsn, str(secrets))

    @cached_property
    def kafka(self) -> str:
        """The broker's `host:port`; it has every topic of the catalog."""
        bootstrap = self._given_kafka
        if bootstrap is None:
            self._own_kafka = broker = EmbeddedKafka(self.folder / "kafka")
            broker.start()
            bootstrap = broker.bootstrap
        apply_topics(bootstrap)
        return bootstrap

    def database(self, service: str, *, migrated: bool = True) -> ServiceDatabase:
        """A database of its own for a service, by default with all its tables; thrown away at the end."""
        made = make_database(self.postgres, service, self.folder, migrated=migrated)
        self._databases.append(made)
        return made

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        database: ServiceDatabase | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """`python -m <command>` as a process of its own, that knows the broker and the database and finds this package.

        Its log is `<folder>/logs/<name>.log`.
        """
        child = spawn(
            name,
            [sys.executable, "-m", *command],
            run_dir=self.folder / "run",
            log=self.folder / "logs" / f"{name}.log",
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("UPDRAFT_")},
                "PYTHONPATH": str(TESTS),
                "UPDRAFT_KAFKA": self.kafka,
                "UPDRAFT_HTTP_PORT": "0",
                **({} if database is None else database.environment()),
                **(environment or {}),
            },
        )
        self._children.append(child)
        return child

    @contextmanager
    def running(
        self,
        name: str,
        command: Sequence[str],
        *,
        database: ServiceDatabase | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Child]:
        """As `start`, for the length of the block; then SIGTERM, and after ten seconds SIGKILL."""
        child = self.start(name, command, database=database, environment=environment)
        try:
            yield child
        finally:
            child.stop()
            self._children.remove(child)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor seconds that the bench's own servers have used so far."""
        servers = {"PostgreSQL": self._own_postgres, "Kafka": self._own_kafka}
        return {
            name: cpu_seconds(one.child) for name, one in servers.items() if one is not None and one.child is not None
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.kill()
        if self._given_postgres is not None:
            for database in self._databases:
                remove_database(self._given_postgres, database)
        for server in (self._own_postgres, self._own_kafka):
            if server is not None:
                server.remove()


def cpu_seconds(child: Child) -> float:
    """Processor seconds that a process and its children have used so far; 0 when it is gone."""
    used = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(child.pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                used += times.user + times.system
    return used


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Servers below `.updraft/bench/<process id>`, whose data is thrown away at the end; the logs of a run stay until the next."""
    runs = REPOSITORY / ".updraft" / "bench"
    for earlier in runs.glob("*"):
        if not (earlier.name.isdecimal() and psutil.pid_exists(int(earlier.name))):
            shutil.rmtree(earlier, ignore_errors=True)
    with Servers(runs / str(os.getpid())) as servers:
        yield servers
