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
from updraft.demo.play import Options, play_year
from updraft.demo.year import Year
from updraft.stack import Stack, remove_data

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("stack")]

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
        yield await play_year(stack, options, lambda *_: None)
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


def _posts_in(employee_number: str, known: dict[str, str]) -> list[str]:
    """The post that an imported person's number names: the own one of a senior, the superior's of a junior."""
    return [part for part in employee_number.upper().split(":") if part in known]


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
        (mentor_post,) = _posts_in(mentor["employee_number"], above)[:1]
        (mentee_post,) = _posts_in(mentee["employee_number"], above)[:1]
        assert mentee_post not in _chain(mentor_post, above)
        if mentor_post != mentee_post and ":J-" not in mentor["employee_number"].upper():
            assert mentor_post not in _chain(mentee_post, above)
        assert mentee["team"] in units[mentee_post]
        assert mentor["team"] in units[mentor_post] | units[f"{mentor_post} juniors"]
        assert mentor["team"] != mentee["team"]


@pytest.mark.requirement("I1", "I2", "I3", "I4", "I5", "I9")
async def test_a_whole_year_with_a_kill_loses_nothing(year: Year) -> None:
    """The demonstration's own findings, on 23,000 people."""
    assert year.story.people_imported > 20_000
    assert [finding.name for finding in year.story.findings] == ["I1", "I2", "I3", "I4", "I5", "I9"]
    assert not [violation for finding in year.story.findings for violation in finding.violations]
    assert year.story.killed


async def test_the_story_says_what_is_synthetic(year: Year) -> None:
    """Applications are drawn from a seed, and both report and page say so."""
    assert year.story.synthetic_applications
    assert "simulated" in year.story.report_html.lower() or "synthetic" in year.story.report_html.lower()
