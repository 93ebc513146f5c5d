"""What a run of the fault tests has measured: one line of `.updraft/faults.jsonl` per fault and test, read by page.py."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FIGURES = REPOSITORY / ".updraft" / "faults.jsonl"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one test has shown about one fault; seconds are None where nothing had to recover or no bound is asked for."""

    fault: str
    tried: str
    lost: int
    recovery_seconds: float | None
    bound_seconds: float | None
    note: str
    test: str


def record(
    fault: str,
    tried: str,
    lost: int,
    recovery_seconds: float | None,
    bound_seconds: float | None,
    note: str = "",
) -> None:
    """Keep what the running test has measured; the latest line of a fault and test counts.

    `fault` is its id ("F5"), `tried` what was done how often, `lost` how many committed things were missing in the end,
    `recovery_seconds` the longest recovery.
    """
    test = os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(" (call)")
    rounded = None if recovery_seconds is None else round(recovery_seconds, 1)
    line = json.dumps(asdict(Figure(fault, tried, lost, rounded, bound_seconds, note, test)), ensure_ascii=False)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    # One short write at the end of the file: test processes running side by side do not mix their lines.
    with FIGURES.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def recorded(path: Path = FIGURES) -> list[Figure]:
    """The latest figure of each fault and test, in order of the faults."""
    newest: dict[tuple[str, str], Figure] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        figure = Figure(**json.loads(line))
        newest[figure.fault, figure.test] = figure
    return sorted(newest.values(), key=lambda figure: (int(figure.fault.removeprefix("F")), figure.test))


_BEGAN = time.monotonic()


def progress(text: str) -> None:
    """One live line on the terminal, with the seconds since the run began."""
    sys.stderr.write(f"  {time.monotonic() - _BEGAN:6.1f} s  {text}\n")
    sys.stderr.flush()
