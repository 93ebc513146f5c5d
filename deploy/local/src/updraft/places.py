"""Where things are: files of this repository, the user's cache, and folders that an unprivileged database user can reach."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

from updraft.errors import DeploymentError, PortTaken

DEPLOY = Path(__file__).resolve().parents[3]
"""The repository's `deploy` folder: broker, database and gateway settings that local code and containers share."""

REPOSITORY = DEPLOY.parent
LOCAL_HOST = "127.0.0.1"

# Below the range from which Linux and macOS draw ports of outgoing connections, so that a chosen port stays free until it is bound.
_PORTS = range(20_000, 32_000)
# A port is chosen some seconds before it is bound, and is bound again whenever what listens there is restarted. So whoever chooses one
# holds it until its process ends, by a lock on a file that every process of the user sees; and none hands out a port twice. Each
# begins at a place of its own, so that two that start at once seldom look at the same one.
_PORTS_OF_A_PROCESS = 24
_handed_out: dict[int, int] = {}
"""The open file of each port handed out; -1 where another process of the user holds the port that was named."""
_handing = threading.Lock()
ROOT_STATE = Path("/var/lib/updraft")
"""Where root's deployment keeps what PostgreSQL's unprivileged user must reach."""


def state_folder() -> Path:
    """The folder of the running deployment's state: `UPDRAFT_STATE`, or `.updraft` in the repository."""
    named = os.environ.get("UPDRAFT_STATE")
    return Path(named).resolve() if named else REPOSITORY / ".updraft"


def cache_folder() -> Path:
    """The user's cache folder for what is fetched once (`XDG_CACHE_HOME/updraft`, or the platform's own)."""
    named = os.environ.get("XDG_CACHE_HOME")
    if named:
        return Path(named) / "updraft"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "updraft"
    return Path.home() / ".cache" / "updraft"


def private_state_of(state_dir: Path) -> Path:
    """The folder outside any home and private temporary folder that belongs to `state_dir` when root runs the deployment."""
    digest = hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]
    return ROOT_STATE / digest


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL_HOST, port))
        except OSError:
            return False
    return True


def _held(port: int) -> int | None:
    """An open file that keeps the port from being chosen by other processes of this user while it is open; None: one has it."""
    folder = Path(tempfile.gettempdir()) / f"updraft-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def choose_port(purpose: str, named: int | None = None) -> int:
    """A port to listen on, held until this process ends: the named one, or one that is free and that nobody else has chosen.

    Raises `PortTaken` when the named one is in use; that another process has chosen it does not keep it from being named.
    """
    if named is not None:
        if not is_free(named):
            raise PortTaken(purpose, named)
        with _handing:
            if named not in _handed_out:
                file = _held(named)
                _handed_out[named] = -1 if file is None else file
        return named
    first = os.getpid() * _PORTS_OF_A_PROCESS
    with _handing:
        for step in range(len(_PORTS)):
            port = _PORTS[(first + step) % len(_PORTS)]
            if port in _handed_out or not is_free(port):
                continue
            file = _held(port)
            if file is not None:
                _handed_out[port] = file
                return port
    raise DeploymentError(f"no free port found for {purpose} between {_PORTS.start} and {_PORTS.stop}")


def named_port(variable: str) -> int | None:
    """The port that environment variable `variable` names, or None. Raises `DeploymentError` when it is no port number."""
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise DeploymentError(f"{variable} must be a port number from 1 to 65535, not {text!r}")
    return int(text)
