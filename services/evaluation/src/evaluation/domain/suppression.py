"""Which groups may be shown without pointing at a few people.

A group is shown when at least k people answered in it and at least k answered in what remains of every parent that is
shown next to it; otherwise the remainder is a subtraction away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

DEFAULT_THRESHOLD = 5
#: A program may ask for more, never for less than this.
LOWEST_THRESHOLD = 3

Group = TypeVar("Group")


def showable(total: int, parts: Mapping[Group, int], threshold: int) -> tuple[bool, frozenset[Group]]:
    """Whether the whole may be shown, and which of the disjoint parts that make it up.

    A partition is shown as a whole or not at all: with one part under the threshold (an empty one too), the whole and
    the other parts together would give it away.

    Args:
        total: people in the whole.
        parts: people in each disjoint part; together they are the whole.
        threshold: fewest people about whom anything is shown.
    """
    if total != sum(parts.values()):
        raise ValueError("the parts do not make up the whole")
    if total < threshold:
        return False, frozenset()
    if len(parts) > 1 and all(count >= threshold for count in parts.values()):
        return True, frozenset(parts)
    return True, frozenset()
