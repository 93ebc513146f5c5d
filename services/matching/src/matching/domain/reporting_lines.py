"""Who stands above whom in the organisation graph, at any depth, over managers and dotted lines, across business
units; and who reviews whose performance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from matching.domain.facts import Line


class ReportingLines:
    """The people above each person. Cycles in the source are tolerated: everybody on one is above everybody on it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._manager: dict[UUID, UUID | None] = {}
        managers: dict[UUID, frozenset[UUID]] = {}
        superiors: dict[UUID, frozenset[UUID]] = {}
        self._reviewers: dict[UUID, frozenset[UUID]] = {}
        for line in lines:
            self._manager[line.person_id] = line.manager_id
            managers[line.person_id] = frozenset() if line.manager_id is None else frozenset((line.manager_id,))
            superiors[line.person_id] = managers[line.person_id] | line.dotted_line_ids
            self._reviewers[line.person_id] = line.reviewer_ids
        self._by_managers = _Closure(managers)
        self._by_any_line = _Closure(superiors)

    def in_one_chain(self, one: UUID, other: UUID) -> bool:
        """Whether one of the two stands anywhere above the other, from manager to manager."""
        return self._by_managers.joins(one, other)

    def in_one_chain_by_any_line(self, one: UUID, other: UUID) -> bool:
        """The same where every step may also be a dotted line."""
        return self._by_any_line.joins(one, other)

    def share_manager(self, one: UUID, other: UUID) -> bool:
        """Whether both report to the same line manager (dotted lines do not make a team)."""
        manager = self._manager.get(one)
        return manager is not None and manager == self._manager.get(other)

    def reviews(self, one: UUID, other: UUID) -> bool:
        """Whether either of the two reviews the other's performance."""
        return one in self._reviewers.get(other, ()) or other in self._reviewers.get(one, ())


class _Closure:
    """Everything that can be reached by one kind of step, computed once per start."""

    def __init__(self, steps: Mapping[UUID, frozenset[UUID]]) -> None:
        self._steps = steps
        self._reached: dict[UUID, frozenset[UUID]] = {}

    def joins(self, one: UUID, other: UUID) -> bool:
        return other in self._from(one) or one in self._from(other)

    def _from(self, start: UUID) -> frozenset[UUID]:
        known = self._reached.get(start)
        if known is not None:
            return known
        reached: set[UUID] = set()
        frontier = list(self._steps.get(start, ()))
        while frontier:
            here = frontier.pop()
            if here in reached:
                continue
            reached.add(here)
            if here in self._reached:
                reached |= self._reached[here]
            else:
                frontier.extend(self._steps.get(here, ()))
        self._reached[start] = frozenset(reached)
        return self._reached[start]
