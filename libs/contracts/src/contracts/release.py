"""Release the present state of the published language; from then on nothing in it may break.

    python -m contracts.release 1.2.0

Stores schemas, examples, topics, the AsyncAPI document and the data contracts in `released/<version>`, and sets the
version of this package. Refuses a version that exists or is not the highest, and a state that breaks readers of the
last release.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from contracts import compatibility, generate, state


class Refused(Exception):
    """The state cannot be released under this version; says why."""


def release(version: str) -> Path:
    """Store the present state as `version`; returns its folder.

    Raises:
        Refused: the version is malformed, exists or is not the highest, or a reader of the last release would break.
    """
    try:
        number = state.parsed(version)
    except ValueError as error:
        raise Refused(str(error)) from None
    done = state.releases()
    if version in done:
        raise Refused(f"{version} has been released; a release never changes")
    if done and number <= state.parsed(done[-1]):
        raise Refused(f"{version} is not higher than the last release, {done[-1]}")
    now = generate.present()
    if done:
        findings = compatibility.compare(state.released(done[-1]), now)
        if any(finding.breaking for finding in findings):
            raise Refused(compatibility.report(findings, done[-1]).rstrip())
    folder = _store(version)
    _set_package_version(version)
    generate.write()
    return folder


def _store(version: str) -> Path:
    """Write the release beside its place, then put it there at once: a release is whole or absent."""
    now = generate.present()
    being_made = state.RELEASED / ".being-made"
    shutil.rmtree(being_made, ignore_errors=True)
    texts = {
        "asyncapi.yaml": generate.asyncapi_text(now, version),
        **{f"odcs/{name}": text for name, text in generate.odcs_texts(now, version).items()},
    }
    for path, text in (file for generator in _KEPT for file in generator()):
        texts[path.name if path.name == "topics.json" else f"{path.parent.name}/{path.name}"] = text
    for name, text in texts.items():
        path = being_made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return being_made.rename(state.RELEASED / version)


_KEPT = (generate.compiled_topics, generate.schemas, generate.examples)


def _set_package_version(version: str) -> None:
    path = generate.LIBRARY / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', text, count=1), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Release, or say why not. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.release", description=__doc__.splitlines()[0])
    parser.add_argument("version", help="higher than the last: 1.2.0")
    version: str = parser.parse_args(arguments).version
    try:
        folder = release(version)
    except Refused as refused:
        sys.stderr.write(f"Not released. {refused}\n")
        return 1
    sys.stdout.write(f"released: {folder.relative_to(generate.REPOSITORY)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
