"""What the use cases need of the world: repositories that load for update and stage changes.

Nothing is written before the mechanism commits the unit of work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import UnitOfWork

from enrollment.domain.audit_groups import AuditGroups
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.change_sets import Change, KnownPerson
from enrollment.domain.cohorts import Cohort
from enrollment.domain.erasures import ErasedPerson, Erasure
from enrollment.domain.findings import RowFinding
from enrollment.domain.imports import Import
from enrollment.domain.life_experience import LifeExperience
from enrollment.domain.participations import Participation, Role, WaitlistQueue
from enrollment.domain.people import UnitPolicy
from enrollment.domain.programs import Program
from enrollment.domain.reporting_lines import LineFinding, LineNode


class BusinessUnitRepository(Protocol):
    """Business units, and the directory of all of them by id and code."""

    def add(self, unit: BusinessUnit) -> None:
        """A new unit; at commit a Conflict when its code is taken."""

    async def unknown(self, unit_ids: Collection[UUID]) -> set[UUID]:
        """Those of the ids that are no business unit."""

    async def policies(self) -> list[UnitPolicy]:
        """What reading rows needs of every unit (worker only: crosses units)."""


class PeopleRepository(Protocol):
    """People as they stand."""

    async def employed_unit(self, person_id: UUID) -> UUID | None:
        """The unit that employs the person; None when unknown, gone, or not visible."""

    async def of_units(self, unit_ids: Collection[UUID], after: UUID | None, limit: int) -> list[KnownPerson]:
        """Everybody ever imported for the units, who has left included, in the order of ids from after `after` on (worker only)."""

    async def apply(self, changes: Sequence[Change], now: datetime) -> None:
        """Write people and identities as they are after the changes, at once."""

    async def lines(self) -> tuple[dict[UUID, LineNode], dict[UUID, tuple[UUID, ...]]]:
        """Everybody employed with their superior, and everybody's stored ancestors (worker only)."""

    async def store_ancestors(self, ancestors: Mapping[UUID, tuple[UUID, ...]]) -> None:
        """Write the ancestors of some people, at once."""

    async def replace_line_findings(
        self, findings: Sequence[tuple[LineFinding, tuple[UUID, ...]]], now: datetime
    ) -> None:
        """Put these findings, each with the units of its people, in place of all earlier ones, at once."""


class ProgramRepository(Protocol):
    """Programs, locked until the end of the transaction when loaded."""

    def add(self, program: Program) -> None:
        """A new program."""

    async def get(self, program_id: UUID) -> Program | None:
        """The program, or None when the transaction's unit sees none by this id."""

    def save(self, program: Program) -> None:
        """The program as it is now."""


class CohortRepository(Protocol):
    """Cohorts, locked until the end of the transaction when loaded."""

    def add(self, cohort: Cohort) -> None:
        """A new cohort."""

    async def get(self, cohort_id: UUID, *, share: bool = False) -> Cohort | None:
        """The cohort, or None when not visible. `share`: only against changes, so that others may read it meanwhile."""

    def save(self, cohort: Cohort) -> None:
        """The cohort as it is now."""

    async def key(self, cohort_id: UUID) -> bytes:
        """The secret under which the cohort's codes of life experience are made, 32 bytes, made at once when there is none yet."""

    async def forget_experiences(self, cohort_id: UUID) -> None:
        """Destroy that secret and erase what people of the cohort declared, at once: codes that were published mean nothing any more."""

    async def due(self, today: date, limit: int) -> list[Cohort]:
        """Active cohorts whose duration has passed, locked, the most overdue first (worker only)."""


class ParticipationRepository(Protocol):
    """Participations, locked until the end of the transaction when loaded."""

    async def get(self, participation_id: UUID) -> Participation | None:
        """The participation, or None when not visible."""

    async def find(self, cohort_id: UUID, person_id: UUID) -> Participation | None:
        """The person's participation in the cohort, if there is one."""

    async def queue(self, cohort_id: UUID, role: Role, places: int | None) -> WaitlistQueue:
        """The waitlist of a role as it stands. Lock the cohort first, so that it stays so."""

    def add(self, participation: Participation) -> None:
        """A new participation; at commit a Conflict when the person is in the cohort already."""

    def save(self, participation: Participation) -> None:
        """The participation as it is now, without the notes of its screening."""

    async def add_all(self, participations: Sequence[Participation]) -> None:
        """Many new participations, at once; a Conflict when one of the people is in the cohort already."""

    async def found(self, cohort_id: UUID, people: Collection[UUID]) -> list[Participation]:
        """The participations of these people in the cohort, locked, in the order of their ids."""

    async def by_ids(self, cohort_id: UUID, participation_ids: Collection[UUID]) -> list[Participation]:
        """Those of the participations that are in the cohort, locked, in the order of their ids."""

    async def ready(self, cohort_id: UUID, role: Role, limit: int) -> list[Participation]:
        """Candidates of the role who have passed the screening, locked: who waits, in the order of the queue, then the others by id."""

    async def count_ready(self, cohort_id: UUID) -> int:
        """How many candidates of both roles have passed the screening and hold no place."""

    async def save_all(self, participations: Sequence[Participation]) -> None:
        """Many participations as they are now, at once, without the notes of their screenings."""

    async def waited_in_vain(self, program_id: UUID, people: Collection[UUID], cohort_id: UUID) -> set[UUID]:
        """Those of the people whom an earlier cohort of the program, past its matching, left waiting, or admitted and without a pair."""

    def keep_experience(self, participation: Participation, experience: LifeExperience, now: datetime) -> None:
        """Store what the person declared of their life and consented to now, apart from everything else, in place of what was there."""

    def forget_experience(self, participation: Participation) -> None:
        """Erase it. Only where something is kept."""

    async def forget_experiences(self, participations: Sequence[Participation]) -> None:
        """Erase it of many, at once, where something is kept."""

    def keep_notes(self, participation: Participation) -> None:
        """Store the notes of the screening, apart from everything else."""

    async def keep_all_notes(self, participations: Sequence[Participation]) -> None:
        """Store the notes of many screenings, at once; each has some."""


class DeclaredGroupsRepository(Protocol):
    """What people declared for audits, apart from everything else."""

    def keep(self, participation: Participation, groups: AuditGroups, now: datetime) -> None:
        """Store what the person declared and consented to now, in place of what was there."""

    def forget(self, participation: Participation) -> None:
        """Erase it. Only where something is kept."""

    async def declaring(self, cohort_id: UUID) -> list[Participation]:
        """The participations of the cohort that declare groups, locked, in the order of their ids."""


class ErasureRepository(Protocol):
    """People who are to be erased, or were."""

    async def of_person(self, person_id: UUID) -> Erasure | None:
        """The person's erasure, if it was ever asked for."""

    async def oldest_open(self) -> Erasure | None:
        """The oldest that is not done, locked; None when there is none, or another worker is at it (worker only)."""

    async def add(self, erasure: Erasure) -> bool:
        """Write a new one, at once; False, and nothing is written, when the person has one already."""

    def save(self, erasure: Erasure) -> None:
        """The erasure as it is now."""

    async def has_person(self, person_id: UUID, unit_id: UUID) -> bool:
        """Whether the unit has, or had, a person by this id."""

    async def erase_person(self, person_id: UUID, now: datetime) -> ErasedPerson:
        """Erase who the person is and all of where they stand but the grade, at once; what is left, with its new version (worker only)."""

    async def participations_of(self, person_id: UUID) -> list[Participation]:
        """All participations of the person, locked, in the order of their ids (worker only: crosses units)."""

    async def forget_notes(self, participations: Sequence[Participation]) -> None:
        """Erase the notes of their screenings, at once, where there are some (worker only)."""


class ImportRepository(Protocol):
    """Imports, their files, findings and staged changes."""

    async def at_rest(self) -> bool:
        """Whether no import is under way; none begins before the end of the transaction then (worker only)."""

    def add(self, upload: Import, files: Mapping[str, bytes]) -> None:
        """A new import with its files."""

    async def claim(self, worker: UUID) -> Import | None:
        """The oldest unfinished import, locked and claimed for `worker`; None when there is none, or another worker is at it."""

    def save(self, upload: Import) -> None:
        """The import as it is now."""

    async def files(self, import_id: UUID) -> dict[str, bytes]:
        """Its files by name."""

    async def restart_staging(self, import_id: UUID) -> None:
        """Throw away findings and staged changes of an earlier try, at once."""

    async def add_findings(self, upload: Import, findings: Sequence[RowFinding]) -> None:
        """Add to the report, in this order, at once."""

    async def stage(self, upload: Import, first: int, changes: Sequence[Change]) -> None:
        """Keep planned changes under the places `first`, `first + 1`, ..., at once."""

    async def staged(self, import_id: UUID, first: int, limit: int) -> list[Change]:
        """Staged changes from place `first` on, in order."""

    async def unstage(self, import_id: UUID, before: int) -> None:
        """Throw away staged changes of places below `before`, at once: they are applied and hold personal data."""

    async def purge(self, import_id: UUID) -> None:
        """Throw away files and staged changes, which hold personal data, at once. The report stays."""


class EnrollmentUnitOfWork(UnitOfWork, Protocol):
    """One transaction of enrollment."""

    @property
    def business_units(self) -> BusinessUnitRepository:
        """The tenants."""

    @property
    def erasures(self) -> ErasureRepository:
        """Who is to be erased."""

    @property
    def people(self) -> PeopleRepository:
        """Who works here."""

    @property
    def programs(self) -> ProgramRepository:
        """Charters and rules."""

    @property
    def cohorts(self) -> CohortRepository:
        """Runs of programs."""

    @property
    def participations(self) -> ParticipationRepository:
        """People in cohorts."""

    @property
    def declared_groups(self) -> DeclaredGroupsRepository:
        """What people declared for audits."""

    @property
    def imports(self) -> ImportRepository:
        """HR files on their way."""
