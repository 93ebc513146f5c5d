"""Why not those two, and what somebody without a pair could change: answers that a brute search confirms."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from matching.domain.counterfactual import WhyNot, WhyNotReason, why_not
from matching.domain.facts import LanguageLevel, Quota, Snapshot, WorkingTime
from matching.domain.optimum import most_covered
from matching.domain.relaxation import RelaxationOutcome, relaxations_of
from matching.domain.run_input import RunInput, input_of
from matching.domain.run_matching import Outcome, run_matching
from matching.domain.sentences import LANGUAGES, said

from .worlds import TOPICS, UNIT, WORKDAYS, mentee, mentor, participation, random_snapshot, snapshot

NIGHT = WorkingTime("Asia/Tokyo", 9 * 60, 17 * 60, WORKDAYS)


def asked(world: Snapshot, outcome: Outcome, mentor_number: int, mentee_number: int, *, exact: bool = False) -> WhyNot:
    pair = participation(mentor_number), participation(mentee_number)
    return why_not(RunInput(world), outcome.proof.content, outcome.input_hash, pair, exact=exact)


def _loose(seed: int) -> Snapshot:
    """Few rules and many different scores, places scarce."""
    draw = random.Random(seed)

    def topics() -> dict[str, int]:
        return {topic: draw.randint(1, 5) for topic in draw.sample(TOPICS, 3)}

    return snapshot(
        *(mentor(number, offers=topics(), places=draw.randint(1, 2)) for number in range(1, 5)),
        *(mentee(number, asks=topics(), team=f"team-{draw.randint(1, 9)}") for number in range(11, 16)),
    )


@pytest.mark.requirement("N3", "R1-08")
def test_a_rule_is_named_and_a_cost_is_stated() -> None:
    world = snapshot(
        mentor(1),
        mentor(2, offers={"technology": 5}),
        mentor(5, team="x"),
        mentee(3),
        mentee(4, team="x", languages={}),
    )
    world = replace(world, mentees=(*world.mentees, mentee(6)))
    outcome = run_matching(world)
    excluded = asked(world, outcome, 5, 4)
    assert excluded.reason is WhyNotReason.EXCLUDED_BY_RULES
    assert excluded.rules == ("same_team", "shared_language")
    assert excluded.words("de")[0] == "dasselbe Team"
    absent = asked(world, outcome, 1, 99)
    assert absent.reason is WhyNotReason.NOT_IN_RUN
    assert absent.words("en") == ("At least one of the two was not in this run.",)


@pytest.mark.requirement("N3")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (WhyNot(WhyNotReason.PROPOSED), ("The run proposes these two to each other.",)),
        (
            WhyNot(WhyNotReason.COSTS_OTHERS, at_least={"people_covered": 0, "score": -40}),
            ("With this pair the sum of all scores would fall by at least 40.",),
        ),
        (
            WhyNot(
                WhyNotReason.COSTS_OTHERS, at_least={"score": -40}, exactly={"people_covered_class_1": -2, "score": 30}
            ),
            ("With this pair the number of people who have one would fall by 2.",),
        ),
        (
            WhyNot(WhyNotReason.COSTS_OTHERS, exactly={"people_covered": 0, "kept": -3, "score": 9}),
            ("With this pair the number of proposals that are kept would fall by 3.",),
        ),
        (
            WhyNot(WhyNotReason.BELOW_FLOOR, score=300, floor=401),
            ("Their score of 300 is below 401, the lowest with which everybody who can have a pair has one.",),
        ),
        (
            WhyNot(WhyNotReason.EQUAL_BY_TIES, at_least={"people_covered": 0, "score": 0}),
            ("Another choice is exactly as good: the published rule for equal results decided.",),
        ),
        (
            WhyNot(WhyNotReason.EQUAL_BY_TIES, at_least={"score": 0}, exactly={"floor": 0, "score": -1}),
            ("With this pair the sum of all scores would fall by 1.",),
        ),
    ],
)
def test_an_answer_is_told_in_words_by_the_cost_that_counts_most(answer: WhyNot, words: tuple[str, ...]) -> None:
    assert answer.words("en") == words
    assert all(len(answer.words(language)) == len(words) for language in LANGUAGES)


@pytest.mark.requirement("N3")
def test_a_floor_and_what_else_a_pair_costs_are_both_told() -> None:
    answer = WhyNot(WhyNotReason.BELOW_FLOOR, score=300, floor=401, exactly={"people_covered": 0, "floor": -101})
    assert answer.words("de")[1] == "Mit diesem Paar sänke die niedrigste Bewertung aller Paare um 101."


@pytest.mark.requirement("N3")
def test_what_a_pair_costs_is_at_least_what_the_prices_say_and_exactly_what_solving_again_says() -> None:
    asked_about = 0
    for seed in range(6):
        world = _loose(seed)
        outcome = run_matching(world)
        proposed = {(one.mentor.participation_id, one.mentee.participation_id) for one in outcome.pairs}
        for one in world.mentors:
            for other in world.mentees:
                pair = one.participation_id, other.participation_id
                if pair in proposed or not outcome.pairs:
                    continue
                found = why_not(RunInput(world), outcome.proof.content, outcome.input_hash, pair, exact=True)
                if found.exactly is None or found.at_least is None:
                    continue
                asked_about += 1
                assert list(found.exactly.values()) <= [0] * len(found.exactly), (seed, pair, found)
                if found.exactly["floor"] == 0:
                    exact = [found.exactly[level] for level in found.at_least]
                    assert exact <= list(found.at_least.values()), (seed, pair, found)
    assert asked_about > 20


@pytest.mark.requirement("N3")
def test_what_would_have_covered_somebody_is_found_and_verified() -> None:
    world = snapshot(mentor(1), mentor(2), mentee(3), mentee(4, languages={"fr": LanguageLevel.B2}, working_time=NIGHT))
    world = replace(world, mentors=(world.mentors[0], replace(world.mentors[1], working_time=NIGHT)))
    given = RunInput(world)
    found = relaxations_of(given, participation(4), own_only=True)
    assert (found.outcome, found.relax) == (RelaxationOutcome.RELAXABLE, ("shared_language",))
    assert said(found.words) == ("A further language, or a better level in one, would open a place.",)


@pytest.mark.requirement("N3")
def test_two_things_together_are_found_when_neither_alone_helps() -> None:
    world = snapshot(mentor(1), mentor(2), mentee(3), mentee(4, languages={}, working_time=NIGHT))
    found = relaxations_of(RunInput(world), participation(4), own_only=True)
    assert found.relax == ("shared_language", "working_hours")
    assert len(found.words) == 2


@pytest.mark.requirement("N3")
def test_where_the_places_are_taken_nothing_of_ones_own_is_blamed() -> None:
    world = snapshot(mentor(1), mentee(3), mentee(4, languages={}))
    found = relaxations_of(RunInput(world), participation(4), own_only=True)
    assert (found.outcome, found.relax) == (RelaxationOutcome.NO_CAPACITY, ())
    assert all(said(found.words, language)[0] for language in LANGUAGES)


@pytest.mark.requirement("N3")
def test_a_participant_is_never_told_of_rules_about_others() -> None:
    world = snapshot(mentor(1), mentor(2, team="x"), mentee(3), mentee(4, team="x"))
    world = replace(world, mentors=(replace(world.mentors[0], team="x"), world.mentors[1]))
    given = RunInput(world)
    assert relaxations_of(given, participation(4), own_only=False).relax == ("same_team",)
    assert relaxations_of(given, participation(4), own_only=True).outcome is RelaxationOutcome.NO_CAPACITY


@pytest.mark.requirement("N4")
@pytest.mark.parametrize("seed", range(8))
def test_an_input_written_down_and_read_is_the_same_input(seed: int) -> None:
    given = RunInput(random_snapshot(seed, 5, 6), ((participation(1), participation(7)),))
    again = input_of(given.content)
    assert again.content == given.content
    assert again.snapshot.rules == given.snapshot.rules
    for side in ("mentors", "mentees"):
        read, written = (
            sorted(getattr(world.snapshot, side), key=lambda one: one.participation_id) for world in (again, given)
        )
        assert read == written
    assert {line.person_id: line for line in again.snapshot.lines} == {
        line.person_id: line for line in given.snapshot.lines
    }


@pytest.mark.requirement("N3")
@pytest.mark.parametrize("seed", range(12))
def test_the_most_that_can_be_covered_is_what_a_run_covers(seed: int) -> None:
    world = random_snapshot(seed, 7, 8)
    for changed in (world, replace(world, quotas=(Quota(UNIT, 2),))):
        body = run_matching(changed).certificate.body
        levels = {one["level"]: one["value"] for one in body["objective"]}
        covered = sum(value for level, value in levels.items() if level.startswith("people_covered"))
        assert most_covered(changed) == covered
