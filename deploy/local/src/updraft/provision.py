"""One database and three roles per service, the same for an embedded and an outside PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from updraft.errors import DeploymentError
from updraft.places import DEPLOY

SERVICES = ("enrollment", "matching", "engagement", "evaluation")
ROLE_PARTS = ("owner", "api", "worker")

_ROLES = DEPLOY / "postgres" / "roles.sql"
_DATABASE = DEPLOY / "postgres" / "database.sql"
# Two provisions at once would meet in the catalog ("tuple concurrently updated").
_LOCK = 0x75706472
_T = TypeVar("_T")


def blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end from synchronous code, in a thread of its own, so that a running event loop is no obstacle."""
    results: list[_T] = []
    failures: list[BaseException] = []

    def target() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as problem:  # handed to the caller's thread below
            failures.append(problem)

    thread = threading.Thread(target=target, name="updraft-blocking")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def role_names(service: str) -> tuple[str, str, str]:
    """The names of a service's owner, api and worker roles."""
    return f"{service}_owner", f"{service}_api", f"{service}_worker"


def role_password(secrets_dir: Path, role: str) -> str:
    """The password of a role, kept in `<secrets_dir>/<role>_password` (mode 600); made when there is none yet."""
    file = secrets_dir / f"{role}_password"
    if not file.exists():
        secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text().strip()


CERTIFICATE_KEY = "matching_certificate_key"  # the name of a file
AUDIT_KEY = "audit_groups_key"  # the name of a file, of the two services that write and read audit groups
_SERVICE_SECRETS = {"enrollment": (AUDIT_KEY,), "matching": (CERTIFICATE_KEY, AUDIT_KEY)}


def service_secrets(service: str) -> tuple[str, ...]:
    """The secret files a service needs besides passwords."""
    return _SERVICE_SECRETS.get(service, ())


def make_service_secrets(secrets_dir: Path, service: str) -> None:
    """Make what `service_secrets` names and is missing (mode 600).

    Who is handed passwords alone, in a folder that cannot be written to, makes none.
    """
    for name in service_secrets(service):
        file = secrets_dir / name
        if not file.exists() and os.access(secrets_dir, os.W_OK):
            with suppress(OSError):
                file.touch(mode=0o600)
                file.write_text(secrets.token_urlsafe(32))


def provision(admin_dsn: str, services: Iterable[str], secrets_dir: Path) -> None:
    """Make (or bring up to date) roles and the database of each service. Repeatable; safe to run twice at once.

    `admin_dsn` is a superuser's `postgresql://` address. Raises `DeploymentError` when the server refuses.
    """
    blocking(_provision(admin_dsn, {service: service for service in services}, secrets_dir))


def create_database(
    admin_dsn: str, service: str, database: str, secrets_dir: Path, *, template: str | None = None
) -> None:
    """Make one more database for the roles of `service`, under a name of its own (tests isolate themselves so).

    `template` names a database to copy; nobody may be connected to it.
    """
    blocking(_provision(admin_dsn, {service: database}, secrets_dir, template))


def drop_database(admin_dsn: str, database: str) -> None:
    """Throw a database away, its open connections included."""

    async def drop() -> None:
        admin = await _connect(admin_dsn)
        try:
            await admin.execute(f'drop database if exists "{database}" with (force)')
        finally:
            await admin.close()

    blocking(drop())


def database_address(admin_dsn: str, database: str) -> str:
    """The address handed to services: driver, host, port and database, never a user or a password."""
    parts = urlsplit(admin_dsn)
    return f"postgresql+asyncpg://{parts.hostname}:{parts.port or 5432}/{database}"


async def _provision(admin_dsn: str, databases: dict[str, str], secrets_dir: Path, template: str | None = None) -> None:
    admin = await _connect(admin_dsn)
    try:
        await admin.execute("select pg_advisory_lock($1::bigint)", _LOCK)
        for service, database in databases.items():
            await admin.execute("select set_config('updraft.service', $1, false)", service)
            for part, role in zip(ROLE_PARTS, role_names(service), strict=True):
                await admin.execute(
                    "select set_config('updraft.password_' || $1, $2, false)", part, role_password(secrets_dir, role)
                )
            make_service_secrets(secrets_dir, service)
            await admin.execute(_ROLES.read_text())
            if not await admin.fetchval("select exists (select from pg_database where datname = $1)", database):
                copied = f' template "{template}"' if template else ""
                await admin.execute(f'create database "{database}"{copied}')
            inside = await _connect(_with_database(admin_dsn, database))
            try:
                await inside.execute("select set_config('updraft.service', $1, false)", service)
                await inside.execute(_DATABASE.read_text())
            finally:
                await inside.close()
    except asyncpg.PostgresError as problem:
        raise DeploymentError(f"PostgreSQL refused to make roles and databases: {problem}") from problem
    finally:
        await admin.close()


async def _connect(dsn: str) -> Any:
    try:
        return await asyncpg.connect(dsn, timeout=20)
    except (OSError, asyncpg.PostgresError, TimeoutError) as problem:
        host = urlsplit(dsn).hostname
        raise DeploymentError(f"cannot reach PostgreSQL at {host}: {problem}") from problem


def _with_database(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
