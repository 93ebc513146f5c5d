"""Who is counted in which cell of a pack, and which cells may be shown.

The cuts are fixed: one dimension at a time, each side apart, never crossed. A group is compared with everybody else who
declared something in the same dimension. No cell, no complement and no rest is shown with fewer people than the threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

REST = "rest"
"""The name of the cell of everybody whose group is not shown; no group has it."""


class Withheld(StrEnum):
    """Why a dimension of one side shows nothing."""

    SWITCHED_OFF = "switched_off"
    NOBODY_DECLARED = "nobody_declared"
    TOO_FEW = "too_few"
    LITTLE_CHANGED = "little_changed"


@dataclass(frozen=True, slots=True)
class ProposedTo:
    """A released proposal as far as a pack looks at it: both participations and the score, 0 to 1000."""

    mentor: UUID
    mentee: UUID
    score: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One dimension of one side: the groups shown with their members, and the rest, whose groups are too small to be shown.

    `rest` is empty or at least as large as the threshold. With `withheld` no group is shown.
    """

    dimension: str
    shown: Mapping[str, frozenset[UUID]]
    rest: frozenset[UUID]
    withheld: Withheld | None = None

    @property
    def cells(self) -> dict[str, frozenset[UUID]]:
        """Everybody counted, by group; the rest under `REST`."""
        return {**self.shown, **({REST: self.rest} if self.rest else {})}

    @property
    def declared(self) -> frozenset[UUID]:
        """Everybody counted."""
        return self.rest.union(*self.shown.values())


def cut_of(dimension: str, groups: Mapping[str, Collection[UUID]], threshold: int) -> Cut:
    """What may be shown of a dimension whose groups have these members.

    Groups below the threshold go into the rest, and the smallest of the others with them until the rest is as large as the
    threshold or empty; a group everybody else's number of which is below the threshold is not shown either.
    """
    members = {group: frozenset(people) for group, people in sorted(groups.items()) if people}
    total = sum(len(people) for people in members.values())
    if not total:
        return Cut(dimension, {}, frozenset(), Withheld.NOBODY_DECLARED)
    order = sorted(members, key=lambda group: (len(members[group]), group))
    rest: set[UUID] = set()
    while order and (len(members[order[0]]) < threshold or 0 < len(rest) < threshold):
        rest |= members[order.pop(0)]
    shown = {group: members[group] for group in sorted(order)}
    if not shown or any(total - len(people) < threshold for people in shown.values()) or 0 < len(rest) < threshold:
        return Cut(dimension, {}, frozenset(), Withheld.TOO_FEW)
    return Cut(dimension, shown, frozenset(rest))


def guarded(cut: Cut, earlier: Sequence[Mapping[str, Collection[UUID]]], threshold: int) -> Cut:
    """The cut, or none of it where an earlier pack of the cohort would tell somebody's group by a difference.

    `earlier` are the cells of earlier packs of the cohort, as `Cut.cells` has them; who has withdrawn since stands there under an id
    that is nobody's. A group that was shown is shown again only if its members have not changed at all or by as many people as the
    threshold, and so with everybody else together.
    """
    if cut.withheld is not None:
        return cut
    now = cut.cells
    for before in earlier:
        if not before:
            continue
        same = (now.keys() & before.keys()) - {REST}
        changes = [now[group] ^ frozenset(before[group]) for group in same]
        rest = _union(now[group] for group in now.keys() - same)
        changes.append(rest ^ _union(frozenset(before[group]) for group in before.keys() - same))
        if any(0 < len(changed) < threshold for changed in changes):
            return Cut(cut.dimension, {}, frozenset(), Withheld.LITTLE_CHANGED)
    return cut


def _union(cells: Iterable[frozenset[UUID]]) -> frozenset[UUID]:
    return frozenset().union(*cells)
