"""The ledger of requirements: what is asked for (docs/requirements.toml) and which tests say that they show it.

python tests/architecture/ledger.py            writes docs/requirements.md
python tests/architecture/ledger.py --check    fails when it is stale
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LEDGER = REPOSITORY / "docs" / "requirements.toml"
PAGE = REPOSITORY / "docs" / "requirements.md"
_TEST_FOLDERS = ("libs", "services", "deploy", "tests")


def _cited(node: ast.AST) -> list[str]:
    """Ids in `pytest.mark.requirement("R0-24", ...)`, wherever in the node."""
    found: list[str] = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.requirement":
            found += [str(argument.value) for argument in call.args if isinstance(argument, ast.Constant)]
    return found


def citations() -> dict[str, list[str]]:
    """Tests by the id they cite: `path::test`, or the path alone where a whole module cites."""
    found: dict[str, list[str]] = defaultdict(list)
    files = sorted(
        path
        for folder in _TEST_FOLDERS
        for path in (REPOSITORY / folder).rglob("test_*.py")
        if "tests" in path.parts and ".updraft" not in path.parts
    )
    for path in files:
        name = path.relative_to(REPOSITORY).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets):
                for requirement in _cited(node.value):
                    found[requirement].append(name)
            for inner in [node, *(node.body if isinstance(node, ast.ClassDef) else [])]:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    for decorator in inner.decorator_list:
                        for requirement in _cited(decorator):
                            found[requirement].append(f"{name}::{inner.name}")
    return {requirement: sorted(set(tests)) for requirement, tests in found.items()}


def render() -> str:
    """The page docs/requirements.md."""
    ledger = tomllib.loads(LEDGER.read_text(encoding="utf-8"))
    cited = citations()
    groups: dict[str, list[str]] = defaultdict(list)
    for identifier, row in ledger.items():
        groups[row["group"]].append(identifier)
    shown = sum(identifier in cited for identifier in ledger)
    lines = [
        "# What is asked for, and what shows it",
        "",
        "Made by `make contracts` from `docs/requirements.toml` and from the tests that cite an id; do not edit.",
        "",
        f"{shown} of {len(ledger)} rows are shown by at least one test.",
    ]
    for group, identifiers in groups.items():
        lines += ["", f"## {group}", "", "| id | what | shown by |", "|---|---|---|"]
        for identifier in identifiers:
            tests = "<br>".join(f"`{test}`" for test in cited.get(identifier, []))
            lines.append(f"| {identifier} | {ledger[identifier]['text'].replace('|', '/')} | {tests} |")
    return "\n".join(lines) + "\n"


def unknown() -> set[str]:
    """Ids that a test cites and nobody asked for."""
    return set(citations()) - set(tomllib.loads(LEDGER.read_text(encoding="utf-8")))


def main() -> int:
    """Write the page, or with --check say whether it is current, or with --unknown whether a citation has no row."""
    if "--unknown" in sys.argv:
        return 1 if unknown() else 0
    page = render()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page else 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
