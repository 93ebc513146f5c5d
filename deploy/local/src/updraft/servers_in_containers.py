"""PostgreSQL and Kafka for tests in containers of the official images, with the settings of the embedded ones.

Who starts a container ends it. What a killed process left behind is ended by the next one, so that testcontainers' own reaper, one
more image to be had, is not needed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from socket import gethostname
from typing import Any

import asyncpg
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from updraft.errors import DeploymentError
from updraft.places import DEPLOY, LOCAL_HOST, choose_port
from updraft.provision import blocking

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"

_POSTGRES_PORT = 5432
_KAFKA_PORT = 9092
_OWNER = "updraft.test-process"
_START_SECONDS = 180.0
_STOP_SECONDS = 15


class _Contained(ABC):
    """A server in a container of its own, published on a port of this machine that stays the same when it is started again."""

    def __init__(self, title: str, image: str, inside: int) -> None:
        self.title = title
        self.port = choose_port(title)
        testcontainers_config.ryuk_disabled = True
        self._container = DockerContainer(image, labels={_OWNER: f"{gethostname()}/{os.getpid()}"}).with_bind_ports(
            inside, self.port
        )

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOCAL_HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it serves. Raises `DeploymentError` with the end of its log when it does not."""
        self._end_leftovers()
        self._container.start()
        self._wait()

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        engine = self._container.get_wrapped_container()
        engine.kill()
        engine.wait()

    def restart(self) -> None:
        """Start again on the same port, after `kill` or while running."""
        engine = self._container.get_wrapped_container()
        engine.stop(timeout=_STOP_SECONDS)
        engine.start()
        self._wait()

    def remove(self) -> None:
        """Stop and throw the data away."""
        self._container.stop()

    def _end_leftovers(self) -> None:
        engine = self._container.get_docker_client().client
        for found in engine.containers.list(all=True, filters={"label": _OWNER}):
            host, process = found.labels[_OWNER].split("/")
            if host == gethostname() and not psutil.pid_exists(int(process)):
                found.remove(force=True, v=True)

    @abstractmethod
    async def answers(self) -> bool:
        """Whether it serves."""

    def _wait(self) -> None:
        if not blocking(_within(_START_SECONDS, self.answers)):
            said = self._container.get_wrapped_container().logs(tail=30).decode(errors="replace")
            raise DeploymentError(f"{self.title} did not become ready in {_START_SECONDS:.0f} s:\n{said}")


class ContainedPostgres(_Contained):
    """PostgreSQL; without fsync, since its data is thrown away."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL", POSTGRES_IMAGE, _POSTGRES_PORT)
        self._password = secrets.token_urlsafe(24)
        settings = {
            "config_file": "/etc/postgresql/postgresql.conf",
            "listen_addresses": "*",
            "fsync": "off",
            "full_page_writes": "off",
        }
        self._container.with_env("POSTGRES_PASSWORD", self._password)
        self._container.with_volume_mapping(DEPLOY / "postgres" / "postgresql.conf", settings["config_file"])
        self._container.with_command(["postgres", *(f"--{name}={value}" for name, value in settings.items())])

    @property
    def dsn(self) -> str:
        """The superuser's address, database `postgres`."""
        return f"postgresql://postgres:{self._password}@{self.address}/postgres"

    async def answers(self) -> bool:
        """Whether it lets the superuser in over TCP."""
        try:
            await (await asyncpg.connect(self.dsn, timeout=5)).close()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        return True


class ContainedKafka(_Contained):
    """Kafka, one combined node, with the broker settings of the repository."""

    def __init__(self) -> None:
        super().__init__("Kafka", KAFKA_IMAGE, _KAFKA_PORT)
        self._container.with_volume_mapping(
            DEPLOY / "kafka" / "broker.properties", "/mnt/shared/config/server.properties"
        )
        self._container.with_envs(
            KAFKA_LISTENERS=f"PLAINTEXT://:{_KAFKA_PORT},CONTROLLER://:9093",
            KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{self.address}",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
            KAFKA_HEAP_OPTS="-Xms192m -Xmx384m -XX:+UseSerialGC",
            KAFKA_JVM_PERFORMANCE_OPTS="-server",
            KAFKA_LOG_DIRS="/tmp/kraft-combined-logs",  # noqa: S108  inside of the container
        )

    @property
    def bootstrap(self) -> str:
        """`host:port` that clients connect to."""
        return self.address

    async def answers(self) -> bool:
        """Whether it tells who is in the cluster."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
        quiet = logging.getLogger("aiokafka")
        level = quiet.level
        quiet.setLevel(logging.CRITICAL)
        try:
            await client.start()
            return bool((await client.describe_cluster())["brokers"])
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()
            quiet.setLevel(level)


async def _within(seconds: float, ask: Callable[[], Awaitable[Any]]) -> bool:
    deadline = time.monotonic() + seconds
    while not await ask():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.2)
    return True
