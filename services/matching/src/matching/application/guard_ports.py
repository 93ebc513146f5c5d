"""What the guard against conflicts of interest needs of the world: its books of what changed, the register, waivers, notices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from matching.domain.notice import Notice
from matching.domain.pair import Pair
from matching.domain.registered_conflict import RegisteredConflict
from matching.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person's event as a member of its change set, which has `change_set_size` events in all."""

    person_id: UUID
    business_unit_id: UUID
    change_set_id: UUID
    change_set_size: int
    change_set_index: int
    happened_at: datetime


@dataclass(slots=True)
class DuePair:
    """A living pair to be judged, locked. `since` is when the oldest event that asked for it happened; None for the first look
    at a new pair.
    """

    pair: Pair
    since: datetime | None


class ConflictRegister(Protocol):
    """Registered conflicts of interest. What is loaded here is locked until the end of the transaction."""

    async def among(self, people: Collection[UUID]) -> Sequence[tuple[UUID, UUID]]:
        """The registered conflicts with both sides in `people`, the lower id first, each once, ascending."""

    async def get(self, conflict_id: UUID) -> RegisteredConflict | None:
        """The entry, or None when there is none that the transaction's business unit may see."""

    async def knows_one_of(self, people: Collection[UUID]) -> bool:
        """Whether one of these people is known to the transaction's business unit as its own."""

    def add(self, entry: RegisteredConflict) -> None:
        """Stage a new entry; Conflict at commit when the unit has one about the two."""

    def remove(self, entry: RegisteredConflict, now: datetime) -> None:
        """Stage that the entry counts no more."""

    async def unexamined(self) -> Sequence[tuple[UUID, UUID, datetime]]:
        """Take the entries, and removals, that the guard has not looked at: both people, and when it was registered or removed."""


class WaiverRepository(Protocol):
    """Waivers. What is loaded by its id is locked until the end of the transaction."""

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Waiver]:
        """The waivers of a cohort that count: approved and not withdrawn, in the order of their ids."""

    async def get(self, waiver_id: UUID) -> Waiver | None:
        """The waiver in any state, or None when there is none that the transaction's business unit may see."""

    def add(self, waiver: Waiver) -> None:
        """Stage a new waiver."""

    def save(self, waiver: Waiver) -> None:
        """Stage what has changed of a waiver that was loaded."""


class NoticeRepository(Protocol):
    """Notices to people."""

    def add(self, notice: Notice) -> None:
        """Stage a notice."""


class GuardBooks(Protocol):
    """What changed and has not been judged yet: change sets on their way, pairs marked for a check.

    A pair is *living* while it is released, formed or quarantined and engagement has not ended it. `patience` is the seconds of
    real time after which a change set is judged although events of it are missing.
    """

    async def note_people(self, changes: Sequence[PersonChange]) -> None:
        """Count the changes to their sets, each once, and mark every living pair that stands on one of these people."""

    def note_application(self, participation_id: UUID, person_id: UUID, business_unit_id: UUID, at: datetime) -> None:
        """Stage that an application of a person to a cohort of a unit has changed."""

    async def mark(self, one: UUID, other: UUID, happened_at: datetime) -> None:
        """Mark the living pairs of these two people, to be judged at once."""

    async def outdate(self, one: UUID, other: UUID) -> None:
        """Mark every run that is not released, with both people in its snapshot: it cannot be any more."""

    async def is_marked(self, pair_id: UUID) -> bool:
        """Whether the pair waits for the guard's judgement."""

    async def lead(self) -> bool:
        """Whether anything is in the books, and this transaction alone judges it; another one that asks meanwhile is told no.

        One question, because it is asked a few times a second and the answer is nearly always no.
        """

    async def mark_applicants(self) -> None:
        """Mark the living pairs of everybody whose application has changed, to be judged at once."""

    async def due(self, limit: int, patience: float) -> Sequence[DuePair]:
        """At most about `limit` living pairs to judge now: new ones, and marked ones whose change set is complete or overdue.

        Marks of pairs that live no more are removed on the way.
        """

    async def arriving(self, people: Collection[UUID], patience: float) -> Mapping[UUID, frozenset[UUID]]:
        """The change sets by person that have changed them and are neither complete nor overdue."""

    async def settle(
        self, stands_on: Mapping[UUID, Collection[UUID]], waiting: Sequence[tuple[Pair, UUID, datetime]]
    ) -> None:
        """Remove the marks of the pairs looked at, and keep on whom each stands, so that changes of these mark it.

        Each of `waiting` is marked again: a pair, a change set it has to wait for, and since when.
        """

    async def close_change_sets(self, patience: float) -> None:
        """Forget change sets that are complete and judged, and those that have not been completed for a day."""
