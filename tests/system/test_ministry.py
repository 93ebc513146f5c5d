"""A real ministry's organisation, imported and matched: no pair crosses a reporting chain or a team.

Checked from the source files by code that shares nothing with the platform's.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from updraft.demo.deployment import StackDeployment
from updraft.demo.play import Options, play_year
from updraft.demo.year import Year
from updraft.stack import Stack, remove_data

pytestmark = pytest.mark.system

_DATA = Path(os.environ.get("UPDRAFT_DATA", Path(__file__).parents[3] / "shared" / "data"))
MINISTRY = _DATA / "orgcharts" / "home_office_2013"


@pytest.fixture(scope="module")
async def year(test_servers: Path) -> Any:
    """The demonstration on the ministry, on a stack of its own, because it moves the clock by a year."""
    if not MINISTRY.exists():
        pytest.skip(f"the ministry's files are not at {MINISTRY}; name the data folder with UPDRAFT_DATA")
    folder = test_servers / "ministry"
    with Stack(folder, fsync=False) as stack:
        options = Options(people=MINISTRY, mentees=20, mentors=22, waiting=2, seed=5, step_days=21)
        yield await play_year(StackDeployment(stack), options, lambda *_: None)
    remove_data(folder)


def _rows(name: str) -> list[dict[str, str]]:
    with (MINISTRY / f"{name}.csv").open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def _above() -> dict[str, str]:
    """Each senior post's superior, as the file says it."""
    return {
        row["Post Unique Reference"].strip().upper(): row["Reports to Senior Post"].strip().upper()
        for row in _rows("senior")
    }


def _chain(post: str, above: dict[str, str]) -> list[str]:
    chain = [post]
    while (post := above.get(post, "XX")) != "XX" and post not in chain:
        chain.append(post)
    return chain


def _place(person: dict[str, Any], known: dict[str, str]) -> tuple[str, bool]:
    """The post that an imported person's number names, and whether the person is a junior below that post."""
    parts = person["employee_number"].upper().split(":")
    return next(part for part in parts if part in known), any(part.startswith("J-") for part in parts)


async def _people(year: Year) -> dict[str, Any]:
    return {row["person_id"]: row async for row in year.caller.pages(year.manager, "/enrollment/v1/people")}


@pytest.mark.requirement("R3-25", "I6")
async def test_no_pair_crosses_a_reporting_chain_or_a_team(year: Year) -> None:
    """For every pair: neither's post is above the other's in the ministry's own file, and their units differ."""
    above = _above()
    units = defaultdict(set)
    for row in _rows("senior"):
        units[row["Post Unique Reference"].strip().upper()].add(" ".join(row["Unit"].split()))
    for row in _rows("junior"):
        units[row["Reporting Senior Post"].strip().upper() + " juniors"].add(" ".join(row["Unit"].split()))
    people = await _people(year)
    assert len(year.couples) >= 10
    for couple in year.couples:
        mentor, mentee = (people[str(player.person.person_id)] for player in (couple.mentor, couple.mentee))
        for one, other in ((mentor, mentee), (mentee, mentor)):
            post, is_junior = _place(one, above)
            other_post, other_is_junior = _place(other, above)
            if not other_is_junior:
                own_line = _chain(post, above) if is_junior else _chain(post, above)[1:]
                assert other_post not in own_line, "one of the pair stands above the other"
            assert one["team"] in units[f"{post} juniors" if is_junior else post], "the import changed somebody's unit"
        assert mentor["team"] != mentee["team"]


@pytest.mark.requirement("I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_whole_year_with_a_kill_loses_nothing(year: Year) -> None:
    """The demonstration's own findings, on 23,000 people."""
    assert year.story.people_imported > 20_000
    assert [finding.name for finding in year.story.findings] == ["I1", "I2", "I3", "I4", "I5", "I9"]
    assert not [violation for finding in year.story.findings for violation in finding.violations]
    assert year.story.killed


@pytest.mark.requirement("N15", "R3-17")
async def test_the_run_was_audited_by_what_people_consented_to(year: Year) -> None:
    assert year.story.consented > 20
    assert "Fairness and governance of a match run" in year.story.pack_html
    assert "What it never uses" in year.story.pack_html


async def test_the_story_says_what_is_synthetic(year: Year) -> None:
    """Applications are drawn from a seed, and both report and page say so."""
    assert year.story.synthetic_applications
    assert "simulated" in year.story.report_html.lower() or "synthetic" in year.story.report_html.lower()
