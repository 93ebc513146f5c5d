"""Writes the lock of each image: what one service needs, or the `updraft` command, in the versions of requirements.lock.

`python deploy/local/locks.py`; `make lock` calls it. The locks name no address, and every file of them has its hash.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT_LOCK = REPOSITORY / "requirements.lock"
PACKAGES = {
    "updraft-contracts": REPOSITORY / "libs" / "contracts",
    "updraft-chassis": REPOSITORY / "libs" / "chassis",
}
IMAGES = {
    **{name: REPOSITORY / "services" / name for name in ("enrollment", "matching", "engagement", "evaluation")},
    "operations": REPOSITORY / "deploy" / "local",
}
"""The package that each image runs."""


def lock_of(image: str) -> Path:
    """Where the lock of an image lies."""
    return IMAGES[image] / "requirements.lock"


def requirements_of(package: Path) -> list[str]:
    """What a package of ours needs of others, what our packages below it need included."""
    needed: set[str] = set()
    for requirement in tomllib.loads((package / "pyproject.toml").read_text())["project"]["dependencies"]:
        ours = PACKAGES.get(requirement)
        needed |= set(requirements_of(ours)) if ours else {requirement}
    return sorted(needed)


def pinned(lock: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each distribution in a lock, by its normalised name."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.sub(r"\\\n", " ", lock.read_text()).splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", entry):
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            found[name] = (match[2], frozenset(re.findall(r"--hash=(\S+)", entry)))
    return found


def main() -> int:
    """Write all locks; returns the exit code."""
    for image, package in IMAGES.items():
        ended = subprocess.run(
            [
                *(Path(sys.executable).with_name("uv"), "pip", "compile", "--universal", "--python-version", "3.11"),
                *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
                *("--quiet", "--constraints", ROOT_LOCK, "--output-file", lock_of(image), "-"),
            ],
            input="\n".join(requirements_of(package)),
            text=True,
            check=False,
            cwd=REPOSITORY,
        )
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
