"""`updraft apply`: brings servers that somebody else runs to what this repository says; containers begin with it.

The environment says where and with which credentials, by the names that the services use (`UPDRAFT_KAFKA`, `UPDRAFT_SECRETS`, ...).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from chassis.settings import ServiceSettings
from rich.console import Console

from updraft.command_secrets import SUPERUSER_PASSWORD
from updraft.errors import DeploymentError
from updraft.gateway import Identity, Upstream, render, write_documentation
from updraft.kafka_access import USERS, apply_access, password_file
from updraft.provision import SERVICES, provision
from updraft.topics import apply_topics

app = typer.Typer(no_args_is_help=True)
_console = Console()


@app.command()
def databases(
    server: Annotated[str, typer.Option(envvar="UPDRAFT_POSTGRES", help="host:port of PostgreSQL.")],
) -> None:
    """Make one database and three roles a service; each role's password becomes that of its file."""
    settings = ServiceSettings()
    password = quote(_required(settings, SUPERUSER_PASSWORD), safe="")
    provision(f"postgresql://postgres:{password}@{server}/postgres", SERVICES, settings.secrets)
    _console.print(f"Databases and roles of {', '.join(SERVICES)} are there.", highlight=False)


@app.command()
def broker() -> None:
    """Apply topics, users and access rules to Kafka; each user's password becomes that of its file."""
    settings = ServiceSettings()
    passwords = {user: _required(settings, password_file(user)) for user in USERS}
    topics = apply_topics(settings.kafka, security=settings.kafka_security())
    access = apply_access(settings, passwords)
    _console.print(
        f"Topics: {len(topics.made)} made, {len(topics.reconfigured)} reconfigured. "
        f"Rules: {access.made} made, {access.removed} taken away. "
        f"Users: {', '.join(passwords)}; taken away: {', '.join(access.dismissed) or 'none'}.",
        highlight=False,
    )


@app.command()
def gateway(
    file: Annotated[Path, typer.Argument(help="The configuration to write.")],
    host: Annotated[str, typer.Option(help="Where a service's API listens; {} stands for its name.")] = "{}-api:8000",
    listen: Annotated[str, typer.Option(help="Where Envoy listens.")] = "0.0.0.0:8080",
    admin: Annotated[str, typer.Option(help="Where Envoy's administration listens.")] = "127.0.0.1:9901",
    documentation: Annotated[
        bool, typer.Option(envvar="UPDRAFT_DOCUMENTATION", help="Serve the API's documentation to everybody.")
    ] = False,
) -> None:
    """Render Envoy's configuration; with documentation, its files go into the folder `documentation` beside it."""
    settings = ServiceSettings()
    pages = file.parent / "documentation" if documentation else None
    jwks = settings.jwks or ""
    by_address = jwks.startswith(("https://", "http://"))
    if not jwks:
        raise DeploymentError("UPDRAFT_JWKS must name the issuer's public keys: a file or an https address")
    if pages is not None:
        write_documentation(pages)
    upstreams = [Upstream(service, *_address(host.format(service))) for service in SERVICES]
    file.write_text(
        render(
            services=upstreams,
            identity=Identity(
                settings.issuer,
                settings.audience,
                jwks="" if by_address else Path(jwks).read_text(encoding="utf-8"),
                jwks_uri=jwks if by_address else "",
                unit_claim=settings.unit_claim,
            ),
            listener=_address(listen),
            admin=_address(admin),
            documentation=pages,
        )
    )
    _console.print(f"{file} leads to {', '.join(f'{one.host}:{one.port}' for one in upstreams)}.", highlight=False)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise DeploymentError(f"host:port is needed, not {text!r}")
    return host, int(port)


def _required(settings: ServiceSettings, name: str) -> str:
    found = settings.secret(name)
    if not found:
        raise DeploymentError(f"there is no password in {settings.secrets / name}")
    return found
