"""What makes a run of many people quick says the same as the plain way: written input, explanations, a start."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from matching.domain.canonical import HashKey, canonical_json, input_hash
from matching.domain.canonical_people import Written
from matching.domain.explained_pairs import explained, minutes_together
from matching.domain.facts import Candidate, Line, Snapshot
from matching.domain.optimum import solved
from matching.domain.rules import HardRules
from matching.domain.run_input import RunInput, input_of, unpacked
from matching.domain.run_matching import match
from matching.domain.run_start import start_content, start_of
from matching.domain.solver import Start
from matching.domain.working_hours import overlap_minutes
from numpy.typing import NDArray

from .worlds import RULES, mentee, mentor, participation, person, random_snapshot, snapshot

KEY = HashKey(b"a key of tests")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, int | None):
        return value if value is None or isinstance(value, bool) else int(value)
    return str(value)


def _candidate(one: Candidate) -> dict[str, Any]:
    """The document of a candidate, field by field."""
    document = {name: _plain(value) for name, value in asdict(replace(one, ranked=())).items()}
    for name in ("offers", "asks", "languages", "style"):
        document[name] = {key: int(level) for key, level in getattr(one, name).items()}
    time, back = one.working_time, one.background
    document["working_time"] = [time.time_zone, time.start_minute, time.end_minute, sorted(time.days)]
    document["background"] = [back.function, back.region, back.country, back.tenure, sorted(back.life)]
    document["ranked"] = [str(wanted) for wanted in one.ranked]
    return document


@pytest.mark.requirement("N4")
@pytest.mark.parametrize("seed", range(20))
def test_people_and_lines_are_written_as_canonical_json(seed: int) -> None:
    world = random_snapshot(seed, 8, 8)
    odd = replace(world.mentors[0], team='a "team"\\ of ünïcode\n', projects=frozenset({"é", "z", '"'}))
    written = Written()
    for one in (odd, *world.mentors, *world.mentees, odd):
        assert written.candidate(one) == canonical_json(_candidate(one))
    for line in world.lines:
        document = {
            "person_id": str(line.person_id),
            "manager_id": None if line.manager_id is None else str(line.manager_id),
            "dotted_line_ids": _plain(line.dotted_line_ids),
            "reviewer_ids": _plain(line.reviewer_ids),
        }
        assert written.line(line) == canonical_json(document)


@pytest.mark.requirement("N4")
def test_an_input_written_in_stretches_is_the_input() -> None:
    lines = tuple(Line(person(number), person(number + 1)) for number in range(5_003))
    given = RunInput(replace(random_snapshot(3, 5, 5), lines=lines), ((participation(1), participation(7)),))
    kept = given.written(KEY)
    assert unpacked(kept.packed) == given.content
    assert kept.digest == input_hash(given.content, KEY)
    assert len(input_of(given.content).snapshot.lines) == 5_003


@pytest.mark.requirement("N3", "R1-08")
def test_pairs_are_explained_as_the_rules_score_them() -> None:
    looked_at = 0
    for seed in range(30):
        world = random_snapshot(seed, 10, 10)
        hard = HardRules(world)
        every = [(one, other) for one in world.mentors for other in world.mentees]
        for (one, other), minutes in zip(every, minutes_together(world, every).tolist(), strict=True):
            assert minutes == overlap_minutes(one.working_time, other.working_time, world.starts_on)
        allowed = [pair for pair in every if hard.judge(*pair).allowed]
        for pair in explained(world, allowed):
            verdict = hard.judge(pair.mentor, pair.mentee)
            assert pair.score == verdict.score
            assert pair.overlap_minutes == verdict.overlap.minutes
            assert pair.shared_languages == tuple(sorted(verdict.overlap.languages))
            assert pair.grade_gap == pair.mentee.grade_rank - pair.mentor.grade_rank
            looked_at += 1
    assert looked_at > 200


def test_only_a_waived_pair_is_said_to_be_approved() -> None:
    world = snapshot(mentor(1, team="x"), mentee(3, team="x"), mentor(2), mentee(4))
    waived = replace(world, waived=frozenset({(person(1), person(3), "same_team"), (person(2), person(4), "nothing")}))
    first, second = explained(waived, [(world.mentors[0], world.mentees[0]), (world.mentors[1], world.mentees[1])])
    assert ("approved" in first.words, "approved" in second.words) == (True, False)


def _many(seed: int) -> Snapshot:
    """Enough people with different scores that the prices of an earlier run say something."""
    draw = random.Random(seed)
    topics = ["a", "a.b", "a.c", "d", "d.e"]

    def wishes() -> dict[str, int]:
        return {topic: draw.randint(1, 5) for topic in draw.sample(topics, 3)}

    return snapshot(
        *(mentor(number, offers=wishes(), places=draw.randint(1, 2)) for number in range(40)),
        *(mentee(number, asks=wishes()) for number in range(40, 90)),
        rules=replace(RULES, weights=replace(RULES.weights, topics=50)),
    )


@pytest.mark.requirement("N4")
@pytest.mark.parametrize("seed", range(6))
def test_a_run_that_begins_from_an_earlier_one_comes_to_the_same_bytes(seed: int) -> None:
    world = _many(seed)
    earlier = match(RunInput(world), key=KEY)
    previous = frozenset((one.mentor.participation_id, one.mentee.participation_id) for one in earlier.pairs)
    gone = replace(world, mentors=world.mentors[3:], mentees=(*world.mentees[4:], mentee(200), mentee(201)))
    for changed in (gone, replace(gone, previous=previous)):
        cold, warm = match(RunInput(changed), key=KEY), match(RunInput(changed), key=KEY, start=earlier.start)
        wild = Start(
            ("class:1", "score"),
            (_noise(changed.mentors, seed) // 400, _noise(changed.mentors, seed)),
            (_noise(changed.mentees, seed) // 400, _noise(changed.mentees, seed + 1)),
            (0, 1, 400, 800, 1000, 3)[seed],
        )
        odd = match(RunInput(changed), key=KEY, start=start_content(changed.mentors, changed.mentees, wild))
        assert cold.certificate.content == warm.certificate.content == odd.certificate.content
        assert cold.proof.content == warm.proof.content == odd.proof.content
        assert cold.start == warm.start == odd.start


def _noise(side: tuple[Candidate, ...], seed: int) -> NDArray[np.int64]:
    draw = random.Random(seed)
    return np.array([draw.randint(-500, 1500) for _ in side], dtype=np.int64)


@pytest.mark.requirement("N4")
def test_a_rematch_states_what_a_fresh_optimum_would_come_to() -> None:
    world = _many(3)
    earlier = match(RunInput(world), key=KEY)
    previous = frozenset((one.mentor.participation_id, one.mentee.participation_id) for one in earlier.pairs)
    changed = replace(world, mentors=world.mentors[5:])
    again = match(RunInput(replace(changed, previous=previous)), key=KEY, start=earlier.start)
    said = again.certificate.body["rematch"]
    fresh = solved(changed, "")
    assert (said["fresh_score"], said["fresh_floor"]) == (dict(fresh.levels)["score"], fresh.floor)
    score = sum(pair.score.total for pair in again.pairs)
    assert (said["score"], said["score_lost"]) == (score, said["fresh_score"] - score)
    kept = {(one.mentor.participation_id, one.mentee.participation_id) for one in again.pairs} & previous
    assert (said["kept"], said["previous"]) == (len(kept), len(previous))


def test_a_start_is_for_whoever_is_still_there() -> None:
    people = (mentor(1), mentor(2), mentor(3)), (mentee(4), mentee(5))
    prices = (np.array([1, 0, -1]), np.array([10, -20, 30]), np.array([7, 7, 7]))
    start = Start(("class:1", "score", "ties"), prices, (np.array([0, 1]), np.array([2**40, 0]), np.array([7, 7])), 7)
    content = start_content(*people, start)
    again = start_of(content, (mentor(3), mentor(9), mentor(2)), (mentee(5), mentee(4), mentee(8)))
    assert (again.levels, again.floor) == (("class:1", "score"), 7)
    assert [level.tolist() for level in again.mentors] == [[-1, 0, 0], [30, 0, -20]]
    assert [level.tolist() for level in again.mentees] == [[1, 0, 0], [0, 2**40, 0]]
