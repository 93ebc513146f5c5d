from __future__ import annotations

import itertools
import math
import random
from uuid import UUID

import numpy as np
import pytest
from matching.domain.fairness_cells import REST, Cut, Withheld, cut_of, guarded
from matching.domain.fairness_statistics import compare_means, compare_shares, fisher, holm, mean, share
from scipy import stats


@pytest.mark.requirement("N15")
def test_intervals_are_those_that_were_published() -> None:
    # Wilson's score interval of 81 of 263, and Newcombe's example (a): 56 of 70 against 48 of 80.
    one = share(81, 263)
    assert (round(one.low, 4), round(one.high, 4)) == (0.2553, 0.3662)
    other = compare_shares(56, 70, 48, 80).difference
    assert (round(other.value, 4), round(other.low, 4), round(other.high, 4)) == (0.2, 0.0524, 0.3339)
    assert (share(0, 10).low, share(10, 10).high) == (0.0, 1.0)
    # Fisher's tea: three of four right.
    assert round(compare_shares(3, 4, 1, 4).p_value, 4) == 0.4857


@pytest.mark.requirement("N15")
def test_means_are_compared_by_welch() -> None:
    one = np.array([27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4])
    other = np.array([27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4])
    found = compare_means(one, other)
    # By hand: t is -2.455 at 24.99 degrees of freedom.
    assert (round(found.p_value, 3), round(found.difference.value, 2)) == (0.021, -2.17)
    assert found.difference.low < found.difference.value < found.difference.high < 0
    assert mean(one).low < float(one.mean()) < mean(one).high
    same, higher = np.full(6, 500.0), np.full(6, 600.0)
    assert compare_means(same, same).p_value == 1.0
    assert compare_means(same, higher).p_value == pytest.approx(2 / math.comb(12, 6))


@pytest.mark.requirement("N15")
def test_exact_tests_and_intervals_are_those_of_another_library() -> None:
    draw = np.random.default_rng(5)
    for _ in range(300):
        of, of_others = (int(number) for number in draw.integers(1, 60, 2))
        hits, misses = int(draw.integers(0, of + 1)), int(draw.integers(0, of_others + 1))
        wanted = stats.fisher_exact([[hits, of - hits], [misses, of_others - misses]]).pvalue
        assert fisher(hits, of, misses, of_others) == pytest.approx(wanted, abs=1e-9)
    assert fisher(20_000, 25_000, 19_000, 25_000) == pytest.approx(
        stats.fisher_exact([[20_000, 5_000], [19_000, 6_000]]).pvalue, rel=1e-6
    )
    for _ in range(50):
        one, other = draw.normal(500, 80, draw.integers(5, 40)), draw.normal(520, 20, draw.integers(5, 40))
        found, wanted = compare_means(one, other), stats.ttest_ind(one, other, equal_var=False)
        interval = wanted.confidence_interval(0.95)
        assert found.p_value == pytest.approx(wanted.pvalue)
        assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.requirement("N15")
def test_holm_rejects_what_the_step_down_rule_rejects() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    draw = random.Random(7)
    for _ in range(200):
        values = [draw.random() ** 3 for _ in range(draw.randint(1, 9))]
        rejected = set()
        for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
            if values[index] > 0.05 / (len(values) - place):
                break
            rejected.add(index)
        assert {index for index, value in enumerate(holm(values)) if value <= 0.05} == rejected


def people(*numbers: int) -> frozenset[UUID]:
    return frozenset(UUID(int=number) for number in numbers)


@pytest.mark.requirement("S15", "N15")
def test_no_cell_no_complement_and_no_rest_is_smaller_than_the_threshold() -> None:
    """Every way to spread up to 14 people over three groups, at two thresholds."""
    for sizes in itertools.product(range(15), repeat=3):
        for threshold in (2, 5):
            first, second = sizes[0], sizes[0] + sizes[1]
            groups = {
                "a": people(*range(first)),
                "b": people(*range(first, second)),
                "c": people(*range(second, sum(sizes))),
            }
            cut = cut_of("gender", groups, threshold)
            total = sum(sizes)
            if cut.withheld is not None:
                assert not cut.shown
                assert not cut.rest
                continue
            assert len(cut.declared) == total
            assert not cut.rest or len(cut.rest) >= threshold
            for members in cut.shown.values():
                assert len(members) >= threshold
                assert total - len(members) >= threshold


@pytest.mark.requirement("N15")
def test_what_may_be_shown_is_shown() -> None:
    groups = {"woman": people(*range(8)), "man": people(*range(8, 20)), "non_binary": people(20, 21)}
    cut = cut_of("gender", groups, 5)
    # Two people alone would be told; so the smallest large group goes with them.
    assert (sorted(cut.shown), len(cut.rest)) == (["man"], 10)
    assert sorted(cut_of("gender", {"woman": people(*range(8)), "man": people(*range(8, 20))}, 5).shown) == [
        "man",
        "woman",
    ]
    assert cut_of("gender", {"woman": people(*range(8)), "man": people(8)}, 5).withheld is Withheld.TOO_FEW
    assert cut_of("gender", {}, 5).withheld is Withheld.NOBODY_DECLARED


@pytest.mark.requirement("S16", "N15")
def test_two_packs_of_a_cohort_do_not_tell_the_group_of_whoever_came_or_went() -> None:
    """Whatever few people are the difference of anything that two packs show: then the later shows nothing."""
    draw = random.Random(3)
    shown_again = withheld = 0
    for _ in range(3000):
        threshold = 5
        before = {group: set(people(*draw.sample(range(60), draw.randint(0, 14)))) for group in ("a", "b", "c")}
        before["b"] -= before["a"]
        before["c"] -= before["a"] | before["b"]
        after = {group: set(members) for group, members in before.items()}
        for _ in range(draw.choice([0, 1, 2, 6, 12])):
            group = draw.choice("abc")
            if draw.random() < 0.5 and after[group]:
                after[group].discard(draw.choice(sorted(after[group])))
            else:
                after[group].add(UUID(int=draw.randint(1000, 9999)))
        first = cut_of("gender", before, threshold)
        later = guarded(cut_of("gender", after, threshold), [first.cells], threshold)
        if later.withheld is not None or first.withheld is not None:
            withheld += later.withheld is Withheld.LITTLE_CHANGED
            continue
        shown_again += 1
        assert not 0 < len(first.declared ^ later.declared) < threshold
        for group in first.shown.keys() & later.shown.keys():
            assert not 0 < len(first.shown[group] ^ later.shown[group]) < threshold
            others = (first.declared - first.shown[group]) ^ (later.declared - later.shown[group])
            assert not 0 < len(others) < threshold
    assert shown_again > 200
    assert withheld > 200


@pytest.mark.requirement("S16")
def test_an_unchanged_cohort_is_shown_again_and_a_withdrawal_is_not() -> None:
    groups = {"woman": people(*range(8)), "man": people(*range(8, 20))}
    cut = cut_of("gender", groups, 5)
    assert guarded(cut, [cut.cells, {}], 5) == cut
    # Who withdrew stands in the earlier pack under an id that is nobody's.
    withdrawn = {**cut.cells, "woman": people(*range(7), 999)}
    less = cut_of("gender", {**groups, "woman": people(*range(7))}, 5)
    assert guarded(less, [withdrawn], 5) == Cut("gender", {}, frozenset(), Withheld.LITTLE_CHANGED)
    assert REST not in cut.cells
