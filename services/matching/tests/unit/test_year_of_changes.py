"""A year of organisation changes, replayed: every conflict that an independent checker finds has paused its pair, none missed and
none spurious, at every moment and in whatever order the events come.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from contracts.envelope import Envelope
from matching.application.examine_pairs import examine_pairs
from matching.application.on_people_changed import on_people_changed
from matching.domain.facts import Role
from matching.domain.pair import Pair, PairState

from ..independent_checker import IndependentChecker
from ..organisation import Company, Post, delivered
from .fakes import NOW, FakeUnitOfWork, cohort_of, known_participation
from .standing_pairs import standing_pair
from .worlds import OTHER_UNIT, UNIT

PATIENCE = 60.0
_SPACE = UUID("01990c3e-0000-7000-8000-0000000000cf")
_DATA = Path(os.environ.get("UPDRAFT_DATA", Path(__file__).parents[5] / "shared" / "data"))


class Replay:
    """A company, its pairs under the guard, and the checker beside it."""

    def __init__(self, company: Company, checker: IndependentChecker, uow: FakeUnitOfWork) -> None:
        self.company, self.checker, self.uow = company, checker, uow
        self.before: dict[UUID, PairState] = {}
        self.seen: Counter[str] = Counter()
        self.boundaries = 0

    @classmethod
    async def begin(cls, company: Company, pairs: int) -> Replay:
        """Import everybody, put pairs together that are in no conflict, two thirds of them formed."""
        replay = cls(company, IndependentChecker(), cohort_of(0, 0))
        await replay.hear(company.everybody())
        people = sorted(company.posts)
        while len(replay.uow.pairs.held) < pairs:
            mentor, mentee = company.draw.sample(people, 2)
            if replay.checker.conflict(mentor, mentee) or replay.checker.too_close_in_grade(mentor, mentee, 1):
                continue
            number = len(replay.uow.pairs.held)
            sides = [uuid5(_SPACE, f"{number} {role}") for role in Role]
            for person, side, role in zip((mentor, mentee), sides, Role, strict=True):
                replay.uow.known_participations.put(
                    known_participation(0, role, person_id=person, participation_id=side)
                )
            formed = number % 3 > 0
            replay.add(standing_pair(mentor, mentee, *sides, pair_id=UUID(int=number + 1), formed=formed))
        await replay.guard()
        return replay

    def add(self, pair: Pair) -> None:
        self.uow.pairs.held[pair.pair_id] = pair
        self.before[pair.pair_id] = pair.state

    async def hear(self, events: Sequence[Envelope[Any]]) -> None:
        await on_people_changed(events, self.uow)
        self.checker.hear(events)

    async def guard(self) -> None:
        self.uow.guard.pass_time(0.25)
        while (await examine_pairs(self.uow, patience=PATIENCE)).more:
            pass

    def check(self) -> None:
        """Each pair that rests on nobody in motion is as the checker says; each of the others is as it was."""
        moving = self.checker.in_motion()
        self.boundaries += not moving
        for pair in self.uow.pairs.held.values():
            before, mentor, mentee = self.before[pair.pair_id], pair.mentor.person_id, pair.mentee.person_id
            if moving & self.checker.rests_on(mentor, mentee):
                assert pair.state is before, "judged on half a change set"
                continue
            conflict = self.checker.conflict(mentor, mentee)
            if before is PairState.WITHDRAWN:
                expected = PairState.WITHDRAWN
            elif before is PairState.RELEASED:
                unfit = conflict or self.checker.too_close_in_grade(mentor, mentee, 1)
                expected = PairState.WITHDRAWN if unfit else PairState.RELEASED
            else:
                expected = PairState.QUARANTINED if conflict else PairState.FORMED
            assert pair.state is expected, (mentor, mentee, before, pair.broken_rules)
            if expected is not before:
                self.seen[f"{before} to {expected}"] += 1
            self.before[pair.pair_id] = expected

    async def run(self, change_sets: Iterator[list[Envelope[Any]]]) -> None:
        for batch in delivered(self.company.draw, change_sets):
            self.uow.now = self.company.now + timedelta(seconds=1)
            await self.hear(batch)
            await self.guard()
            self.check()
        assert not self.checker.in_motion()
        assert self.uow.guard.marks == {}, "something was never judged"


@pytest.mark.requirement("N2", "R3-25", "I6")
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_year_of_changes_in_a_made_up_company(seed: int) -> None:
    company = Company.of(seed, 300, [UNIT, OTHER_UNIT], NOW)
    replay = await Replay.begin(company, 240)
    await replay.run(company.year(365))
    # The year held every kind of case, or it would show nothing.
    assert replay.seen["formed to quarantined"] >= 20
    assert replay.seen["quarantined to formed"] >= 5
    assert replay.seen["released to withdrawn"] >= 10
    assert replay.boundaries >= 20
    told = Counter(type(published.event).__name__ for published in replay.uow.published)
    assert told == {
        "PairQuarantined": replay.seen["formed to quarantined"],
        "PairReinstated": replay.seen["quarantined to formed"],
        "PairWithdrawn": replay.seen["released to withdrawn"],
    }
    assert len(replay.uow.notices.held) == sum(told.values())


def _real_company(name: str) -> Company:
    """A ministry's posts with their superior posts and teams, as its files have them."""
    folder = _DATA / "orgcharts" / name
    if not folder.is_dir():
        pytest.skip(f"the organisation's files are not there ({folder}); name their folder in UPDRAFT_DATA")

    def read(file: str) -> list[dict[str, str]]:
        with (folder / file).open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            return list(csv.DictReader(opened))

    seniors = {
        row["Post Unique Reference"].strip(): row["Reports to Senior Post"].strip() for row in read("senior.csv")
    }
    ids = {reference: uuid5(_SPACE, reference) for reference in seniors}
    posts = {
        ids[reference]: Post(UNIT, 8, ids.get(superior), team=f"team {superior}")
        for reference, superior in seniors.items()
    }
    for number, row in enumerate(read("junior.csv")):
        superior = row["Reporting Senior Post"].strip()
        posts[uuid5(_SPACE, f"junior {number}")] = Post(OTHER_UNIT, 4, ids.get(superior), team=f"team {superior}")
    return Company(random.Random(2013), posts, NOW)


@pytest.mark.requirement("N2", "R3-25", "I6")
@pytest.mark.parametrize("name", ["home_office_2013", "health_2013"])
async def test_a_year_of_changes_on_top_of_a_real_organisation(name: str) -> None:
    company = _real_company(name)
    replay = await Replay.begin(company, 300)
    await replay.run(company.year(365))
    assert replay.seen["formed to quarantined"] >= 3
    assert replay.boundaries >= 10
