"""The published language at one moment: what a release stores, and what the compatibility gate compares."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELEASED = Path(__file__).resolve().parents[2] / "released"
"""One folder a release, named by its version; never changed once it is there."""

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class State:
    """Every event type with its schema and its topic, and every topic with its settings."""

    schemas: Mapping[str, Mapping[str, Any]]
    """JSON Schemas of payloads, by event type: `updraft.engagement.MeetingLogged.v1`."""
    places: Mapping[str, str]
    """The topic of each event type."""
    topics: Mapping[str, Mapping[str, Any]]
    """The fields of topic files, by topic."""


def parsed(version: str) -> tuple[int, ...]:
    """A version as numbers, for comparison: `1.10.0` is (1, 10, 0).

    Raises:
        ValueError: it is not three numbers.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is not a version such as 1.2.0")
    return tuple(map(int, found.groups()))


def releases() -> list[str]:
    """The released versions, oldest first."""
    if not RELEASED.is_dir():
        return []
    return sorted((path.name for path in RELEASED.iterdir() if _VERSION.fullmatch(path.name)), key=parsed)


def released(version: str) -> State:
    """The language as it was released."""
    rows = json.loads((RELEASED / version / "topics.json").read_text(encoding="utf-8"))
    return State(
        schemas=_documents(version, "schemas"),
        places={name: record["topic"] for name, record in released_examples(version).items()},
        topics={row["name"]: row for row in rows},
    )


def released_examples(version: str) -> dict[str, dict[str, Any]]:
    """The example records of a release, by event type, each with its topic, key, headers and value."""
    return _documents(version, "examples")


def _documents(version: str, folder: str) -> dict[str, dict[str, Any]]:
    paths = sorted((RELEASED / version / folder).glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
