"""The jars of Apache Kafka: fetched once by locked coordinate, kept in the user's cache, their hashes checked at every start."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from updraft.errors import DeploymentError
from updraft.places import DEPLOY, cache_folder

_FETCHED_AT_ONCE = 6

LOCK = DEPLOY / "kafka" / "jars.lock"


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked artifact: Maven group, artifact, version, and the SHA-256 of its jar in hexadecimal."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


class HashMismatch(DeploymentError):
    """A jar differs from what the lock file says; it is never run."""


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars that the lock file names, in its order."""
    jars = []
    for line in lock.read_text().splitlines():
        if line and not line.startswith("#"):
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    return tuple(jars)


def kafka_jars(
    *, cache: Path | None = None, lock: Path = LOCK, progress: Callable[[int, int], None] | None = None
) -> tuple[Path, tuple[str, ...]]:
    """The folder of the jars and their file names, fetched when absent and verified always.

    `progress` is told (fetched, to fetch) while it fetches. Raises `HashMismatch` for a jar that is not the locked one and
    `DeploymentError` when one cannot be fetched.
    """
    folder = (cache or cache_folder()) / "kafka"
    jars = locked_jars(lock)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder / ".lock"):
        absent = [jar for jar in jars if not (folder / jar.file_name).exists()]
        if absent:
            _fetch(absent, folder, progress)
    for jar in jars:
        _verify(folder / jar.file_name, jar)
    return folder, tuple(jar.file_name for jar in jars)


def _verify(path: Path, jar: Jar) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise HashMismatch(
            f"{path} is not the locked {jar.group}:{jar.artifact}:{jar.version} "
            f"(SHA-256 {found}, expected {jar.sha256}); remove the file to fetch it again"
        )


def _fetch(jars: list[Jar], folder: Path, progress: Callable[[int, int], None] | None) -> None:
    # Imported here: a start that finds its jars in the cache needs neither the network nor these packages. truststore comes first,
    # because `requests` reads the certificate authorities of the system only through it.
    import truststore  # noqa: PLC0415

    truststore.inject_into_ssl()
    from jgo.maven import MavenContext  # noqa: PLC0415

    def fetch(jar: Jar) -> Path:
        # A context and a folder for each: contexts are not made for use by several threads.
        maven = MavenContext(repo_cache=Path(temporary) / jar.sha256, timeout=60)
        try:
            found: Path = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except Exception as problem:  # jgo raises RuntimeError, requests' and OS errors alike
            raise DeploymentError(
                f"cannot fetch {jar.group}:{jar.artifact}:{jar.version} from the Maven repository: {problem}"
            ) from problem
        return found

    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="fetching-") as temporary,
        ThreadPoolExecutor(max_workers=_FETCHED_AT_ONCE) as pool,
    ):
        try:
            for count, (jar, fetched) in enumerate(zip(jars, pool.map(fetch, jars), strict=True)):
                _verify(fetched, jar)
                staged = folder / f".{jar.file_name}.{os.getpid()}"
                shutil.copyfile(fetched, staged)
                staged.replace(folder / jar.file_name)
                if progress:
                    progress(count + 1, len(jars))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
