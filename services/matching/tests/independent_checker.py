"""Finds conflicts of interest in what was published about people, sharing no code with the service.

It reads the events alone: newest version of each person, climbed step by step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.enrollment import EmploymentState, PersonState
from contracts.envelope import Envelope


@dataclass
class IndependentChecker:
    """What is known of people after some events, and which change sets have not wholly come."""

    newest: dict[UUID, Envelope[PersonState]] = field(default_factory=dict)
    missing: dict[UUID, set[int]] = field(default_factory=dict)
    touched: dict[UUID, set[UUID]] = field(default_factory=dict)

    def hear(self, events: Iterable[Envelope[Any]]) -> None:
        """Take note of events in any order."""
        for event in events:
            person = event.data
            held = self.newest.get(person.person_id)
            if held is None or held.sequence < event.sequence:
                self.newest[person.person_id] = event
            missing = self.missing.setdefault(person.change_set_id, set(range(person.change_set_size)))
            missing.discard(person.change_set_index)
            self.touched.setdefault(person.change_set_id, set()).add(person.person_id)
            if not missing:
                self.touched[person.change_set_id] = set()

    def in_motion(self) -> set[UUID]:
        """Everybody whom a change set that has not wholly come has changed."""
        return set().union(*self.touched.values())

    def above(self, person: UUID) -> set[UUID]:
        """Everybody above somebody, by managers and dotted lines."""
        seen: set[UUID] = set()
        level = {person}
        while level:
            up: set[UUID] = set()
            for one in level:
                if one in self.newest:
                    state = self.newest[one].data
                    up |= set(state.dotted_line_manager_ids)
                    up |= {state.manager_id} if state.manager_id else set()
            level = up - seen
            seen |= up
        return seen

    def rests_on(self, mentor: UUID, mentee: UUID) -> set[UUID]:
        """Everybody whose facts decide about two people."""
        return {mentor, mentee} | self.above(mentor) | self.above(mentee)

    def conflict(self, mentor: UUID, mentee: UUID) -> bool:
        """Whether two people are in conflict by what is known."""
        one, other = self.newest[mentor].data, self.newest[mentee].data
        if EmploymentState.LEFT in (one.state, other.state):
            return True
        if mentee in self.above(mentor) or mentor in self.above(mentee):
            return True
        if one.manager_id is not None and one.manager_id == other.manager_id:
            return True
        if one.team_code is not None and one.team_code == other.team_code:
            return True
        if set(one.project_codes) & set(other.project_codes):
            return True
        return mentee in one.reviewer_ids or mentor in other.reviewer_ids

    def too_close_in_grade(self, mentor: UUID, mentee: UUID, gap: int) -> bool:
        """Whether a proposal of a reverse program breaks its rules about grades."""
        return self.newest[mentee].data.grade_rank - self.newest[mentor].data.grade_rank < max(1, gap)
