"""The house keeps its own rules: rooms, anatomy, ledger, and nothing of one machine in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SERVICES = ("enrollment", "matching", "engagement", "evaluation")


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if (REPOSITORY / name).is_file()]


def test_every_room_imports_only_what_it_may() -> None:
    """The table of rooms, as import-linter holds it."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:]


ANATOMY = (
    "pyproject.toml",
    "migrations/env.py",
    "src/{name}/__init__.py",
    "src/{name}/__main__.py",
    "src/{name}/bootstrap.py",
    "src/{name}/settings.py",
    "src/{name}/py.typed",
    "src/{name}/application/ports.py",
    "src/{name}/application/views.py",
    "src/{name}/adapters/tables.py",
    "src/{name}/adapters/repositories.py",
    "src/{name}/adapters/views.py",
    "src/{name}/adapters/unit_of_work.py",
    "src/{name}/entrypoints/api.py",
    "src/{name}/entrypoints/consumer.py",
    "src/{name}/entrypoints/relay.py",
    "src/{name}/entrypoints/schedule.py",
)


@pytest.mark.parametrize("name", SERVICES)
def test_the_four_services_have_the_same_files(name: str) -> None:
    """Who knows one service finds the way in all of them."""
    home = REPOSITORY / "services" / name
    missing = [
        part
        for part in (entry.format(name=name) for entry in ANATOMY)
        if not (home / part).exists() and not (home / part.removesuffix(".py")).is_dir()
    ]
    assert not missing
    for tier in ("unit", "integration", "component"):
        assert list((home / "tests" / tier).glob("test_*.py")), f"no {tier} test"
    assert list((home / "migrations" / "versions").glob("0001_*.py"))


@pytest.mark.parametrize("name", SERVICES)
def test_event_handlers_are_named_by_their_event(name: str) -> None:
    """A handler of an event lives in application/on_<event>.py or is a function on_<event> of its aggregate's file."""
    source = (REPOSITORY / "services" / name / "src" / name / "entrypoints" / "consumer.py").read_text()
    handlers = re.findall(r"\b(?:Acts|Projects)\(\s*(\w+),\s*(\w+)", source)
    for _, handler in handlers:
        assert handler.startswith("on_"), handler


def test_no_file_is_named_for_nothing() -> None:
    """A name says what is inside."""
    forbidden = {"utils", "helpers", "common", "manager", "misc"}
    assert not [path for path in _tracked("*.py") if path.stem in forbidden or path.parent.name in forbidden]


def test_lock_names_hashes_and_no_address() -> None:
    """Whoever installs decides from where."""
    text = (REPOSITORY / "requirements.lock").read_text()
    assert "://" not in text
    assert text.count("--hash=sha256:") > text.count("==")


def _ledger(option: str) -> int:
    # In a process of its own: CPython 3.11 can fail to parse beside other threads (python/cpython#106905).
    command = [sys.executable, str(REPOSITORY / "tests" / "architecture" / "ledger.py"), option]
    return subprocess.run(command, check=False).returncode


def test_the_ledger_page_is_current() -> None:
    """docs/requirements.md says what the tests say."""
    assert _ledger("--check") == 0, "run `make contracts`"


def test_every_cited_id_exists() -> None:
    """A test cannot show what nobody asked for."""
    assert _ledger("--unknown") == 0
