"""A ministry's real organisation: no pair crosses a reporting chain or a team, checked from the source file by code of
its own.

The files say who reports to whom; what they lack (topics, languages, hours) is drawn from a seed.
"""

from __future__ import annotations

import csv
import math
import os
import random
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from matching.domain.facts import Candidate, LanguageLevel, Line, Role
from matching.domain.run_matching import Outcome, run_matching

from .worlds import OFFICE, TOPICS, candidate, snapshot

_SPACE = UUID("01990c3e-0000-7000-8000-00000000feed")
_RANKS = {"SCS4": 12, "SCS3": 11, "SCS2": 10, "SCS1": 9, "SCS1A": 9}
_DATA = Path(os.environ.get("UPDRAFT_DATA", Path(__file__).parents[5] / "shared" / "data"))


@pytest.fixture(scope="module", params=["home_office_2013", "health_2013"])
def source(request: pytest.FixtureRequest) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    folder = _DATA / "orgcharts" / request.param
    if not folder.is_dir():
        pytest.skip(f"the organisation's files are not there ({folder}); name their folder in UPDRAFT_DATA")

    def read(name: str) -> list[dict[str, str]]:
        with (folder / name).open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return list(csv.DictReader(file))

    return read("senior.csv"), read("junior.csv")


def run_on(
    seniors: list[dict[str, str]], juniors: list[dict[str, str]]
) -> tuple[Outcome, dict[UUID, str], dict[UUID, str]]:
    """A cohort of seniors taught by juniors; the post of each senior and the superior post of each junior."""
    draw = random.Random(2013)
    posts: dict[str, UUID] = {}
    lines: dict[UUID, Line] = {}
    senior_post: dict[UUID, str] = {}
    superior_of: dict[UUID, str] = {}
    rank_of: dict[UUID, int] = {}
    for row in seniors:
        posts.setdefault(row["Post Unique Reference"].strip(), uuid5(_SPACE, row["Post Unique Reference"].strip()))
    for row in seniors:
        person = posts[row["Post Unique Reference"].strip()]
        lines[person] = Line(person, posts.get(row["Reports to Senior Post"].strip()))
        senior_post[person] = row["Post Unique Reference"].strip()
        rank_of[person] = _RANKS.get(row["Grade"].strip(), 9)
    for number, row in enumerate(juniors):
        superior = row["Reporting Senior Post"].strip()
        for place in range(math.ceil(float(row["Number of Posts in FTE"] or 1))):
            person = uuid5(_SPACE, f"junior {number} {place}")
            lines[person] = Line(person, posts.get(superior))
            superior_of[person] = superior
            rank_of[person] = 5

    def taking_part(person: UUID, role: Role) -> Candidate:
        topics = {topic: draw.randint(1, 5) for topic in draw.sample(TOPICS, 3)}
        mentor = role is Role.MENTOR
        return candidate(
            0,
            role,
            participation_id=uuid5(_SPACE, f"participation {person}"),
            person_id=person,
            grade_rank=rank_of[person],
            team=None,
            offers=topics if mentor else {},
            asks={} if mentor else topics,
            languages={"en": LanguageLevel.C2},
            working_time=OFFICE,
            places=draw.randint(1, 2) if mentor else 1,
        )

    mentees = draw.sample(sorted(senior_post), min(60, len(senior_post)))
    mentors = draw.sample(sorted(superior_of), 90)
    world = snapshot(
        *(taking_part(person, Role.MENTOR) for person in mentors),
        *(taking_part(person, Role.MENTEE) for person in mentees),
        lines=tuple(lines.values()),
    )
    return run_matching(world), senior_post, superior_of


@pytest.mark.requirement("R3-25", "I6")
def test_no_pair_crosses_a_reporting_chain_or_a_team(source: tuple[list[dict[str, str]], list[dict[str, str]]]) -> None:
    seniors, juniors = source
    outcome, senior_post, superior_of = run_on(seniors, juniors)
    assert len(outcome.pairs) >= 50
    assert outcome.certificate.body["excluded"]["reporting_chain"] > 0
    # From here on only the source file counts.
    reports_to = {row["Post Unique Reference"].strip(): row["Reports to Senior Post"].strip() for row in seniors}
    for pair in outcome.pairs:
        mentee = senior_post[pair.mentee.person_id]
        post, climbed = superior_of[pair.mentor.person_id], set()
        while post in reports_to and post not in climbed:
            assert post != mentee, f"{mentee} stands above the mentor"
            climbed.add(post)
            post = reports_to[post]
        own_superior = reports_to[mentee]
        assert own_superior != superior_of[pair.mentor.person_id] or own_superior not in reports_to, "one team"
