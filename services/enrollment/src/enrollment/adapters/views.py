"""Reads upon a read-only transaction, which sees what the caller's unit may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    RowMapping,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from enrollment.adapters import rows
from enrollment.adapters.erasures import erasure_of
from enrollment.adapters.tables import (
    audit_groups,
    business_units,
    cohorts,
    erasures,
    import_findings,
    import_owners,
    imports,
    life_experiences,
    participations,
    people,
    people_identities,
    programs,
    reporting_line_findings,
    screening_notes,
    unit_directory,
)
from enrollment.application.views import (
    Confidence,
    Employee,
    ExperienceView,
    GroupsView,
    LineFindingView,
    LineView,
    ParticipationView,
    PeopleFilter,
    PersonView,
    ReportLine,
    UnitEntry,
)
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.cohorts import Cohort
from enrollment.domain.declarations import LOW_CONFIDENCE
from enrollment.domain.erasures import Erasure
from enrollment.domain.findings import RowFinding, Severity
from enrollment.domain.imports import Import
from enrollment.domain.participations import ParticipationState
from enrollment.domain.programs import Program

MANAGERS = ("program_manager", "platform_admin")

_IDENTITY = ("employee_number", "given_name", "family_name", "email", "job_title")
_PEOPLE = select(
    *people.columns,
    *(people_identities.c[name] for name in _IDENTITY),
).select_from(people.join(people_identities, people.c.person_id == people_identities.c.person_id))
_others = participations.alias("others")
_POSITION = (
    select(func.count())
    .select_from(_others)
    .where(
        _others.c.cohort_id == participations.c.cohort_id,
        _others.c.role == participations.c.role,
        _others.c.state == ParticipationState.WAITLISTED.value,
        _others.c.queue_number <= participations.c.queue_number,
    )
    .scalar_subquery()
)
_PARTICIPATIONS = select(
    *participations.columns, screening_notes.c.notes, _POSITION.label("waitlist_position")
).select_from(
    participations.outerjoin(screening_notes, screening_notes.c.participation_id == participations.c.participation_id)
)


def _facilitated(principal: Principal, program_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Rows that hang on a program which names the caller as facilitator (R3-20)."""
    if not principal.has("facilitator") or principal.person_id is None:
        return false()
    named = select(programs.c.program_id).where(literal(principal.person_id) == any_(programs.c.facilitator_ids))
    return program_id.in_(named)


def _may_see_program(principal: Principal) -> ColumnElement[bool]:
    return true() if principal.has(*MANAGERS) else _facilitated(principal, programs.c.program_id)


def _may_see_cohort(principal: Principal) -> ColumnElement[bool]:
    """Participants see the cohorts that name their unit: they may apply."""
    return true() if principal.has(*MANAGERS, "participant") else _facilitated(principal, cohorts.c.program_id)


def _may_see_participation(principal: Principal) -> ColumnElement[bool]:
    if principal.has(*MANAGERS):
        return true()
    own = participations.c.person_id == principal.person_id if principal.person_id is not None else false()
    return or_(own if principal.has("participant") else false(), _facilitated(principal, participations.c.program_id))


def people_page(wanted: PeopleFilter, after: UUID | None, limit: int) -> Select[Any]:
    """A page of people, with their identities, in the order of their ids.

    The page is cut before the identities are looked up, each by unit and person, for which both tables have an index. So no
    statistics, however old, make the planner read a whole unit for one page: right after an import it takes a hundred thousand
    new people for one.
    """
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (people.c.employed, wanted.employed),
        (people.c.grade, wanted.grade),
        (people.c.function, wanted.function),
        (people.c.region, wanted.region),
        (people.c.country, wanted.country),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.lowest_rank is not None:
        conditions.append(people.c.grade_rank >= wanted.lowest_rank)
    if wanted.highest_rank is not None:
        conditions.append(people.c.grade_rank <= wanted.highest_rank)
    paged = _page(select(*people.columns).where(and_(true(), *conditions)), people.c.person_id, after, limit)
    cut = paged.subquery("page")
    identity = (
        select(*(people_identities.c[name] for name in _IDENTITY))
        .where(people_identities.c.person_id == cut.c.person_id)
        .limit(1)
        .lateral("identity")
    )
    return select(*cut.columns, *identity.columns).select_from(cut.join(identity, true())).order_by(cut.c.person_id)


class EnrollmentViews:
    """See `application.views.EnrollmentViews`."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def _one(self, statement: Select[Any], what: str) -> RowMapping:
        row = await self._session.fetch_one(statement)
        if row is None:
            raise NotVisible(f"no such {what}")
        return row

    async def business_unit(self, unit_id: UUID) -> BusinessUnit:
        """See the port."""
        return rows.unit_of(
            await self._one(select(business_units).where(business_units.c.business_unit_id == unit_id), "unit")
        )

    async def units(self, after: UUID | None, limit: int) -> Sequence[UnitEntry]:
        """See the port."""
        found = await self._session.fetch_all(_page(select(unit_directory), unit_directory.c.unit_id, after, limit))
        return [UnitEntry(row["unit_id"], row["code"], row["display_name"]) for row in found]

    async def upload(self, import_id: UUID) -> Import:
        """See the port."""
        return rows.import_of(await self._one(select(imports).where(imports.c.import_id == import_id), "import"))

    async def import_owner(self, import_id: UUID) -> UUID:
        """See the port."""
        row = await self._one(select(import_owners).where(import_owners.c.import_id == import_id), "import")
        unit_id: UUID = row["unit_id"]
        return unit_id

    async def uploads(self, after: UUID | None, limit: int) -> Sequence[Import]:
        """See the port."""
        return [
            rows.import_of(row)
            for row in await self._session.fetch_all(_page(select(imports), imports.c.import_id, after, limit))
        ]

    async def report(
        self, import_id: UUID, severity: str | None, after: UUID | None, limit: int
    ) -> Sequence[ReportLine]:
        """See the port."""
        statement = select(import_findings).where(import_findings.c.import_id == import_id)
        if severity is not None:
            statement = statement.where(import_findings.c.severity == severity)
        return [
            ReportLine(
                row["finding_id"],
                RowFinding(
                    row["file"],
                    row["row_number"],
                    row["field"],
                    Severity(row["severity"]),
                    row["code"],
                    row["message"],
                    row["remedy"],
                ),
            )
            for row in await self._session.fetch_all(_page(statement, import_findings.c.finding_id, after, limit))
        ]

    async def erasure(self, person_id: UUID) -> Erasure:
        """See the port."""
        return erasure_of(await self._one(select(erasures).where(erasures.c.person_id == person_id), "erasure"))

    async def person(self, person_id: UUID) -> PersonView:
        """See the port."""
        return _person(await self._one(_PEOPLE.where(people.c.person_id == person_id), "person"))

    async def people(self, wanted: PeopleFilter, after: UUID | None, limit: int) -> Sequence[PersonView]:
        """See the port."""
        return [_person(row) for row in await self._session.fetch_all(people_page(wanted, after, limit))]

    async def employed_unit(self, person_id: UUID) -> UUID:
        """See the port."""
        row = await self._one(
            select(people.c.business_unit_id).where(people.c.person_id == person_id, people.c.employed), "person"
        )
        unit_id: UUID = row["business_unit_id"]
        return unit_id

    async def line(self, person_id: UUID) -> LineView:
        """See the port."""
        row = await self._one(
            select(
                people.c.person_id, people.c.manager_id, people.c.dotted_line_manager_ids, people.c.ancestor_ids
            ).where(people.c.person_id == person_id),
            "person",
        )
        reports = await self._session.fetch_all(
            select(people.c.person_id)
            .where(people.c.manager_id == person_id, people.c.employed)
            .order_by(people.c.person_id)
            .limit(1000)
        )
        return LineView(
            row["person_id"],
            row["manager_id"],
            tuple(row["dotted_line_manager_ids"]),
            tuple(row["ancestor_ids"]),
            tuple(report["person_id"] for report in reports),
        )

    async def line_findings(self, after: UUID | None, limit: int) -> Sequence[LineFindingView]:
        """See the port."""
        found = await self._session.fetch_all(
            _page(select(reporting_line_findings), reporting_line_findings.c.finding_id, after, limit)
        )
        return [
            LineFindingView(row["finding_id"], row["fault"], tuple(row["person_ids"]), row["found_at"]) for row in found
        ]

    async def program(self, program_id: UUID, principal: Principal) -> Program:
        """See the port."""
        statement = select(programs).where(programs.c.program_id == program_id, _may_see_program(principal))
        return rows.program_of(await self._one(statement, "program"))

    async def programs(self, principal: Principal, after: UUID | None, limit: int) -> Sequence[Program]:
        """See the port."""
        statement = _page(select(programs).where(_may_see_program(principal)), programs.c.program_id, after, limit)
        return [rows.program_of(row) for row in await self._session.fetch_all(statement)]

    async def cohort(self, cohort_id: UUID, principal: Principal) -> Cohort:
        """See the port."""
        statement = select(cohorts).where(cohorts.c.cohort_id == cohort_id, _may_see_cohort(principal))
        return rows.cohort_of(await self._one(statement, "cohort"))

    async def cohorts(
        self, principal: Principal, program_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Cohort]:
        """See the port."""
        statement = select(cohorts).where(_may_see_cohort(principal))
        if program_id is not None:
            statement = statement.where(cohorts.c.program_id == program_id)
        return [
            rows.cohort_of(row)
            for row in await self._session.fetch_all(_page(statement, cohorts.c.cohort_id, after, limit))
        ]

    async def participation(self, participation_id: UUID, principal: Principal) -> ParticipationView:
        """See the port."""
        statement = _PARTICIPATIONS.where(
            participations.c.participation_id == participation_id, _may_see_participation(principal)
        )
        return _participation(await self._one(statement, "participation"), principal)

    async def experience(self, participation_id: UUID) -> ExperienceView | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(life_experiences).where(life_experiences.c.participation_id == participation_id)
        )
        return None if row is None else ExperienceView(tuple(row["experiences"]), row["purpose"], row["consented_at"])

    async def audit_groups(self, participation_id: UUID) -> GroupsView | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(audit_groups).where(audit_groups.c.participation_id == participation_id)
        )
        return None if row is None else GroupsView(row["groups"], row["consented_at"])

    async def confidence(self, cohort_id: UUID) -> Confidence:
        """See the port."""
        said = participations.c.application["confidence"].as_integer()
        takes_part = participations.c.state.not_in(
            [ParticipationState.WITHDRAWN.value, ParticipationState.DECLINED.value, ParticipationState.EXCLUDED.value]
        )
        row = await self._session.fetch_one(
            select(
                func.count(said).label("answers"), func.count(said).filter(said <= LOW_CONFIDENCE).label("low")
            ).where(participations.c.cohort_id == cohort_id, takes_part)
        )
        return Confidence(0, 0) if row is None else Confidence(row["answers"], row["low"])

    async def employees(self, numbers: Collection[str], addresses: Collection[str]) -> Sequence[Employee]:
        """See the port."""
        named = []
        if numbers:
            named.append(people_identities.c.employee_key == any_(bindparam("numbers", list(numbers), ARRAY(Text))))
        if addresses:
            address = func.lower(people_identities.c.email)
            named.append(address == any_(bindparam("addresses", list(addresses), ARRAY(Text))))
        if not named:
            return []
        found = await self._session.fetch_all(
            select(people_identities.c.person_id, people_identities.c.employee_number, people_identities.c.email).where(
                or_(*named)
            )
        )
        # Two queries: right after an import PostgreSQL takes both tables for nearly empty, and a join would take squared time.
        named_people = bindparam("people", [row["person_id"] for row in found], ARRAY(Uuid))
        employed = await self._session.fetch_all(
            select(people.c.person_id).where(people.c.employed, people.c.person_id == any_(named_people))
        )
        working = {row["person_id"] for row in employed}
        return [
            Employee(row["person_id"], row["employee_number"], row["email"])
            for row in found
            if row["person_id"] in working
        ]

    async def waitlist_position(self, participation_id: UUID) -> int | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(participations.c.state, _POSITION.label("place")).where(
                participations.c.participation_id == participation_id
            )
        )
        return None if row is None or row["state"] != ParticipationState.WAITLISTED.value else int(row["place"])

    async def participations(
        self, principal: Principal, cohort_id: UUID | None, state: str | None, after: UUID | None, limit: int
    ) -> Sequence[ParticipationView]:
        """See the port."""
        statement = _PARTICIPATIONS.where(_may_see_participation(principal))
        if cohort_id is not None:
            statement = statement.where(participations.c.cohort_id == cohort_id)
        if state is not None:
            statement = statement.where(participations.c.state == state)
        found = await self._session.fetch_all(_page(statement, participations.c.participation_id, after, limit))
        return [_participation(row, principal) for row in found]


def _page(statement: Select[Any], column: ColumnElement[UUID], after: UUID | None, limit: int) -> Select[Any]:
    if after is not None:
        statement = statement.where(column > after)
    return statement.order_by(column).limit(limit)


def _person(row: RowMapping) -> PersonView:
    return PersonView(
        person_id=row["person_id"],
        business_unit_id=row["business_unit_id"],
        employee_number=row["employee_number"],
        identity=rows.identity_of(row),
        employed=row["employed"],
        grade=row["grade"],
        grade_rank=row["grade_rank"],
        manager_id=row["manager_id"],
        dotted_line_manager_ids=tuple(row["dotted_line_manager_ids"]),
        team=row["team"],
        function=row["function"],
        region=row["region"],
        country=row["country"],
        time_zone=row["time_zone"],
        languages=rows.skills_of(row["languages"]),
        joined_on=row["joined_on"],
        version=row["version"],
        projects=tuple(row["projects"]),
        reviewer_ids=tuple(row["reviewer_ids"]),
        tenure_band=row["tenure_band"],
    )


def _participation(row: RowMapping, principal: Principal) -> ParticipationView:
    waits = row["state"] == ParticipationState.WAITLISTED.value
    # Another unit's row of notes is not visible in the first place; facilitators and participants of the host are kept out here.
    notes = row["notes"] if principal.has("program_manager") else None
    return ParticipationView(rows.participation_of(row), row["waitlist_position"] if waits else None, notes)
