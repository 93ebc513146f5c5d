"""One PostgreSQL and one Kafka for a whole test run, shared by all its processes, gone when the run is.

The first test process that needs a server starts a holder, a process of its own that belongs to nobody's lifetime but the run's:
it stops the server and throws its data away when it is told to, or when the run's main process is gone.

    python -m updraft.servers_for_tests postgres <folder> <process id of the run>

They are the embedded servers, or containers of the official images when UPDRAFT_TEST_ON says `containers`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psutil

from updraft.errors import DeploymentError
from updraft.kafka import EmbeddedKafka
from updraft.postgres import EmbeddedPostgres
from updraft.processes import wait_until
from updraft.provision import (
    SERVICES,
    create_database,
    database_address,
    drop_database,
    provision,
    role_password,
)

if TYPE_CHECKING:
    from updraft.servers_in_containers import ContainedKafka, ContainedPostgres

_START_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class SharedPostgres:
    """The run's PostgreSQL: `dsn` is the superuser's; `secrets_dir` holds `<role>_password` files of all services' roles."""

    host: str
    port: int
    dsn: str
    secrets_dir: str


@dataclass(frozen=True, slots=True)
class SharedKafka:
    """The run's Kafka. Shared by all tests: use topics and groups of your own, or a broker of your own."""

    bootstrap: str


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A database of one service for one test module, with the service's three roles."""

    service: str
    name: str
    address: str
    """What UPDRAFT_DATABASE says: no user, no password."""
    secrets_dir: Path
    """What UPDRAFT_SECRETS says."""
    admin_dsn: str
    """A superuser's address of this database."""

    def dsn(self, part: str) -> str:
        """A `postgresql://` address with user and password for `part`: owner, api or worker."""
        role = f"{self.service}_{part}"
        password = quote(role_password(self.secrets_dir, role))
        host = urlsplit(self.admin_dsn)
        return f"postgresql://{role}:{password}@{host.hostname}:{host.port}/{self.name}"

    def environment(self) -> dict[str, str]:
        """The variables by which a process of the service finds this database."""
        return {"UPDRAFT_DATABASE": self.address, "UPDRAFT_SECRETS": str(self.secrets_dir)}


def shared_postgres(folder: Path) -> SharedPostgres:
    """The run's PostgreSQL, started by the first who asks. The services' roles and databases exist."""
    return SharedPostgres(**_ask_holder("postgres", folder))


def shared_kafka(folder: Path) -> SharedKafka:
    """The run's Kafka, started by the first who asks."""
    return SharedKafka(**_ask_holder("kafka", folder))


def own_kafka(folder: Path) -> EmbeddedKafka | ContainedKafka:
    """A running Kafka that the caller may kill and start again, and removes at the end. An embedded one lives in `folder`."""
    broker: EmbeddedKafka | ContainedKafka
    if _in_containers():
        # Imported here, as below: the client of the container engine is slow to load, and most runs do without.
        from updraft.servers_in_containers import ContainedKafka  # noqa: PLC0415

        broker = ContainedKafka()
    else:
        broker = EmbeddedKafka(folder)
    broker.start()
    return broker


def make_database(postgres: SharedPostgres, service: str, folder: Path, *, migrated: bool = False) -> ServiceDatabase:
    """A fresh database for `service`, with a name of its own; `migrated` copies one to which the service's migrations were applied."""
    name = f"{service}_{secrets.token_hex(4)}"
    secrets_dir = Path(postgres.secrets_dir)
    template = _migrated_template(postgres, service, folder) if migrated else None
    create_database(postgres.dsn, service, name, secrets_dir, template=template)
    return _service_database(postgres, service, name)


def remove_database(postgres: SharedPostgres, database: ServiceDatabase) -> None:
    """Throw away what `make_database` made."""
    drop_database(postgres.dsn, database.name)


def end_servers(folder: Path) -> None:
    """Stop what the run started, throw the data away. For the run's main process, at its end."""
    for server in ("postgres", "kafka"):
        with suppress(OSError, ValueError, psutil.Error):
            holder = psutil.Process(json.loads((folder / f"{server}.holder").read_text())["pid"])
            if "updraft.servers_for_tests" in holder.cmdline():
                holder.terminate()
                with suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
                    holder.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def _service_database(postgres: SharedPostgres, service: str, name: str) -> ServiceDatabase:
    admin = urlsplit(postgres.dsn)._replace(path=f"/{name}").geturl()
    return ServiceDatabase(service, name, database_address(postgres.dsn, name), Path(postgres.secrets_dir), admin)


def _migrated_template(postgres: SharedPostgres, service: str, folder: Path) -> str:
    name = f"{service}_migrated"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{name}.done"
        if not done.exists():
            drop_database(postgres.dsn, name)
            create_database(postgres.dsn, service, name, Path(postgres.secrets_dir))
            environment = os.environ | _service_database(postgres, service, name).environment()
            migration = subprocess.run(
                [sys.executable, "-m", service, "migrate"],
                env=environment, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            if migration.returncode != 0:
                raise DeploymentError(f"migrations of {service} failed:\n{migration.stdout}{migration.stderr}")
            done.touch()
    return name


def _ask_holder(server: str, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    answer = folder / f"{server}.json"
    with (folder / f"{server}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            run_pid = int(folder.name.split("-")[0])
            log = folder / f"{server}.holder.log"
            with log.open("ab") as output:
                holder = subprocess.Popen(
                    [sys.executable, "-m", "updraft.servers_for_tests", server, str(folder), str(run_pid)],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
            (folder / f"{server}.holder").write_text(json.dumps({"pid": holder.pid}))
            wait_until(lambda: answer.exists() or holder.poll() is not None, _START_SECONDS, every=0.05)
            if not answer.exists():
                raise DeploymentError(
                    f"the {server} for tests did not start:\n{log.read_text(errors='replace')[-3000:]}"
                )
            # It outlives this process on purpose; the run's main process ends it.
            holder.returncode = 0
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


def _in_containers() -> bool:
    return os.environ.get("UPDRAFT_TEST_ON") == "containers"


def _start_postgres(folder: Path) -> tuple[EmbeddedPostgres | ContainedPostgres, SharedPostgres]:
    server: EmbeddedPostgres | ContainedPostgres
    if _in_containers():
        from updraft.servers_in_containers import ContainedPostgres  # noqa: PLC0415

        server = ContainedPostgres()
    else:
        # Without fsync a kill -9 of the server still loses nothing, only a crash of the machine would.
        server = EmbeddedPostgres(folder / "postgres", fsync=False, settings={"full_page_writes": "off"})
    server.start()
    secrets_dir = folder / "postgres" / "secrets"
    provision(server.dsn, SERVICES, secrets_dir)
    host, port = server.address.split(":")
    return server, SharedPostgres(host, int(port), server.dsn, str(secrets_dir))


def _start_kafka(folder: Path) -> tuple[EmbeddedKafka | ContainedKafka, SharedKafka]:
    broker = own_kafka(folder / "kafka")
    return broker, SharedKafka(broker.bootstrap)


def _hold(server: str, folder: Path, run_pid: int) -> None:
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told_to_end.set())
    held, shared = _start_postgres(folder) if server == "postgres" else _start_kafka(folder)
    try:
        staged = folder / f"{server}.json.new"
        staged.write_text(json.dumps(asdict(shared)))
        staged.rename(folder / f"{server}.json")
        while not told_to_end.wait(0.5) and psutil.pid_exists(run_pid):
            pass
    finally:
        held.remove()
        if not told_to_end.is_set():
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _hold(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
