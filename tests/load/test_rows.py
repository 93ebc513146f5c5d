"""The harness itself: a wrong table would be noticed here."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from load.rows import Bench, Goal, Peer, Row, merged, row_of, write


def bench() -> Bench:
    return Bench(Console(file=io.StringIO(), width=200))


def rounds_of(log: list[str], who: str, figures: list[float]):
    remaining = iter(figures)

    async def one_round() -> float:
        log.append(who)
        return next(remaining)

    return one_round


async def test_rounds_alternate_and_each_peer_has_a_row_of_medians() -> None:
    log: list[str] = []
    rows = await bench().alternate(
        "things done",
        "/s",
        rounds_of(log, "ours", [900, 100, 1000]),
        [
            Peer("slow", rounds_of(log, "slow", [100, 1, 90]), times=10),
            Peer("quick", rounds_of(log, "quick", [450, 450, 1]), times=2.5),
            Peer("unnamed in the goal", rounds_of(log, "unnamed", [2000, 2000, 2000])),
        ],
        goal=Goal(least=800),
    )
    assert log == ["ours", "slow", "quick", "unnamed"] * 3
    assert rows == [
        Row("things done / slow", "/s", 900, "slow", 90, 10.0, ">= 800/s and >= 10 x", True),
        Row("things done / quick", "/s", 900, "quick", 450, 2.0, ">= 800/s and >= 2.5 x", False),
        Row("things done / unnamed in the goal", "/s", 900, "unnamed in the goal", 2000, 0.45, ">= 800/s", True),
    ]


async def test_without_a_peer_there_is_nothing_to_compare() -> None:
    rows = await bench().alternate("memory", "MB", rounds_of([], "ours", [90, 130, 110]))
    assert rows == [Row("memory", "MB", 110, None, None, None, None, None)]


@pytest.mark.parametrize(
    ("goal", "ours", "ratio", "met", "text"),
    [
        (Goal(least=30_000), 30_000, None, True, ">= 30,000/s"),
        (Goal(least=30_000), 29_999, None, False, ">= 30,000/s"),
        (Goal(below=20), 20, None, False, "< 20/s"),
        (Goal(below=20), 19.9, None, True, "< 20/s"),
        (Goal(times=0.6), 1, 0.6, True, ">= 0.6 x"),
        (Goal(least=5, times=8), 10, 7.9, False, ">= 5/s and >= 8 x"),
        (Goal(least=5, times=8), 4, 9, False, ">= 5/s and >= 8 x"),
    ],
)
def test_a_goal_is_met_when_each_of_its_parts_is(goal, ours, ratio, met, text) -> None:
    assert goal.is_met(ours, ratio) is met
    assert goal.described("/s") == text


def test_a_goal_that_names_a_ratio_needs_a_peer() -> None:
    with pytest.raises(ValueError, match="needs a peer"):
        row_of("things", "/s", [1.0], goal=Goal(times=2))


def test_the_goal_is_judged_before_figures_are_rounded() -> None:
    row = row_of("things", "ms", [19.9996], goal=Goal(below=20))
    assert (row.ours, row.met) == (20.0, True)
    row = row_of("things", "/s", [7.996], peer="them", theirs=[1.0], goal=Goal(times=8))
    assert (row.ratio, row.met) == (8.0, False)


def test_two_rows_of_one_name_are_refused() -> None:
    rows = bench()
    rows.record("memory", "MB", [1.0])
    with pytest.raises(ValueError, match="memory"):
        rows.record("memory", "MB", [2.0])


def test_rows_of_a_later_run_take_the_place_of_those_of_the_same_name(tmp_path) -> None:
    target = tmp_path / ".updraft" / "bench.json"
    first, second = row_of("first", "/s", [1.0]), row_of("second", "/s", [2.0])
    write(target, [first, second])
    write(target, [row_of("third", "ms", [3.0]), row_of("first", "/s", [10.0], goal=Goal(least=11))])
    found = json.loads(target.read_text())
    assert [(row["name"], row["ours"], row["met"]) for row in found] == [
        ("first", 10.0, False),
        ("second", 2.0, None),
        ("third", 3.0, None),
    ]
    assert set(found[0]) == {"name", "unit", "ours", "peer", "theirs", "ratio", "goal", "met"}
    assert merged([], [first]) == [found[0] | {"ours": 1.0, "goal": None, "met": None}]


@pytest.mark.parametrize("rubbish", [b"", b"{", b'{"name": 1}', b"[1]"])
def test_a_file_that_holds_no_rows_is_replaced(tmp_path, rubbish) -> None:
    target = tmp_path / "bench.json"
    target.write_bytes(rubbish)
    write(target, [row_of("first", "/s", [1.0])])
    assert len(json.loads(target.read_text())) == 1
