"""What enrollment shows: reads, apart from the rules. Whatever the caller may not see raises NotVisible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import Principal

from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.cohorts import Cohort
from enrollment.domain.erasures import Erasure
from enrollment.domain.findings import RowFinding
from enrollment.domain.imports import Import
from enrollment.domain.languages import LanguageSkill
from enrollment.domain.participations import Participation
from enrollment.domain.people import Identity
from enrollment.domain.programs import Program


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """A unit in the directory."""

    unit_id: UUID
    code: str
    display_name: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person with identity, for program managers of their unit."""

    person_id: UUID
    business_unit_id: UUID
    employee_number: str
    identity: Identity
    employed: bool
    grade: str
    grade_rank: int
    manager_id: UUID | None
    dotted_line_manager_ids: tuple[UUID, ...]
    team: str | None
    function: str | None
    region: str | None
    country: str | None
    time_zone: str
    languages: tuple[LanguageSkill, ...]
    joined_on: date | None
    version: int
    projects: tuple[str, ...]
    reviewer_ids: tuple[UUID, ...]
    tenure_band: str | None


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which people to list; None lets everybody through. Ranks are bounds, both included."""

    employed: bool | None = None
    grade: str | None = None
    function: str | None = None
    region: str | None = None
    country: str | None = None
    lowest_rank: int | None = None
    highest_rank: int | None = None


@dataclass(frozen=True, slots=True)
class LineView:
    """Everybody above a person, nearest first, and the people who report to them directly in the caller's unit."""

    person_id: UUID
    manager_id: UUID | None
    dotted_line_manager_ids: tuple[UUID, ...]
    ancestor_ids: tuple[UUID, ...]
    report_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class LineFindingView:
    """A fault of the reporting lines that concerns the caller's unit."""

    finding_id: UUID
    fault: str
    person_ids: tuple[UUID, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of an import's report."""

    finding_id: UUID
    finding: RowFinding


@dataclass(frozen=True, slots=True)
class ParticipationView:
    """A participation; `waitlist_position` counts from 1 among those who wait; notes only for the host's program managers."""

    participation: Participation
    waitlist_position: int | None
    screening_notes: str | None = None


@dataclass(frozen=True, slots=True)
class ExperienceView:
    """What a person declared of their life, for themself alone; nothing when there is no consent."""

    experiences: tuple[str, ...]
    purpose: str
    consented_at: datetime


@dataclass(frozen=True, slots=True)
class GroupsView:
    """What a person declared for audits, for themself alone; nothing when there is no consent."""

    groups: Mapping[str, str]
    consented_at: datetime


@dataclass(frozen=True, slots=True)
class Confidence:
    """How many people of a cohort said how confident they are, and how many of them are little so."""

    answers: int
    low: int


@dataclass(frozen=True, slots=True)
class Employee:
    """An employed person of the caller's unit, as files name them: by number or by address, both compared without regard to case."""

    person_id: UUID
    employee_number: str
    email: str | None


class EnrollmentViews(Protocol):
    """Reads upon a read-only transaction of the caller's unit."""

    async def business_unit(self, unit_id: UUID) -> BusinessUnit:
        """One's own unit, or any for a transaction that acts for it."""

    async def units(self, after: UUID | None, limit: int) -> Sequence[UnitEntry]:
        """The directory of units in the order of ids."""

    async def upload(self, import_id: UUID) -> Import:
        """An import of the unit."""

    async def import_owner(self, import_id: UUID) -> UUID:
        """The unit that owns an import, for administrators."""

    async def uploads(self, after: UUID | None, limit: int) -> Sequence[Import]:
        """Imports of the unit in the order of ids."""

    async def report(
        self, import_id: UUID, severity: str | None, after: UUID | None, limit: int
    ) -> Sequence[ReportLine]:
        """An import's report in the order of rows."""

    async def erasure(self, person_id: UUID) -> Erasure:
        """The erasure of a person of the unit."""

    async def person(self, person_id: UUID) -> PersonView:
        """A person of the unit."""

    async def people(self, wanted: PeopleFilter, after: UUID | None, limit: int) -> Sequence[PersonView]:
        """People of the unit in the order of ids."""

    async def employed_unit(self, person_id: UUID) -> UUID:
        """The unit of an employed person of the caller's unit."""

    async def line(self, person_id: UUID) -> LineView:
        """A person's reporting line."""

    async def line_findings(self, after: UUID | None, limit: int) -> Sequence[LineFindingView]:
        """Faults of the reporting lines in the order of ids."""

    async def program(self, program_id: UUID, principal: Principal) -> Program:
        """A program the caller may see."""

    async def programs(self, principal: Principal, after: UUID | None, limit: int) -> Sequence[Program]:
        """The programs the caller may see."""

    async def cohort(self, cohort_id: UUID, principal: Principal) -> Cohort:
        """A cohort the caller may see."""

    async def cohorts(
        self, principal: Principal, program_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Cohort]:
        """The cohorts the caller may see."""

    async def participation(self, participation_id: UUID, principal: Principal) -> ParticipationView:
        """A participation the caller may see."""

    async def experience(self, participation_id: UUID) -> ExperienceView | None:
        """What the participation's person declared of their life. To be asked in a transaction of the host, for the person alone."""

    async def audit_groups(self, participation_id: UUID) -> GroupsView | None:
        """What the participation's person declared for audits. To be asked in a transaction of the host, for the person alone."""

    async def confidence(self, cohort_id: UUID) -> Confidence:
        """What people of the cohort who take part said of their confidence. To be asked in a transaction of the host."""

    async def employees(self, numbers: Collection[str], addresses: Collection[str]) -> Sequence[Employee]:
        """Who of the unit works here under one of these numbers or addresses, all in case-folded form."""

    async def waitlist_position(self, participation_id: UUID) -> int | None:
        """The place in the queue, from 1; None unless waiting. To be asked in a transaction of the host, which sees all who wait."""

    async def participations(
        self, principal: Principal, cohort_id: UUID | None, state: str | None, after: UUID | None, limit: int
    ) -> Sequence[ParticipationView]:
        """The participations the caller may see."""
