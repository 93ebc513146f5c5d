from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from matching.domain.facts import Role, Snapshot
from matching.domain.fairness import ALPHA, audited, treated_by
from matching.domain.fairness_cells import Cut, ProposedTo, Withheld, cut_of
from matching.domain.fairness_proxy import proxy_test
from matching.domain.governance_pack import DIMENSIONS, Declared, Pack, pack_of
from matching.domain.match_run import MatchRun, RunOutcome, RunResult, RunState
from matching.domain.run_input import RunInput
from matching.domain.run_matching import match

from .audited_worlds import GROUPS, Groups, audited_world, declared_anew, less_wanted, some
from .run_fakes import KEY
from .worlds import UNIT, mentee, mentor, participation, snapshot

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALL = tuple(sorted(GROUPS))


def solved(world: Snapshot) -> tuple[MatchRun, list[ProposedTo]]:
    """A released run of a cohort, and what it proposed."""
    outcome = match(RunInput(world), key=KEY)
    run = MatchRun(
        UUID(int=1), UUID(int=2), UUID(int=3), UNIT, (UNIT,), NOW, state=RunState.RELEASED, released_at=NOW,
        result=RunResult(
            RunOutcome.OPTIMAL, outcome.certificate.body["input_hash"], outcome.certificate.body,
            outcome.certificate.digest, (), {}, len(world.mentors), len(world.mentees), 1, 1, {}, len(outcome.pairs), 0, 0, (),
        ),
    )  # fmt: skip
    proposals = [
        ProposedTo(pair.mentor.participation_id, pair.mentee.participation_id, pair.score.total)
        for pair in outcome.pairs
    ]
    return run, proposals


@cache
def fair(seed: int) -> tuple[Snapshot, Groups, MatchRun, tuple[ProposedTo, ...]]:
    world, groups = audited_world(seed)
    run, proposals = solved(world)
    return world, groups, run, tuple(proposals)


def pack(
    run: MatchRun, world: Snapshot, proposals: Sequence[ProposedTo], groups: Groups, *,
    threshold: int = 5, dimensions: tuple[str, ...] = ALL, earlier: Mapping[Any, Any] | None = None,
) -> Pack:  # fmt: skip
    oversight = {"by": {"started": "a", "approved": None, "released": "b"}, "people": 2}
    return pack_of(run, world, proposals, Declared(groups, dimensions, threshold), earlier or {}, oversight, NOW)


def found_in(document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(each["role"], each["group"], each["measure"]) for each in document["findings"]}


@pytest.mark.requirement("N15")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_bias_is_found_and_nothing_else_is(seed: int) -> None:
    world, groups = audited_world(seed, change=less_wanted("ethnicity", "minority"))
    run, proposals = solved(world)
    document = json.loads(pack(run, world, proposals, groups).text)
    assert {(role, group) for role, group, _ in found_in(document)} == {("mentor", "minority")}
    coverage = some(
        some(some(document["sides"], role="mentor")["dimensions"], dimension="ethnicity")["groups"], group="minority"
    )
    measures = coverage["measures"]
    assert measures["coverage"]["finding"] or measures["fit"]["finding"]
    assert measures["coverage"]["difference"]["value"] < 0


@pytest.mark.requirement("N15", "R3-17")
def test_without_a_bias_the_chance_of_any_finding_stays_below_the_bound() -> None:
    """Groups that have nothing to do with the result, 40 times over four runs. Of 40 packs at most 5 % may find anything in the long
    run; more than six of 40 would be a chance of 3 in a thousand.
    """
    false_alarms = 0
    for seed in range(40):
        world, groups, run, proposals = fair(seed % 4)
        people = treated_by(world, proposals)
        drawn = declared_anew(groups, 1000 + seed)
        cuts = {
            role: [
                cut_of(
                    dimension,
                    {
                        name: [
                            one.participation_id
                            for one in people
                            if one.role is role and drawn[one.participation_id][dimension] == name
                        ]
                        for name in GROUPS[dimension]
                    },
                    5,
                )
                for dimension in DIMENSIONS
            ]
            for role in Role
        }
        found = audited(people, cuts, 5)
        assert found.tests > 20
        false_alarms += bool(found.findings)
        assert run.result is not None
    assert false_alarms <= 6


@pytest.mark.requirement("R2-13", "R0-06", "R4-13")
def test_a_proxy_for_age_is_found_and_chance_is_not() -> None:
    world, groups, _, _ = fair(0)
    by_chance = {key: said["age_band"] for key, said in groups.items()}
    test = proxy_test(world.mentors, by_chance, Role.MENTOR, seed=1)
    assert not any(each["finding"] for each in test["features"])
    by_grade = {one.participation_id: "from_50" if one.grade_rank > 2 else "under_35" for one in world.mentors}
    found = proxy_test(world.mentors, by_grade, Role.MENTOR, seed=1)
    assert {each["features"] for each in found["features"] if each["finding"]} == {"grade", "all"}
    grade = some(found["features"], features="grade")
    assert grade["low"] > found["chance"]
    assert proxy_test(world.mentors, by_grade, Role.MENTOR, seed=1) == found
    few = dict(list(by_grade.items())[:30])
    assert proxy_test(world.mentors, few, Role.MENTOR, seed=1)["not_testable"] == "too_few"
    assert proxy_test(world.mentors, by_grade, Role.MENTOR, seed=1, enabled=False)["not_testable"] == "switched_off"


@pytest.mark.requirement("R2-13")
def test_false_alarms_of_the_proxy_test_stay_below_the_bound() -> None:
    world, groups, _, _ = fair(1)
    alarms = 0
    for seed in range(20):
        bands = {key: said["age_band"] for key, said in declared_anew(groups, seed).items()}
        alarms += any(each["finding"] for each in proxy_test(world.mentees, bands, Role.MENTEE, seed)["features"])
    assert alarms <= 3


@pytest.mark.requirement("N15", "N3")
def test_a_pack_is_the_same_byte_for_byte_and_names_nobody_who_takes_part() -> None:
    world, groups, run, proposals = fair(0)
    once = pack(run, world, proposals, groups)
    assert pack(run, world, list(reversed(proposals)), dict(reversed(groups.items()))) == once
    for one in (*world.mentors, *world.mentees):
        assert str(one.participation_id) not in once.text
        assert str(one.person_id) not in once.text
    document = json.loads(once.text)
    assert document["model_card"]["certificate_hash"] == run.result.certificate_hash if run.result else False
    assert not any(each["deviates"] for each in document["model_card"]["weights"] if each["part"] != "preferences")
    assert some(document["model_card"]["weights"], part="preferences")["deviates"]


@pytest.mark.requirement("S15", "N15")
def test_the_programs_threshold_and_its_switches_hold() -> None:
    world, groups, run, proposals = fair(0)
    document = json.loads(pack(run, world, proposals, groups, threshold=100, dimensions=("gender",)).text)
    withheld = {
        (side["role"], cut["dimension"]): cut["withheld"] for side in document["sides"] for cut in side["dimensions"]
    }
    assert {why for (_, dimension), why in withheld.items() if dimension != "gender"} == {Withheld.SWITCHED_OFF}
    shown = [cut for side in document["sides"] for cut in side["dimensions"] if cut["groups"]]
    assert all(group["people"] >= 100 and group["others"] >= 100 for cut in shown for group in cut["groups"])
    assert {side["not_testable"] for side in document["proxy"]["sides"]} == {"switched_off"}


@pytest.mark.requirement("S16", "N7")
def test_a_later_pack_does_not_tell_who_has_withdrawn() -> None:
    world, groups, run, proposals = fair(0)
    first = pack(run, world, proposals, groups)
    cells = {(role, cut.dimension): cut.cells for role, cuts in first.cells.items() for cut in cuts}
    gone = world.mentors[0].participation_id
    without = {key: said for key, said in groups.items() if key != gone}
    later = json.loads(pack(run, world, proposals, without, earlier={run.run_id: cells}).text)
    sides = {side["role"]: {cut["withheld"] for cut in side["dimensions"]} for side in later["sides"]}
    assert sides == {"mentor": {Withheld.LITTLE_CHANGED}, "mentee": {None}}


@pytest.mark.requirement("S15")
def test_a_share_that_would_point_at_the_few_without_a_pair_is_withheld() -> None:
    world = snapshot(*(mentor(number) for number in range(12)), *(mentee(number) for number in range(100, 111)))
    proposals = [ProposedTo(participation(number), participation(100 + number), 500) for number in range(11)]
    people = treated_by(world, proposals)
    halves = {
        "woman": [participation(number) for number in range(6)],
        "man": [participation(number) for number in range(6, 12)],
    }
    nobody = Cut("gender", {}, frozenset(), Withheld.NOBODY_DECLARED)
    found = audited(people, {Role.MENTOR: [cut_of("gender", halves, 5)], Role.MENTEE: [nobody]}, 5)
    (women, _) = found.sides[0]["dimensions"][0]["groups"], None
    assert all(group["measures"]["coverage"] == {"withheld": "too_few"} for group in women)
    assert all("value" in group["measures"]["fit"] for group in women)


def test_somebody_with_a_pair_already_is_not_among_those_who_could_get_one() -> None:
    world = snapshot(mentor(1), mentor(2, taken=1), mentor(3, employed=False), mentee(101, grade_rank=9), mentee(102))
    (one, *others) = treated_by(world, [ProposedTo(participation(1), participation(101), 700)])
    assert [(each.participation_id, each.covered) for each in (one, *others) if each.role is Role.MENTOR] == [
        (participation(1), True)
    ]
    (met,) = (each for each in (one, *others) if each.participation_id == participation(1))
    assert (met.score, met.gap, met.senior, met.high) == (700.0, 7.0, True, True)
    assert ALPHA == 0.05
