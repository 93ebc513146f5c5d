"""What an image installs: exactly what its code needs, in the versions of the root lock."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]
OWN = {"contracts", "chassis", "enrollment", "matching", "engagement", "evaluation", "updraft"}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("updraft_locks", REPOSITORY / "deploy" / "local" / "locks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


locks = _load()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


DISTRIBUTIONS = {module: _normal(names[0]) for module, names in importlib.metadata.packages_distributions().items()}


def _imports(package: Path, extras: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """(distribution, file) of every import of others' code; what an extra brings only where the extra is meant.

    That is: in a module or folder named like the extra, or inside a function, where only whoever calls it needs it.
    """
    for file in [*package.glob("src/**/*.py"), *package.glob("migrations/**/*.py")]:
        optional = set().union(
            *(names for extra, names in extras.items() if extra in (file.stem.replace("_", "-"), file.parent.name))
        )
        tree = ast.parse(file.read_text())
        at_top = set(_statements(tree.body))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            allowed = optional if node in at_top else set().union(optional, *extras.values())
            for name in {name.split(".")[0] for name in names} - OWN - sys.stdlib_module_names:
                if DISTRIBUTIONS[name] not in allowed:
                    yield DISTRIBUTIONS[name], str(file.relative_to(REPOSITORY))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, inner, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _extras(package: Path) -> dict[str, set[str]]:
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return {
        extra: {_normal(name) for name in names} for extra, names in project.get("optional-dependencies", {}).items()
    }


@pytest.mark.requirement("S23")
@pytest.mark.parametrize("image", sorted(locks.IMAGES))
def test_a_lock_is_a_true_part_of_the_root_lock(image: str):
    root, part = locks.pinned(locks.ROOT_LOCK), locks.pinned(locks.lock_of(image))
    assert part
    assert set(part) < set(root)
    for name, (version, hashes) in part.items():
        assert version == root[name][0], name
        assert hashes, f"{name} has no hash"
        assert hashes <= root[name][1], name
    assert "://" not in locks.lock_of(image).read_text()


@pytest.mark.parametrize("image", sorted(locks.IMAGES))
def test_a_lock_covers_every_import_of_the_code_in_its_image(image: str):
    part = set(locks.pinned(locks.lock_of(image)))
    for package in (locks.IMAGES[image], *locks.PACKAGES.values()):
        for distribution, file in _imports(package, _extras(package)):
            assert distribution in part, f"{file} imports what {distribution} brings, which {image} does not install"


@pytest.mark.parametrize("image", sorted(locks.IMAGES))
def test_a_lock_is_what_its_package_asks_for(image: str):
    part = set(locks.pinned(locks.lock_of(image)))
    asked = {_normal(re.split(r"[\[;<>=! ]", name)[0]) for name in locks.requirements_of(locks.IMAGES[image])}
    assert asked <= part, "make lock"
    extras = set().union(*_extras(locks.IMAGES[image]).values())
    assert not extras & part, "an image holds what only development needs; make lock"


def test_services_install_no_more_than_they_need():
    for light in ("enrollment", "engagement"):
        heavy = {"numpy", "scipy", "ortools", "altair", "vl-convert-python", "pandas", "statsmodels", "confluent-kafka"}
        assert not heavy & set(locks.pinned(locks.lock_of(light)))
