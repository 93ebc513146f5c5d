"""`updraft secrets`: the passwords of a deployment in containers, one file each."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from updraft.errors import DeploymentError
from updraft.identity import DevelopmentIdentity
from updraft.kafka_access import USERS, password_file
from updraft.places import REPOSITORY
from updraft.provision import SERVICES, role_names, service_secrets

SUPERUSER_PASSWORD = "postgres_password"  # the name of a file

_console = Console()


def password_names() -> list[str]:
    """The files a deployment needs, each with one password: PostgreSQL's superuser and roles, Kafka's users."""
    roles = [f"{role}_password" for service in SERVICES for role in role_names(service)]
    return [SUPERUSER_PASSWORD, *roles, *(password_file(user) for user in USERS)]


def secret_names() -> list[str]:
    """The passwords, and the keys that services need besides."""
    keys = dict.fromkeys(name for service in SERVICES for name in service_secrets(service))
    return [*password_names(), *keys]


def make_secrets(folder: Path, *, development: bool = False) -> list[str]:
    """Make what is missing in `folder` and return the names; what is there is never overwritten.

    The folder can be entered by its owner alone; the files can be read by whoever they are handed to. A container is handed single
    files, which keep owner and mode of this machine, and its user is none of this machine's.
    `jwks.json` holds the keys of nobody, so that no token is accepted, unless `development` makes a key to sign tokens with
    (`identity/key.pem`, its owner's alone). Raises `DeploymentError` when `jwks.json` holds keys of another issuer then.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    made = [name for name in secret_names() if not (folder / name).exists()]
    for name in made:
        (folder / name).write_text(secrets.token_urlsafe(32))
    if _make_keys(folder / "jwks.json", DevelopmentIdentity(folder / "identity") if development else None):
        made.append("jwks.json")
    for name in (*secret_names(), "jwks.json"):
        (folder / name).chmod(0o444)
    return made


def _make_keys(file: Path, issuer: DevelopmentIdentity | None) -> bool:
    keys = json.loads(file.read_text())["keys"] if file.exists() else None
    if issuer is None:
        wanted = keys or []
    else:
        wanted = json.loads(issuer.ensure().jwks)["keys"]
        if keys and keys != wanted:
            raise DeploymentError(f"{file} holds the keys of another issuer, which development keys would replace")
    if keys == wanted:
        return False
    file.unlink(missing_ok=True)
    file.write_text(json.dumps({"keys": wanted}))
    return True


def make(
    folder: Annotated[Path, typer.Argument(help="Where they are kept.")] = REPOSITORY / ".updraft" / "secrets",
    development: Annotated[
        bool, typer.Option("--development", help="Also a key that signs tokens: `updraft token --secrets FOLDER`.")
    ] = False,
) -> None:
    """Make the passwords that docker-compose.yml hands to its containers. What is there stays as it is."""
    made = make_secrets(folder, development=development)
    _console.print(f"{len(made)} made in {folder}: {', '.join(made)}" if made else f"Nothing missing in {folder}.")
