"""The unprivileged user that PostgreSQL runs as when root starts the deployment: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess

from updraft.errors import DeploymentError
from updraft.processes import Account

_NAME = "updraft"


def account_for_postgres() -> Account | None:
    """None when we are a plain user already; otherwise the user made for it, or `nobody` where no user can be made."""
    if os.geteuid() != 0:
        return None
    found = _lookup(_NAME)
    if found is None and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
        # Two starts at once may both try; whoever loses finds the user made by the other.
        subprocess.run(
            [
                useradd,
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/bin/false",
                _NAME,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        found = _lookup(_NAME)
    found = found or _lookup("nobody")
    if found is None:
        raise DeploymentError(
            "PostgreSQL does not run as root, and there is neither a way to make a user nor the user 'nobody'"
        )
    return found


def _lookup(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
