"""The guard's repositories in memory; real time stands still until `pass_time`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from matching.application.guard_ports import DuePair, PersonChange
from matching.domain.notice import Notice
from matching.domain.pair import Pair, PairState
from matching.domain.registered_conflict import RegisteredConflict
from matching.domain.waiver import Waiver, WaiverState

AT_ONCE = UUID(int=0)
LIVING = (PairState.RELEASED, PairState.FORMED, PairState.QUARANTINED)


class FakeConflicts:
    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.held: dict[UUID, RegisteredConflict] = {}
        self.news: list[tuple[UUID, UUID, datetime]] = []

    async def among(self, people: Collection[UUID]) -> Sequence[tuple[UUID, UUID]]:
        return sorted({entry.people for entry in self.held.values() if set(entry.people) <= set(people)})

    async def get(self, conflict_id: UUID) -> RegisteredConflict | None:
        entry = self.held.get(conflict_id)
        return entry if entry and entry.business_unit_id == self.uow.principal.business_unit_id else None

    async def knows_one_of(self, people: Collection[UUID]) -> bool:
        own = self.uow.principal.business_unit_id
        held = self.uow.known_people.held
        return any(person in held and held[person].business_unit_id == own for person in people)

    def add(self, entry: RegisteredConflict) -> None:
        self.held[entry.conflict_id] = entry
        self.news.append((*entry.people, entry.registered_at))

    def remove(self, entry: RegisteredConflict, now: datetime) -> None:
        del self.held[entry.conflict_id]
        self.news.append((*entry.people, now))

    async def unexamined(self) -> Sequence[tuple[UUID, UUID, datetime]]:
        news, self.news = self.news, []
        return news


class FakeWaivers:
    def __init__(self) -> None:
        self.held: dict[UUID, Waiver] = {}

    async def of_cohort(self, cohort_id: UUID) -> Sequence[Waiver]:
        return [
            waiver
            for waiver in self.held.values()
            if waiver.cohort_id == cohort_id and waiver.state is WaiverState.APPROVED
        ]

    async def get(self, waiver_id: UUID) -> Waiver | None:
        return self.held.get(waiver_id)

    def add(self, waiver: Waiver) -> None:
        self.held[waiver.waiver_id] = waiver

    def save(self, waiver: Waiver) -> None:
        assert self.held[waiver.waiver_id] is waiver


class FakeNotices:
    def __init__(self) -> None:
        self.held: list[Notice] = []

    def add(self, notice: Notice) -> None:
        self.held.append(notice)


@dataclass
class _Set:
    size: int
    first_seen: float
    places: set[int] = field(default_factory=set)
    people: set[UUID] = field(default_factory=set)


class FakeBooks:
    """See matching.application.guard_ports.GuardBooks."""

    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.seconds = 0.0
        self.sets: dict[UUID, _Set] = {}
        self.marks: dict[tuple[UUID, UUID], datetime] = {}
        self.watched: dict[UUID, frozenset[UUID]] = {}
        self.applications: dict[UUID, tuple[UUID, datetime]] = {}
        self.outdated: list[frozenset[UUID]] = []

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds

    def _living(self) -> list[Pair]:
        ended = {pair.pair_id for pair in self.uow.known_pairs.held.values() if pair.ended}
        return [pair for pair in self.uow.pairs.held.values() if pair.state in LIVING and pair.pair_id not in ended]

    def _mark(self, pair: Pair, set_id: UUID, at: datetime) -> None:
        self.marks.setdefault((pair.pair_id, set_id), at)

    async def note_people(self, changes: Sequence[PersonChange]) -> None:
        for change in changes:
            held = self.sets.setdefault(change.change_set_id, _Set(change.change_set_size, self.seconds))
            held.places.add(change.change_set_index)
            held.people.add(change.person_id)
        for pair in self._living():
            watched = self.watched.get(pair.pair_id)
            for change in changes:
                if watched is None or change.person_id in watched:
                    self._mark(pair, change.change_set_id, change.happened_at)

    def note_application(self, participation_id: UUID, person_id: UUID, business_unit_id: UUID, at: datetime) -> None:
        self.applications[participation_id] = (person_id, at)

    async def mark(self, one: UUID, other: UUID, happened_at: datetime) -> None:
        for pair in self._living():
            if {pair.mentor.person_id, pair.mentee.person_id} == {one, other}:
                self._mark(pair, AT_ONCE, happened_at)

    async def outdate(self, one: UUID, other: UUID) -> None:
        self.outdated.append(frozenset((one, other)))

    async def is_marked(self, pair_id: UUID) -> bool:
        return any(marked == pair_id for marked, _ in self.marks)

    async def lead(self) -> bool:
        return True

    async def mark_applicants(self) -> None:
        told, self.applications = self.applications, {}
        for pair in self._living():
            for member in (pair.mentor, pair.mentee):
                if member.participation_id in told:
                    self._mark(pair, AT_ONCE, told[member.participation_id][1])

    def _arrives(self, set_id: UUID, patience: float) -> bool:
        held = self.sets.get(set_id)
        return held is not None and len(held.places) < held.size and self.seconds - held.first_seen < patience

    async def due(self, limit: int, patience: float) -> Sequence[DuePair]:
        living = {pair.pair_id: pair for pair in self._living()}
        self.marks = {key: at for key, at in self.marks.items() if key[0] in living}
        ids = {pair_id for pair_id, set_id in self.marks if not self._arrives(set_id, patience)}
        ids |= living.keys() - self.watched.keys()
        found = []
        for pair_id in sorted(ids)[:limit]:
            times = [at for (marked, _), at in self.marks.items() if marked == pair_id]
            found.append(DuePair(living[pair_id], min(times, default=None)))
        return found

    async def arriving(self, people: Collection[UUID], patience: float) -> Mapping[UUID, frozenset[UUID]]:
        found: dict[UUID, set[UUID]] = {}
        for set_id, held in self.sets.items():
            if self._arrives(set_id, patience):
                for person in held.people & set(people):
                    found.setdefault(person, set()).add(set_id)
        return {person: frozenset(sets) for person, sets in found.items()}

    async def settle(
        self, stands_on: Mapping[UUID, Collection[UUID]], waiting: Sequence[tuple[Pair, UUID, datetime]]
    ) -> None:
        self.marks = {key: at for key, at in self.marks.items() if key[0] not in stands_on}
        self.watched.update({pair_id: frozenset(people) for pair_id, people in stands_on.items()})
        for pair, set_id, since in waiting:
            self._mark(pair, set_id, since)

    async def close_change_sets(self, patience: float) -> None:
        marked = {set_id for _, set_id in self.marks}
        self.sets = {
            set_id: held for set_id, held in self.sets.items() if len(held.places) < held.size or set_id in marked
        }
