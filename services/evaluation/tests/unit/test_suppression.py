"""Small groups stay hidden, and cannot be had by subtraction."""

from __future__ import annotations

import itertools

import pytest
from evaluation.domain.suppression import showable
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.requirement("S15")

PARTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 12), min_size=2, max_size=4)


@pytest.mark.parametrize(
    ("mentors", "mentees", "whole", "split"),
    [
        (5, 5, True, True),
        (4, 20, True, False),  # the four are everybody less the twenty
        (0, 20, True, False),
        (2, 2, False, False),
        (3, 2, True, False),
        (0, 0, False, False),
    ],
)
def test_the_split_by_role_is_shown_only_when_both_roles_are_large_enough(
    mentors: int, mentees: int, whole: bool, split: bool
) -> None:
    shown, parts = showable(mentors + mentees, {"mentors": mentors, "mentees": mentees}, 5)
    assert shown is whole
    assert parts == (frozenset({"mentors", "mentees"}) if split else frozenset())


@given(counts=PARTS, threshold=st.integers(1, 8))
def test_no_group_under_the_threshold_can_be_worked_out_from_what_is_shown(
    counts: dict[str, int], threshold: int
) -> None:
    total = sum(counts.values())
    whole, parts = showable(total, counts, threshold)
    released = [frozenset(part) for part in parts] + ([frozenset(counts)] if whole else [])
    for one in released:
        assert sum(counts[name] for name in one) >= threshold
    for larger, smaller in itertools.permutations(released, 2):
        if smaller < larger:
            rest = larger - smaller
            assert sum(counts[name] for name in rest) >= threshold


@given(counts=PARTS, threshold=st.integers(1, 8))
def test_nothing_is_hidden_without_need(counts: dict[str, int], threshold: int) -> None:
    whole, parts = showable(sum(counts.values()), counts, threshold)
    assert whole is (sum(counts.values()) >= threshold)
    if all(count >= threshold for count in counts.values()):
        assert parts == frozenset(counts)


def test_parts_that_do_not_add_up_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="whole"):
        showable(11, {"a": 5, "b": 5}, 5)
