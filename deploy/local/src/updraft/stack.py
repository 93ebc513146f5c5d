"""The whole system on one machine: servers, migrations, topics, the roles of all services, the gateway, and one who looks after them."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from uuid import UUID

from updraft.clock import MovedClock
from updraft.errors import DeploymentError
from updraft.gateway import Gateway, Identity, RateLimit, Upstream, answers
from updraft.identity import DevelopmentIdentity
from updraft.kafka import EmbeddedKafka
from updraft.places import LOCAL_HOST, choose_port
from updraft.postgres import EmbeddedPostgres
from updraft.processes import Child, end_leftover, run, spawn, wait_until
from updraft.provision import SERVICES, database_address, provision
from updraft.roles import Role, Watch
from updraft.server import Server
from updraft.stack_state import noted_roles, read_state, remove_data, write_state
from updraft.topics import apply_topics

__all__ = ["AlreadyRunning", "Report", "Stack", "Stopped", "read_state", "remove_data"]

ROLE_PARTS = ("api", "worker")
_READY_SECONDS = 90.0
_STOP_SECONDS = 15.0

Report = Callable[[str, str], None]
"""Told (step, state) with state `begun` or `done` while the stack starts and stops."""


class AlreadyRunning(DeploymentError):
    """Another process runs a stack in the same state folder."""


class Stopped(Exception):
    """The stack was told to stop while it started."""


class Stack:
    """The running system; `with Stack(folder) as stack:` starts and stops it.

    Roles are named `<service>-api`, `<service>-worker`, `gateway`, `kafka`, `postgres` (the last two unless outside servers are named
    by `postgres_dsn`, a superuser's address, and `kafka_bootstrap`). `environment` adds variables for all services' processes.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        services: Sequence[str] = SERVICES,
        postgres_dsn: str | None = None,
        kafka_bootstrap: str | None = None,
        postgres_port: int | None = None,
        kafka_port: int | None = None,
        gateway_port: int | None = None,
        fsync: bool = True,
        trace_ratio: float = 0.01,
        rate_limit: RateLimit | None = None,
        environment: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.services = tuple(services)
        self.clock = MovedClock(self.state_dir / "clock.json")
        self.identity = DevelopmentIdentity(self.state_dir / "identity")
        self.postgres = None if postgres_dsn else EmbeddedPostgres(self.state_dir, port=postgres_port, fsync=fsync)
        self.kafka = (
            None if kafka_bootstrap else EmbeddedKafka(self.state_dir, port=kafka_port, progress=self._fetching)
        )
        self.gateway: Gateway | None = None
        self.roles: dict[str, Role] = {}
        self._postgres_dsn = postgres_dsn
        self._kafka_bootstrap = kafka_bootstrap
        self._gateway_port = gateway_port
        self._trace_ratio = trace_ratio
        self._rate_limit = rate_limit or RateLimit()
        self._environment = dict(environment or {})
        self._report = report or (lambda _step, _state: None)
        self._watch: Watch | None = None
        self._lock: IO[str] | None = None
        self._stopping = threading.Event()
        self._noting = threading.Lock()

    # What users of a running stack need

    @property
    def gateway_url(self) -> str:
        """`http://host:port` of the gateway; services are below `/<service>/v1/`."""
        return self._gateway().url

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port` of the broker."""
        return self._kafka_bootstrap or self._embedded(self.kafka).bootstrap

    @property
    def postgres_dsn(self) -> str:
        """A superuser's address of the database server."""
        return self._postgres_dsn or self._embedded(self.postgres).dsn

    @property
    def secrets_dir(self) -> Path:
        """The folder of `<role>_password` files."""
        return self.state_dir / "passwords"

    @property
    def traces_dir(self) -> Path:
        """The folder into which services write their spans as JSON lines."""
        return self.state_dir / "traces"

    def url(self, service: str, part: str = "api") -> str:
        """`http://host:port` of a service's role, past the gateway: its health and metrics."""
        return f"http://{LOCAL_HOST}:{self.roles[f'{service}-{part}'].port}"

    def token(
        self,
        *,
        roles: Sequence[str],
        person_id: UUID | None = None,
        business_unit_id: UUID | None = None,
        subject: str | None = None,
        lifetime: float = 3600.0,
    ) -> str:
        """A signed access token of the development issuer; see `DevelopmentIdentity.token`."""
        return self.identity.token(
            roles=roles, person_id=person_id, business_unit_id=business_unit_id, subject=subject, lifetime=lifetime
        )

    def kill(self, role: str, *, hold: bool = False) -> None:
        """Kill -9 a role. It is started again by the watch unless `hold`, which keeps it down until `release`."""
        with self._watching().lock:
            self.roles[role].held = hold
            child = self.roles[role].child
            if child is not None:
                child.kill()
        self._note()

    def release(self, role: str) -> None:
        """Let the watch start a held role again, at once."""
        with self._watching().lock:
            self.roles[role].held = False
            self.roles[role].due = time.monotonic()

    def wait_for(self, role: str, seconds: float = _READY_SECONDS) -> None:
        """Wait until a role is ready. Raises `DeploymentError` with the end of its log when it does not become so."""
        self._wait_ready([self.roles[role]], seconds)

    # Start

    def __enter__(self) -> Stack:
        """Start everything; see `start`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    def start(self) -> None:
        """Start everything and return when all roles are ready. On failure nothing is left running.

        Raises `AlreadyRunning`, `PortTaken`, or another `DeploymentError` that says what failed.
        """
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        for name in noted_roles(self.state_dir):
            if name not in ("postgres", "kafka"):
                end_leftover(name, self.state_dir / "run")
        self.identity.ensure()
        self._describe_roles()
        with ThreadPoolExecutor(max_workers=3 + len(self.services)) as pool:
            kafka = pool.submit(self._start_kafka)
            postgres = pool.submit(self._start_postgres)
            gateway = pool.submit(self._start_gateway)
            # A failure of one side must not wait for the other's slow success.
            for future in (postgres, kafka):
                future.add_done_callback(lambda done: self._stopping.set() if done.exception() else None)
            futures = [kafka, postgres, gateway]
            try:
                postgres.result()
                migrated = [pool.submit(self._migrate_and_serve, service) for service in self.services]
                futures += migrated
                kafka.result()
                for service, future in zip(self.services, migrated, strict=True):
                    future.result()
                    self._spawn(self.roles[f"{service}-worker"])
                gateway.result()
                self._wait_ready(self._services_roles(), _READY_SECONDS)
            except BaseException as problem:
                self._stopping.set()
                # What still starts is told to end, so that nobody waits for it to become ready.
                for role in self.roles.values():
                    if role.child is not None:
                        role.child.begin_stop()
                failures = [failure for future in futures if (failure := future.exception())]
                real = [failure for failure in failures if not isinstance(failure, Stopped)]
                # A signal is what it is; an error of ours may only be the echo of another side's failure.
                if real and isinstance(problem, Exception):
                    raise real[0] from None
                raise
        self._watch = Watch(self.roles.values(), log=self.state_dir / "logs" / "supervisor.log", changed=self._note)
        self._watch.begin()
        self._note()

    def _describe_roles(self) -> None:
        if self._gateway_port is not None:
            # Before anything else could choose it.
            choose_port("the gateway", self._gateway_port)
        upstreams = []
        for service in self.services:
            for part in ROLE_PARTS:
                port = choose_port(f"{service} {part}")
                name = f"{service}-{part}"
                self.roles[name] = Role(
                    name,
                    start=lambda service=service, part=part, port=port: self._spawn_service(service, part, port),  # type: ignore[misc]
                    ready=lambda port=port: answers(f"http://{LOCAL_HOST}:{port}/health/ready"),  # type: ignore[misc]
                    port=port,
                )
                if part == "api":
                    upstreams.append(Upstream(service, LOCAL_HOST, port))
        self.gateway = Gateway(
            self.state_dir,
            upstreams,
            Identity(self.identity.ISSUER, self.identity.AUDIENCE, jwks=self.identity.jwks),
            port=self._gateway_port,
            rate_limit=self._rate_limit,
        )
        for server in (self.gateway, self.kafka, self.postgres):
            if server is not None:
                self.roles[server.name] = Role(server.name, start=_starter(server), ready=server.is_ready)

    def _start_postgres(self) -> None:
        with self._step("PostgreSQL"):
            if self.postgres is not None:
                self.postgres.prepare()
                self._start_server(self.postgres)
        with self._step("roles and databases"):
            provision(self.postgres_dsn, self.services, self.secrets_dir)

    def _start_kafka(self) -> None:
        with self._step("Kafka"):
            if self.kafka is not None:
                self.kafka.prepare()
                self._start_server(self.kafka)
        with self._step("topics"):
            apply_topics(self.kafka_bootstrap)

    def _start_gateway(self) -> None:
        with self._step("gateway"):
            self._start_server(self._gateway())

    def _start_server(self, server: Server) -> None:
        self._spawn(self.roles[server.name])
        server.wait_ready()
        # A start that lost its port was repeated with another process.
        self.roles[server.name].child = server.child

    def _migrate_and_serve(self, service: str) -> None:
        with self._step(f"{service} migrations"):
            run(
                [sys.executable, "-m", service, "migrate"],
                doing=f"applying the migrations of {service}",
                env=self.service_environment(service),
                cwd=self.state_dir,
            )
        self._spawn(self.roles[f"{service}-api"])

    def _spawn(self, role: Role) -> None:
        if self._stopping.is_set():
            raise Stopped
        role.spawn()

    def _spawn_service(self, service: str, part: str, port: int) -> Child:
        name = f"{service}-{part}"
        return spawn(
            name,
            [sys.executable, "-m", service, part],
            run_dir=self.state_dir / "run",
            log=self.state_dir / "logs" / f"{name}.log",
            cwd=self.state_dir,
            env=self.service_environment(service) | {"UPDRAFT_HTTP_PORT": str(port)},
        )

    def service_environment(self, service: str) -> dict[str, str]:
        """The environment of a process of `service`, without its port: for migrations and for roles that tests start themselves."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UPDRAFT_")}
        return inherited | {
            "UPDRAFT_DATABASE": database_address(self.postgres_dsn, service),
            "UPDRAFT_SECRETS": str(self.secrets_dir),
            "UPDRAFT_KAFKA": self._kafka_bootstrap or (self.kafka.bootstrap if self.kafka else ""),
            "UPDRAFT_JWKS": str(self.identity.jwks_file),
            "UPDRAFT_ISSUER": self.identity.ISSUER,
            "UPDRAFT_AUDIENCE": self.identity.AUDIENCE,
            "UPDRAFT_HTTP_HOST": LOCAL_HOST,
            "UPDRAFT_DOCUMENTATION": "true",
            "UPDRAFT_CLOCK_FILE": str(self.clock.file),
            "UPDRAFT_TRACES": str(self.traces_dir),
            "UPDRAFT_TRACE_RATIO": str(self._trace_ratio),
            "UPDRAFT_LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
            **self._environment,
        }

    def _wait_ready(self, roles: Sequence[Role], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for role in roles:
            with self._step(role.name):
                while not role.is_ready():
                    if self._stopping.is_set():
                        raise Stopped
                    died = self._watch is None and not role.is_running()
                    if died or time.monotonic() > deadline:
                        code = None if role.child is None else role.child.poll()
                        what = f"ended with code {code}" if died else f"did not become ready in {seconds:.0f} s"
                        said = "" if role.child is None else role.child.tail(20)
                        raise DeploymentError(f"{role.name} {what}; the end of its log:\n{said}")
                    time.sleep(0.05)

    # Stop

    def stop(self) -> None:
        """Stop everything in order: gateway, services, Kafka, PostgreSQL. Data stays. Safe to call more than once."""
        self._stopping.set()
        if self._watch is not None:
            self._watch.end()
        if self._lock is None:
            return
        with self._step("stop"):
            self._end(["gateway"], 3.0)
            self._end([role.name for role in self._services_roles()], _STOP_SECONDS)
            self._end(["kafka"], _STOP_SECONDS)
            self._end(["postgres"], _STOP_SECONDS)
        (self.state_dir / "stack.json").unlink(missing_ok=True)
        self._lock.close()
        self._lock = None

    def remove(self) -> None:
        """Stop and throw the data away, the database's folder outside `state_dir` included."""
        self.stop()
        remove_data(self.state_dir)

    def _end(self, names: Sequence[str], grace: float) -> None:
        children = [role.child for name in names if (role := self.roles.get(name)) and role.child is not None]
        for child in children:
            child.begin_stop()
        wait_until(lambda: all(child.poll() is not None for child in children), grace)
        for child in children:
            child.kill()

    # Inside

    def _take_lock(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        lock = (self.state_dir / "stack.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            found = read_state(self.state_dir)
            where = f": its gateway is {found['gateway']}, its process {found['pid']}" if found else ""
            raise AlreadyRunning(f"a stack is already running in {self.state_dir}{where}") from None
        self._lock = lock
        self._stopping.clear()
        write_state(self.state_dir, {"pid": os.getpid(), "gateway": "still starting", "roles": []})

    def _note(self) -> None:
        with self._noting:
            if self._stopping.is_set():
                return
            write_state(
                self.state_dir,
                {
                    "pid": os.getpid(),
                    "gateway": self.gateway_url,
                    "gateway_admin": self._gateway().admin_url,
                    "kafka": self.kafka_bootstrap,
                    "postgres": database_address(self.postgres_dsn, "postgres").removeprefix("postgresql+asyncpg://"),
                    "services": list(self.services),
                    "roles": [
                        {
                            "name": role.name,
                            "pid": role.child.pid if role.child and role.is_running() else None,
                            "port": role.port,
                            "restarts": role.restarts,
                            "state": role.state,
                            "started": time.time() - (time.monotonic() - role.started_at),
                        }
                        for role in self.roles.values()
                    ],
                },
            )

    def _services_roles(self) -> list[Role]:
        return [role for role in self.roles.values() if role.port is not None]

    def _step(self, name: str) -> _Step:
        return _Step(name, self._report)

    def _fetching(self, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise Stopped
        self._report(f"Kafka's jars {done}/{total}", "done" if done == total else "begun")

    def _gateway(self) -> Gateway:
        if self.gateway is None:
            raise DeploymentError("the stack has not been started")
        return self.gateway

    def _watching(self) -> Watch:
        if self._watch is None:
            raise DeploymentError("the stack is not running")
        return self._watch

    @staticmethod
    def _embedded(server: Any) -> Any:
        if server is None:
            raise DeploymentError("an outside server is used, there is no embedded one")
        return server


class _Step:
    def __init__(self, name: str, report: Report) -> None:
        self._name = name
        self._report = report

    def __enter__(self) -> None:
        self._report(self._name, "begun")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._report(self._name, "done")


def _starter(server: Server) -> Callable[[], Child]:
    def start() -> Child:
        server.spawn()
        if server.child is None:
            raise DeploymentError(f"{server.name} was not started")
        return server.child

    return start
