"""What users of other systems complain about, where a run decides: ties drawn at random, wishes above rules, capacity ignored."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest
from matching.domain.facts import Weights
from matching.domain.run_matching import run_matching
from matching.domain.ties import names_of, pair_ranks

from .worlds import RULES, mentee, mentor, participation, snapshot


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("order", range(5))
def test_equal_scores_are_decided_by_the_published_rule_and_never_by_the_order_of_arrival(order: int) -> None:
    people = [mentor(number) for number in range(1, 5)] + [mentee(number) for number in range(101, 105)]
    random.Random(order).shuffle(people)
    outcome = run_matching(snapshot(*people))
    assert {pair.score.total for pair in outcome.pairs} == {1000}
    mentors, mentees = ([participation(first + number) for number in range(4)] for first in (1, 101))
    seed = outcome.certificate.body["ties"]["seed"]
    ranks = pair_ranks(names_of(seed, mentors)[:, None], names_of(seed, mentees)[None, :])
    best = max(itertools.permutations(range(4)), key=lambda drawn: sum(ranks[drawn[one], one] for one in range(4)))
    taken = {(pair.mentor.participation_id, pair.mentee.participation_id) for pair in outcome.pairs}
    assert taken == {(mentors[row], mentees[column]) for column, row in enumerate(best)}


def test_the_dearest_wish_of_both_does_not_bring_two_together_whom_a_rule_keeps_apart() -> None:
    rules = replace(RULES, weights=Weights(1, 0, 0, 0, 0, preferences=1000))
    world = snapshot(
        mentor(1, team="red", ranked=(participation(101),)),
        mentor(2),
        mentee(101, team="red", ranked=(participation(1),)),
        rules=rules,
    )
    (pair,) = run_matching(world).pairs
    assert pair.mentor.participation_id == participation(2)


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("places", [0, 1, 2, 3])
def test_the_best_mentor_gets_no_more_than_they_have_places_for(places: int) -> None:
    everybody = [mentee(number) for number in range(101, 106)]
    best = mentor(1, places=places)
    others = [mentor(number, offers={"technology": 1}) for number in range(2, 6 - places)]
    outcome = run_matching(snapshot(best, *others, *everybody))
    taken = Counter(pair.mentor.participation_id for pair in outcome.pairs)
    assert (taken[participation(1)], len(outcome.pairs)) == (places, 4)


@pytest.mark.requirement("R4-09")
@pytest.mark.parametrize("second", ["technology.ai", "trends.esg"])
def test_everybodys_first_mentor_comes_before_anybodys_second(second: str) -> None:
    """A mentee with two places whom all fit best shares the mentors until everybody has one; a second who fits is taken then."""
    dear = mentee(101, places=2)
    plain = mentee(102, places=2, asks={"technology": 5})
    mentors = (mentor(1), mentor(2), mentor(3, offers={second: 5}))
    outcome = run_matching(snapshot(*mentors, dear, plain))
    taken = Counter(pair.mentee.participation_id for pair in outcome.pairs)
    assert set(taken) == {participation(101), participation(102)}
    assert sum(taken.values()) == (3 if second == "technology.ai" else 2)
