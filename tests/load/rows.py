"""Rows of the table: what was measured, against whom, and whether that is enough."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

Round = Callable[[], Awaitable[float]]
"""One round of one contender: does the work, checks that it was done, and returns the figure."""

LEAST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row must reach: `least` is the smallest figure allowed, `below` what it must stay under, both in the row's unit;
    `times` is the smallest ratio of ours to theirs."""

    least: float | None = None
    below: float | None = None
    times: float | None = None

    def described(self, unit: str) -> str:
        """As text: ">= 30,000/s and >= 8 x"."""
        space = "" if unit.startswith("/") else " "
        parts = []
        if self.least is not None:
            parts.append(f">= {shown(self.least)}{space}{unit}")
        if self.below is not None:
            parts.append(f"< {shown(self.below)}{space}{unit}")
        if self.times is not None:
            parts.append(f">= {self.times:g} x")
        return " and ".join(parts)

    def is_met(self, ours: float, ratio: float | None) -> bool:
        """Whether every part is reached. ValueError when a ratio is asked for and there is no peer."""
        if self.times is not None and ratio is None:
            raise ValueError("a goal that names a ratio needs a peer")
        return (
            (self.least is None or ours >= self.least)
            and (self.below is None or ours < self.below)
            and (self.times is None or (ratio is not None and ratio >= self.times))
        )


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody to be compared with. `times` is the ratio of ours to theirs that the row's goal asks for, where it does."""

    name: str
    round: Round
    times: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; figures are medians over the rounds, in `unit`. Without a peer or a goal their fields are None."""

    name: str
    unit: str
    ours: float
    peer: str | None
    theirs: float | None
    ratio: float | None
    goal: str | None
    met: bool | None


def row_of(
    name: str,
    unit: str,
    ours: Sequence[float],
    *,
    peer: str | None = None,
    theirs: Sequence[float] = (),
    goal: Goal | None = None,
) -> Row:
    """The row of the figures of all rounds."""
    our_median = statistics.median(ours)
    their_median = statistics.median(theirs) if peer is not None else None
    ratio = our_median / their_median if their_median else None
    return Row(
        name=name,
        unit=unit,
        ours=_rounded(our_median),
        peer=peer,
        theirs=None if their_median is None else _rounded(their_median),
        ratio=None if ratio is None else round(ratio, 2),
        goal=None if goal is None else goal.described(unit),
        met=None if goal is None else goal.is_met(our_median, ratio),
    )


class Bench:
    """Runs rounds, prints what it does, collects rows."""

    def __init__(self, console: Console | None = None) -> None:
        self.rows: list[Row] = []
        self._console = console or Console(highlight=False)
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """One line of progress, with the seconds since the start."""
        self._console.print(f"[dim]{time.monotonic() - self._began:6.0f} s[/dim]  {text}")

    async def alternate(
        self,
        name: str,
        unit: str,
        ours: Round,
        peers: Sequence[Peer] = (),
        *,
        rounds: int = LEAST_ROUNDS,
        goal: Goal | None = None,
    ) -> list[Row]:
        """`rounds` times one round of ours and one of each peer, on the same servers; a row a peer, named "<name> / <peer>".

        `goal` says what ours must reach by itself, and each peer's `times` is added to it for that peer's row. Without peers one row.
        """
        contenders: list[tuple[str, Round]] = [("ours", ours), *((peer.name, peer.round) for peer in peers)]
        figures: list[list[float]] = [[] for _ in contenders]
        for number in range(1, rounds + 1):
            for (who, one_round), found in zip(contenders, figures, strict=True):
                found.append(await one_round())
                self.say(f"{name}, round {number} of {rounds}, {who}: {shown(found[-1])} {unit}")
        if not peers:
            return [self.add(row_of(name, unit, figures[0], goal=goal))]
        return [
            self.add(
                row_of(
                    f"{name} / {peer.name}",
                    unit,
                    figures[0],
                    peer=peer.name,
                    theirs=theirs,
                    goal=_with_times(goal, peer.times),
                )
            )
            for peer, theirs in zip(peers, figures[1:], strict=True)
        ]

    def record(self, name: str, unit: str, figures: Sequence[float], *, goal: Goal | None = None) -> Row:
        """A row without a peer, out of the figures of all rounds; for several figures of one measurement."""
        return self.add(row_of(name, unit, figures, goal=goal))

    def add(self, row: Row) -> Row:
        """Keep a row. ValueError when its name is taken."""
        if any(known.name == row.name for known in self.rows):
            raise ValueError(f"two rows are called {row.name!r}")
        self.rows.append(row)
        return row

    def print_table(self) -> None:
        """Everything measured so far."""
        self._console.print(table_of(self.rows))


def _with_times(goal: Goal | None, times: float | None) -> Goal | None:
    if times is None:
        return goal
    return Goal(least=goal.least if goal else None, below=goal.below if goal else None, times=times)


def _rounded(figure: float) -> float:
    """Four significant digits, more would not be reproducible; from a thousand up whole numbers."""
    return float(round(figure)) if abs(figure) >= 1000 else float(f"{figure:.4g}")


def shown(figure: float | None) -> str:
    """A figure for people."""
    if figure is None:
        return ""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def table_of(rows: Iterable[Row]) -> Table:
    """The table for a terminal."""
    table = Table(title="Updraft's figures: medians of alternating rounds on the same servers")
    for heading, justify in (
        ("", "left"), ("ours", "right"), ("theirs", "right"), ("ratio", "right"), ("unit", "left"), ("goal", "left"), ("met", "left"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        met = "" if row.met is None else "[green]yes[/green]" if row.met else "[red]no[/red]"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.name, shown(row.ours), shown(row.theirs), ratio, row.unit, row.goal or "", met)
    return table


def merged(earlier: Sequence[dict[str, Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Earlier rows with those of the same name replaced in their place, new ones behind."""
    fresh = {row.name: asdict(row) for row in rows}
    kept = [fresh.pop(row["name"], row) for row in earlier]
    return [*kept, *fresh.values()]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Merge the rows into the file by name. What is no list of rows is replaced."""
    try:
        earlier = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, msgspec.MsgspecError):
        earlier = []
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".new")
    staged.write_bytes(msgspec.json.format(msgspec.json.encode(merged(earlier, rows)), indent=1) + b"\n")
    staged.replace(path)
