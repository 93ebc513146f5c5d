"""A deployment that runs elsewhere, known by its gateway, the folder of its secrets and, where it has them open, its servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from chassis.settings import ServiceSettings

from updraft.clock import MovedClock
from updraft.demo.deployment import Blow, Evidence
from updraft.errors import DeploymentError
from updraft.identity import DevelopmentIdentity
from updraft.kafka_access import ADMIN, password_file
from updraft.postgres import SUPERUSER
from updraft.provision import SERVICES, role_names

# Every rule about time runs once a second: so long after the clock was moved it has run at least once, from its beginning to its end.
_RULES_SECONDS = 2.5

Strike = Callable[[], Awaitable[Blow]]


class RemoteDeployment:
    """See the module. `kafka` and `postgres` are `host:port`; without both of them `evidence` is None.

    `secrets` holds `postgres_password`, `<role>_password`, `kafka_admin_password` (none: the broker asks for none), and in `identity`,
    there or beside it, the development issuer's key. `clock` is the file that moves the rules' clock. `strike` kills something
    and waits until it is back.

    Raises `DeploymentError` when a file is missing.
    """

    def __init__(
        self,
        gateway: str,
        secrets: Path,
        *,
        clock: Path,
        kafka: str | None = None,
        postgres: str | None = None,
        strike: Strike | None = None,
    ) -> None:
        self.services = SERVICES
        self.gateway_url = gateway.rstrip("/")
        self.clock = MovedClock(clock)
        self.evidence = _evidence(kafka, postgres, secrets, clock) if kafka and postgres else None
        self.token = _issuer(secrets).token
        self._strike = strike
        if not clock.parent.is_dir():
            raise DeploymentError(f"there is no folder {clock.parent} for the clock's file")

    async def reach(self) -> None:
        """Ask gateway, broker and database server for an answer. Raises `DeploymentError` that names who gave none."""
        try:
            async with httpx.AsyncClient(base_url=self.gateway_url, timeout=10) as client:
                token = self.token(roles=["platform_admin"], subject="demo-admin")
                answer = await client.get("/enrollment/v1/business-units", headers={"authorization": f"Bearer {token}"})
        except httpx.HTTPError as problem:
            raise DeploymentError(f"no gateway answers at {self.gateway_url}: {problem}") from problem
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise DeploymentError("the gateway does not take the development issuer's tokens: is --secrets its folder?")
        if not answer.is_success:
            raise DeploymentError(f"the gateway at {self.gateway_url} answers {answer.status_code}")
        if self.evidence is not None:
            await _reach_postgres(self.evidence.database(self.services[0]))
            await _reach_kafka(self.evidence)

    async def rules_reached(self, moment: datetime) -> None:
        """By patience: what the services say of themselves is not to be had through the gateway."""
        await asyncio.sleep(_RULES_SECONDS)

    async def strike(self) -> Blow | None:
        """What the maker of this object handed over for it, if anything."""
        return None if self._strike is None else await self._strike()


def _issuer(secrets: Path) -> DevelopmentIdentity:
    for folder in (secrets / "identity", secrets.parent / "identity"):
        if (folder / "key.pem").is_file() and (folder / "jwks.json").is_file():
            return DevelopmentIdentity(folder)
    raise DeploymentError(f"{secrets} has no identity/key.pem: the demonstration signs its own tokens with it")


def _secret(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text().strip()
    except OSError as problem:
        raise DeploymentError(f"cannot read the secret {name} in {folder}: {problem}") from problem


def _evidence(kafka: str, postgres: str, secrets: Path, clock: Path) -> Evidence:
    # Roles get their passwords again with every database that is made; a new one would lock the deployment out.
    for service in SERVICES:
        for role in role_names(service):
            _secret(secrets, f"{role}_password")
    login: dict[str, str] = {}
    if (secrets / password_file(ADMIN)).exists():
        login = {
            "kafka_protocol": "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            "kafka_username": ADMIN,
            "kafka_password_file": str((secrets / password_file(ADMIN)).resolve()),
        }
    security = ServiceSettings.model_validate(login).kafka_security()

    def environment(service: str) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UPDRAFT_")}
        return inherited | {
            "UPDRAFT_DATABASE": f"postgresql+asyncpg://{postgres}/{service}",
            "UPDRAFT_SECRETS": str(secrets.resolve()),
            "UPDRAFT_KAFKA": kafka,
            "UPDRAFT_CLOCK_FILE": str(clock.resolve()),
            **{f"UPDRAFT_{name.upper()}": value for name, value in login.items()},
        }

    password = quote(_secret(secrets, f"{SUPERUSER}_password"), safe="")
    return Evidence(f"postgresql://{SUPERUSER}:{password}@{postgres}/postgres", kafka, secrets, environment, security)


async def _reach_postgres(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as problem:
        raise DeploymentError(f"cannot reach PostgreSQL as --postgres names it: {problem}") from problem
    await connection.close()


async def _reach_kafka(evidence: Evidence) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=evidence.kafka, request_timeout_ms=10_000, **evidence.security)
    try:
        await client.start()
        await client.list_topics()
    except (KafkaError, OSError) as problem:
        raise DeploymentError(f"cannot reach Kafka as --kafka names it: {problem}") from problem
    finally:
        with suppress(KafkaError, OSError):
            await client.close()
