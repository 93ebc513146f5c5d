"""What a running stack notes about itself in its state folder, and how a stopped one is cleared away."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from updraft.postgres import EmbeddedPostgres
from updraft.processes import end_leftover

_FOLDERS = ("kafka", "postgres", "gateway", "identity", "passwords", "traces", "logs", "run")
_FILES = ("clock.json", "stack.json", "stack.lock")


def write_state(state_dir: Path, document: Mapping[str, Any]) -> None:
    """Note what others may know of the running stack; readers see the old note or the new one."""
    path = state_dir / "stack.json"
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(json.dumps(document, indent=1))
    staged.replace(path)


def noted_roles(state_dir: Path) -> list[str]:
    """Names of the roles that were started and not seen to end."""
    return [note.stem for note in (state_dir / "run").glob("*.json")]


def read_state(state_dir: Path) -> dict[str, Any] | None:
    """What the running stack of `state_dir` wrote about itself, or None when none runs there."""
    try:
        with (state_dir / "stack.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                return None
        found: dict[str, Any] = json.loads((state_dir / "stack.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def sweep(state_dir: Path) -> list[str]:
    """End what a killed supervisor left behind. Returns the names of the roles that were still there."""
    return [name for name in noted_roles(state_dir) if end_leftover(name, state_dir / "run")]


def remove_data(state_dir: Path) -> None:
    """Throw away everything of a stopped stack, the database's folder outside `state_dir` included, and nothing else in there."""
    sweep(state_dir)
    EmbeddedPostgres(state_dir).remove()
    for name in _FOLDERS:
        shutil.rmtree(state_dir / name, ignore_errors=True)
    for name in _FILES:
        (state_dir / name).unlink(missing_ok=True)
    with suppress(OSError):
        state_dir.rmdir()
