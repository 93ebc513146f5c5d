"""A unit of work in memory. What is loaded is a copy, so that a change without a save is lost, as it is in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from chassis.ports import Principal
from chassis.testing import UnitOfWorkInMemory
from enrollment.domain.audit_groups import AuditGroups
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.change_sets import Change, KnownPerson
from enrollment.domain.cohorts import Cohort, CohortState
from enrollment.domain.erasures import ErasedPerson, Erasure
from enrollment.domain.findings import RowFinding
from enrollment.domain.imports import FINISHED, Import
from enrollment.domain.life_experience import LifeExperience
from enrollment.domain.participations import HOLDS_A_PLACE, Participation, ParticipationState, Role, WaitlistQueue
from enrollment.domain.people import UnitPolicy
from enrollment.domain.programs import Program
from enrollment.domain.reporting_lines import LineFinding, LineNode

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNIT = uuid4()


@dataclass
class FakeUnits:
    rows: dict[UUID, BusinessUnit] = field(default_factory=dict)

    def add(self, unit: BusinessUnit) -> None:
        self.rows[unit.business_unit_id] = deepcopy(unit)

    async def unknown(self, unit_ids: Collection[UUID]) -> set[UUID]:
        return set(unit_ids) - set(self.rows)

    async def policies(self) -> list[UnitPolicy]:
        return [
            UnitPolicy(unit.business_unit_id, unit.code, unit.ladder, unit.default_time_zone)
            for unit in self.rows.values()
        ]


@dataclass
class FakePeople:
    rows: dict[UUID, KnownPerson] = field(default_factory=dict)
    ancestors: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    findings: list[tuple[LineFinding, tuple[UUID, ...]]] = field(default_factory=list)

    async def employed_unit(self, person_id: UUID) -> UUID | None:
        person = self.rows.get(person_id)
        return person.business_unit_id if person is not None and person.employed else None

    async def of_units(self, unit_ids: Collection[UUID], after: UUID | None, limit: int) -> list[KnownPerson]:
        found = sorted(
            (person for person in self.rows.values() if person.business_unit_id in unit_ids),
            key=lambda person: person.person_id,
        )
        return [person for person in found if after is None or person.person_id > after][:limit]

    async def apply(self, changes: Sequence[Change], now: datetime) -> None:
        self.rows |= {change.person.person_id: change.person for change in changes}

    async def lines(self) -> tuple[dict[UUID, LineNode], dict[UUID, tuple[UUID, ...]]]:
        nodes = {
            person.person_id: LineNode(
                person.business_unit_id, person.standing.manager_id, person.particulars.manager_unknown
            )
            for person in self.rows.values()
            if person.employed
        }
        return nodes, {person_id: self.ancestors.get(person_id, ()) for person_id in nodes}

    async def store_ancestors(self, ancestors: Mapping[UUID, tuple[UUID, ...]]) -> None:
        self.ancestors |= ancestors

    async def replace_line_findings(
        self, findings: Sequence[tuple[LineFinding, tuple[UUID, ...]]], now: datetime
    ) -> None:
        self.findings = list(findings)


@dataclass
class FakePrograms:
    rows: dict[UUID, Program] = field(default_factory=dict)

    def add(self, program: Program) -> None:
        assert program.program_id not in self.rows
        self.rows[program.program_id] = deepcopy(program)

    async def get(self, program_id: UUID) -> Program | None:
        return deepcopy(self.rows.get(program_id))

    def save(self, program: Program) -> None:
        assert program.program_id in self.rows
        self.rows[program.program_id] = deepcopy(program)


@dataclass
class FakeCohorts:
    rows: dict[UUID, Cohort] = field(default_factory=dict)
    locked: list[UUID] = field(default_factory=list)
    keys: dict[UUID, bytes] = field(default_factory=dict)
    forgotten: list[UUID] = field(default_factory=list)

    def add(self, cohort: Cohort) -> None:
        assert cohort.cohort_id not in self.rows
        self.rows[cohort.cohort_id] = deepcopy(cohort)

    async def get(self, cohort_id: UUID, *, share: bool = False) -> Cohort | None:
        if not share:
            self.locked.append(cohort_id)
        return deepcopy(self.rows.get(cohort_id))

    def save(self, cohort: Cohort) -> None:
        assert cohort.cohort_id in self.rows
        self.rows[cohort.cohort_id] = deepcopy(cohort)

    async def key(self, cohort_id: UUID) -> bytes:
        return self.keys.setdefault(cohort_id, cohort_id.bytes * 2)

    async def forget_experiences(self, cohort_id: UUID) -> None:
        self.keys.pop(cohort_id, None)
        self.forgotten.append(cohort_id)

    async def due(self, today: date, limit: int) -> list[Cohort]:
        due = [
            cohort for cohort in self.rows.values() if cohort.state is CohortState.ACTIVE and cohort.ends_on <= today
        ]
        return deepcopy(due[:limit])


@dataclass
class FakeParticipations:
    cohorts: FakeCohorts
    rows: dict[UUID, Participation] = field(default_factory=dict)
    notes: dict[UUID, str] = field(default_factory=dict)
    last_numbers: dict[tuple[UUID, Role], int] = field(default_factory=dict)
    experiences: dict[UUID, LifeExperience] = field(default_factory=dict)
    waited: set[UUID] = field(default_factory=set)

    async def get(self, participation_id: UUID) -> Participation | None:
        return deepcopy(self.rows.get(participation_id))

    async def find(self, cohort_id: UUID, person_id: UUID) -> Participation | None:
        return deepcopy(
            next((row for row in self.rows.values() if (row.cohort_id, row.person_id) == (cohort_id, person_id)), None)
        )

    async def queue(self, cohort_id: UUID, role: Role, places: int | None) -> WaitlistQueue:
        assert cohort_id in self.cohorts.locked, "the queue may change while it is read unless the cohort is locked"
        mine = [row for row in self.rows.values() if row.cohort_id == cohort_id and row.role is role]
        waiting = tuple(row.queue_number or 0 for row in mine if row.state is ParticipationState.WAITLISTED)
        taken = sum(row.state in HOLDS_A_PLACE for row in mine)
        return WaitlistQueue(waiting, self.last_numbers.get((cohort_id, role), 0), places, taken)

    def add(self, participation: Participation) -> None:
        assert participation.participation_id not in self.rows
        self._put(participation)

    def save(self, participation: Participation) -> None:
        assert participation.participation_id in self.rows
        self._put(participation)

    def _put(self, participation: Participation) -> None:
        stored = deepcopy(participation)
        stored.screening_notes = None
        self.rows[participation.participation_id] = stored
        if participation.queue_number is not None:
            self.last_numbers[participation.cohort_id, participation.role] = participation.queue_number

    async def add_all(self, participations: Sequence[Participation]) -> None:
        for participation in participations:
            self.add(participation)

    async def found(self, cohort_id: UUID, people: Collection[UUID]) -> list[Participation]:
        return deepcopy([row for row in self.rows.values() if row.cohort_id == cohort_id and row.person_id in people])

    async def by_ids(self, cohort_id: UUID, participation_ids: Collection[UUID]) -> list[Participation]:
        wanted = (row for row in self.rows.values() if row.participation_id in participation_ids)
        return deepcopy([row for row in wanted if row.cohort_id == cohort_id])

    def _ready(self, cohort_id: UUID) -> list[Participation]:
        states = {ParticipationState.SCREENED, ParticipationState.WAITLISTED}
        mine = (row for row in self.rows.values() if row.cohort_id == cohort_id and row.state in states)
        return sorted(
            (row for row in mine if row.screening_passed),
            key=lambda row: (row.queue_number is None, row.queue_number or 0, row.participation_id),
        )

    async def ready(self, cohort_id: UUID, role: Role, limit: int) -> list[Participation]:
        return deepcopy([row for row in self._ready(cohort_id) if row.role is role][:limit])

    async def count_ready(self, cohort_id: UUID) -> int:
        return len(self._ready(cohort_id))

    async def save_all(self, participations: Sequence[Participation]) -> None:
        for participation in participations:
            self.save(participation)

    async def waited_in_vain(self, program_id: UUID, people: Collection[UUID], cohort_id: UUID) -> set[UUID]:
        return set(self.waited) & set(people)

    def keep_experience(self, participation: Participation, experience: LifeExperience, now: datetime) -> None:
        self.experiences[participation.participation_id] = experience

    def forget_experience(self, participation: Participation) -> None:
        del self.experiences[participation.participation_id]

    async def forget_experiences(self, participations: Sequence[Participation]) -> None:
        for participation in participations:
            self.experiences.pop(participation.participation_id, None)

    def keep_notes(self, participation: Participation) -> None:
        self.notes[participation.participation_id] = participation.screening_notes or ""

    async def keep_all_notes(self, participations: Sequence[Participation]) -> None:
        for participation in participations:
            assert participation.screening_notes
            self.keep_notes(participation)


@dataclass
class FakeDeclaredGroups:
    participations: FakeParticipations
    rows: dict[UUID, AuditGroups] = field(default_factory=dict)

    def keep(self, participation: Participation, groups: AuditGroups, now: datetime) -> None:
        self.rows[participation.participation_id] = groups

    def forget(self, participation: Participation) -> None:
        del self.rows[participation.participation_id]

    async def declaring(self, cohort_id: UUID) -> list[Participation]:
        found = [row for row in self.participations.rows.values() if row.cohort_id == cohort_id and row.declares_groups]
        return deepcopy(found)


@dataclass
class FakeImports:
    rows: dict[UUID, Import] = field(default_factory=dict)
    kept_files: dict[UUID, dict[str, bytes]] = field(default_factory=dict)
    report: dict[UUID, list[RowFinding]] = field(default_factory=dict)
    changes: dict[UUID, dict[int, Change]] = field(default_factory=dict)

    def add(self, upload: Import, files: Mapping[str, bytes]) -> None:
        self.rows[upload.import_id] = deepcopy(upload)
        self.kept_files[upload.import_id] = dict(files)

    async def at_rest(self) -> bool:
        return all(upload.state in FINISHED for upload in self.rows.values())

    async def claim(self, worker: UUID) -> Import | None:
        return deepcopy(next((upload for upload in self.rows.values() if upload.state not in FINISHED), None))

    def save(self, upload: Import) -> None:
        self.rows[upload.import_id] = deepcopy(upload)

    async def files(self, import_id: UUID) -> dict[str, bytes]:
        return self.kept_files[import_id]

    async def restart_staging(self, import_id: UUID) -> None:
        self.report[import_id], self.changes[import_id] = [], {}

    async def add_findings(self, upload: Import, findings: Sequence[RowFinding]) -> None:
        self.report.setdefault(upload.import_id, []).extend(findings)

    async def stage(self, upload: Import, first: int, changes: Sequence[Change]) -> None:
        kept = self.changes.setdefault(upload.import_id, {})
        for place, change in enumerate(changes, first):
            assert place not in kept
            kept[place] = change

    async def staged(self, import_id: UUID, first: int, limit: int) -> list[Change]:
        kept = self.changes[import_id]
        return [kept[place] for place in sorted(kept) if place >= first][:limit]

    async def unstage(self, import_id: UUID, before: int) -> None:
        kept = self.changes[import_id]
        self.changes[import_id] = {place: change for place, change in kept.items() if place >= before}

    async def purge(self, import_id: UUID) -> None:
        self.kept_files.pop(import_id, None)
        self.changes.pop(import_id, None)


@dataclass
class FakeErasures:
    people: FakePeople
    participations: FakeParticipations
    rows: dict[UUID, Erasure] = field(default_factory=dict)
    identities_gone: list[UUID] = field(default_factory=list)

    async def of_person(self, person_id: UUID) -> Erasure | None:
        return deepcopy(self.rows.get(person_id))

    async def oldest_open(self) -> Erasure | None:
        return deepcopy(next((erasure for erasure in self.rows.values() if erasure.erased_at is None), None))

    async def add(self, erasure: Erasure) -> bool:
        fresh = erasure.person_id not in self.rows
        self.rows.setdefault(erasure.person_id, deepcopy(erasure))
        return fresh

    def save(self, erasure: Erasure) -> None:
        self.rows[erasure.person_id] = deepcopy(erasure)

    async def has_person(self, person_id: UUID, unit_id: UUID) -> bool:
        person = self.people.rows.get(person_id)
        return person is not None and person.business_unit_id == unit_id

    async def erase_person(self, person_id: UUID, now: datetime) -> ErasedPerson:
        person = self.people.rows[person_id]
        self.people.rows[person_id] = replace(person, employed=False, version=person.version + 1)
        self.identities_gone.append(person_id)
        standing = person.standing
        kept = (standing.grade, standing.grade_rank, None, ())
        return ErasedPerson(person_id, person.business_unit_id, *kept, person.version + 1)

    async def participations_of(self, person_id: UUID) -> list[Participation]:
        return deepcopy([row for row in self.participations.rows.values() if row.person_id == person_id])

    async def forget_notes(self, participations: Sequence[Participation]) -> None:
        for participation in participations:
            self.participations.notes.pop(participation.participation_id, None)


class FakeUnitOfWork(UnitOfWorkInMemory):
    """Satisfies `application.ports.EnrollmentUnitOfWork`; `published` and `audited` keep what was said."""

    def __init__(self, *roles: str, unit: UUID | None = UNIT, person: UUID | None = None) -> None:
        super().__init__(
            START, Principal("somebody", person or uuid4(), unit, frozenset(roles or ("program_manager",)))
        )
        self.business_units = FakeUnits()
        self.people = FakePeople()
        self.programs = FakePrograms()
        self.cohorts = FakeCohorts()
        self.participations = FakeParticipations(self.cohorts)
        self.declared_groups = FakeDeclaredGroups(self.participations)
        self.imports = FakeImports()
        self.erasures = FakeErasures(self.people, self.participations)

    def publish(self, event: Any, *, sequence: int) -> None:
        first = not any(earlier.subject == event.subject for earlier, _ in self.published)
        assert sequence == 1 or not first, f"{type(event).__name__} begins with {sequence}"
        super().publish(event, sequence=sequence)

    @asynccontextmanager
    async def again(self) -> AsyncIterator[FakeUnitOfWork]:
        """The same store as another transaction."""
        yield self
