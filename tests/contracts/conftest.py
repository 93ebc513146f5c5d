"""The tools that judge contracts from outside, in an environment of their own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LOCK = REPOSITORY / "libs" / "contracts" / "datacontract.lock"
TOOLS = REPOSITORY / ".updraft" / "tools"

Calls = Callable[[Sequence[Sequence[str]]], list[tuple[int, str]]]


@pytest.fixture(scope="session")
def judges() -> Iterator[Calls]:
    """Runs calls such as `["datacontract", "lint", FILE]`; returns the exit status and the output of each.

    The environment is made once for each datacontract.lock, which takes seconds, and kept in `.updraft/tools`. One
    process answers all calls, since to import the tools takes longer than to use them.
    """
    command = [str(_environment() / "bin" / "python"), str(Path(__file__).with_name("datacontract_calls.py"))]
    quiet = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "300"}
    quiet.pop("PYTHONPATH", None)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet) as process:
        asking, answering = process.stdin, process.stdout
        assert asking is not None
        assert answering is not None

        def run(calls: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
            found = []
            for call in calls:
                asking.write(json.dumps(list(call)) + "\n")
                asking.flush()
                line = answering.readline()
                assert line, f"{call} ended the process"
                answer = json.loads(line)
                found.append((answer["status"], answer["said"]))
            return found

        yield run
        asking.close()
        process.wait(timeout=60)


def _environment() -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"datacontract-{version}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    made = TOOLS / name
    if made.is_dir():
        return made
    being_made = TOOLS / f"{name}.{os.getpid()}"
    uv = str(Path(sys.executable).with_name("uv"))
    try:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(being_made)])
        python = str(being_made / "bin" / "python")
        _run([uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(LOCK)])
        _settle(being_made, made)
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    return made


def _settle(being_made: Path, made: Path) -> None:
    try:
        being_made.rename(made)
    except OSError:
        if not made.is_dir():
            raise


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode != 0:
        pytest.fail(f"the environment of {LOCK.name} cannot be made: {done.stderr.strip()[-1500:]}", pytrace=False)
