"""Repositories upon a write session: they load with a lock and stage what is to be written at the commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.database import WriteSession
from contracts.identifiers import uuid7
from sqlalchemy import ARRAY, Integer, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upserting

from enrollment.adapters import rows
from enrollment.adapters.tables import (
    business_units,
    cohorts,
    import_changes,
    import_files,
    import_findings,
    import_owners,
    imports,
    participations,
    people,
    people_identities,
    programs,
    reporting_line_findings,
    screening_notes,
    unit_directory,
)
from enrollment.domain.business_units import BusinessUnit
from enrollment.domain.change_sets import Change, KnownPerson
from enrollment.domain.cohorts import Cohort, CohortState
from enrollment.domain.findings import RowFinding
from enrollment.domain.imports import FINISHED, Import
from enrollment.domain.participations import HOLDS_A_PLACE, Participation, ParticipationState, Role, WaitlistQueue
from enrollment.domain.people import UnitPolicy
from enrollment.domain.programs import Program
from enrollment.domain.reporting_lines import LineFinding, LineNode

CLAIM_SECONDS = 30
"""How long a worker that says nothing keeps an import from the others, by the database's clock."""

_WITH_IDENTITY = people.join(people_identities, people.c.person_id == people_identities.c.person_id)
_IDENTITY_COLUMNS = [
    people_identities.c[name] for name in ("employee_number", "given_name", "family_name", "email", "job_title")
]
_PUT_PERSON = upserting(people)
_PUT_PERSON = _PUT_PERSON.on_conflict_do_update(
    index_elements=[people.c.person_id],
    set_={
        column.name: _PUT_PERSON.excluded[column.name]
        for column in people.columns
        if column.name not in {"person_id", "business_unit_id", "ancestor_ids"}
    },
)
_PUT_IDENTITY = upserting(people_identities)
_PUT_IDENTITY = _PUT_IDENTITY.on_conflict_do_update(
    index_elements=[people_identities.c.person_id],
    set_={name: _PUT_IDENTITY.excluded[name] for name in ("given_name", "family_name", "email", "job_title")},
)
_PUT_ANCESTORS = (
    update(people)
    .where(people.c.person_id == bindparam("of_person", type_=Uuid))
    .values(ancestor_ids=bindparam("above", type_=ARRAY(Uuid)))
)


class BusinessUnits:
    """See `application.ports.BusinessUnitRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, unit: BusinessUnit) -> None:
        """See the port."""
        self._session.insert(
            unit_directory,
            {
                "unit_id": unit.business_unit_id,
                "code": unit.code,
                "code_key": unit.code.casefold(),
                "display_name": unit.display_name,
            },
        )
        self._session.insert(
            business_units,
            {
                "business_unit_id": unit.business_unit_id,
                "code": unit.code,
                "display_name": unit.display_name,
                "grade_ladder": [[rung.grade, rung.rank] for rung in unit.ladder.rungs],
                "default_time_zone": unit.default_time_zone,
                "version": unit.version,
            },
        )

    async def unknown(self, unit_ids: Collection[UUID]) -> set[UUID]:
        """See the port."""
        if not unit_ids:
            return set()
        found = await self._session.fetch_all(
            select(unit_directory.c.unit_id).where(unit_directory.c.unit_id.in_(list(unit_ids)))
        )
        return set(unit_ids) - {row["unit_id"] for row in found}

    async def policies(self) -> list[UnitPolicy]:
        """See the port."""
        return [rows.policy_of(row) for row in await self._session.fetch_all(select(business_units))]


class People:
    """See `application.ports.PeopleRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def employed_unit(self, person_id: UUID) -> UUID | None:
        """See the port."""
        unit_id: UUID | None = await self._session.scalar(
            select(people.c.business_unit_id).where(people.c.person_id == person_id, people.c.employed)
        )
        return unit_id

    async def of_units(self, unit_ids: Collection[UUID], after: UUID | None, limit: int) -> list[KnownPerson]:
        """See the port."""
        statement = (
            select(*people.columns, *_IDENTITY_COLUMNS)
            .select_from(_WITH_IDENTITY)
            .where(people.c.business_unit_id.in_(list(unit_ids)))
            .order_by(people.c.person_id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(people.c.person_id > after)
        found = await self._session.fetch_all(statement)
        return [rows.known_person_of(row) for row in found]

    async def apply(self, changes: Sequence[Change], now: datetime) -> None:
        """See the port."""
        if not changes:
            return
        await self._session.execute(
            _PUT_PERSON, [rows.person_values(change.person) | {"changed_at": now} for change in changes]
        )
        await self._session.execute(_PUT_IDENTITY, [rows.identity_values(change.person) for change in changes])

    async def lines(self) -> tuple[dict[UUID, LineNode], dict[UUID, tuple[UUID, ...]]]:
        """See the port."""
        found = await self._session.fetch_all(
            select(
                people.c.person_id,
                people.c.business_unit_id,
                people.c.manager_id,
                people.c.manager_unknown,
                people.c.ancestor_ids,
            ).where(people.c.employed)
        )
        nodes = {
            row["person_id"]: LineNode(row["business_unit_id"], row["manager_id"], row["manager_unknown"])
            for row in found
        }
        return nodes, {row["person_id"]: tuple(row["ancestor_ids"]) for row in found}

    async def store_ancestors(self, ancestors: Mapping[UUID, tuple[UUID, ...]]) -> None:
        """See the port."""
        await self._session.execute(
            _PUT_ANCESTORS, [{"of_person": person_id, "above": list(chain)} for person_id, chain in ancestors.items()]
        )

    async def replace_line_findings(
        self, findings: Sequence[tuple[LineFinding, tuple[UUID, ...]]], now: datetime
    ) -> None:
        """See the port."""
        await self._session.execute(delete(reporting_line_findings))
        if findings:
            await self._session.execute(
                insert(reporting_line_findings),
                [
                    {
                        "finding_id": uuid7(),
                        "business_unit_id": units[0],
                        "named_unit_ids": list(units),
                        "fault": finding.fault.value,
                        "person_ids": list(finding.person_ids),
                        "found_at": now,
                    }
                    for finding, units in findings
                ],
            )


class Programs:
    """See `application.ports.ProgramRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, program: Program) -> None:
        """See the port."""
        self._session.insert(programs, rows.program_values(program))

    async def get(self, program_id: UUID) -> Program | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(programs).where(programs.c.program_id == program_id).with_for_update()
        )
        return None if row is None else rows.program_of(row)

    def save(self, program: Program) -> None:
        """See the port."""
        values = rows.program_values(program)
        self._session.update(programs, {"program_id": values.pop("program_id")}, values)


class Cohorts:
    """See `application.ports.CohortRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, cohort: Cohort) -> None:
        """See the port."""
        self._session.insert(cohorts, rows.cohort_values(cohort))

    async def get(self, cohort_id: UUID, *, share: bool = False) -> Cohort | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(cohorts).where(cohorts.c.cohort_id == cohort_id).with_for_update(read=share)
        )
        return None if row is None else rows.cohort_of(row)

    def save(self, cohort: Cohort) -> None:
        """See the port."""
        values = rows.cohort_values(cohort)
        self._session.update(cohorts, {"cohort_id": values.pop("cohort_id")}, values)

    async def due(self, today: date, limit: int) -> list[Cohort]:
        """See the port."""
        found = await self._session.fetch_all(
            select(cohorts)
            .where(cohorts.c.state == CohortState.ACTIVE.value, cohorts.c.ends_on <= today)
            .order_by(cohorts.c.ends_on, cohorts.c.cohort_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [rows.cohort_of(row) for row in found]


class Participations:
    """See `application.ports.ParticipationRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def get(self, participation_id: UUID) -> Participation | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(participations).where(participations.c.participation_id == participation_id).with_for_update()
        )
        return None if row is None else rows.participation_of(row)

    async def find(self, cohort_id: UUID, person_id: UUID) -> Participation | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(participations)
            .where(participations.c.cohort_id == cohort_id, participations.c.person_id == person_id)
            .with_for_update()
        )
        return None if row is None else rows.participation_of(row)

    async def queue(self, cohort_id: UUID, role: Role, places: int | None) -> WaitlistQueue:
        """See the port."""
        waits = participations.c.state == ParticipationState.WAITLISTED.value
        holds = participations.c.state.in_([state.value for state in HOLDS_A_PLACE])
        row = await self._session.fetch_one(
            select(
                func.array_agg(participations.c.queue_number, type_=ARRAY(Integer)).filter(waits).label("waiting"),
                func.coalesce(func.max(participations.c.highest_queue_number), 0).label("last"),
                func.count().filter(holds).label("taken"),
            ).where(participations.c.cohort_id == cohort_id, participations.c.role == role.value)
        )
        if row is None:
            return WaitlistQueue((), 0, places, 0)
        return WaitlistQueue(tuple(row["waiting"] or ()), row["last"], places, row["taken"])

    def add(self, participation: Participation) -> None:
        """See the port."""
        self._session.insert(participations, rows.participation_values(participation))

    def save(self, participation: Participation) -> None:
        """See the port."""
        values = rows.participation_values(participation)
        if participation.queue_number is not None:
            values["highest_queue_number"] = participation.queue_number
        self._session.update(participations, {"participation_id": values.pop("participation_id")}, values)

    def keep_notes(self, participation: Participation) -> None:
        """See the port."""
        self._session.upsert(
            screening_notes,
            {
                "participation_id": participation.participation_id,
                "business_unit_id": participation.business_unit_id,
                "notes": participation.screening_notes,
            },
            key=["participation_id"],
        )


class Imports:
    """See `application.ports.ImportRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def add(self, upload: Import, files: Mapping[str, bytes]) -> None:
        """See the port."""
        self._session.insert(imports, rows.import_values(upload))
        self._session.insert(import_owners, {"import_id": upload.import_id, "unit_id": upload.business_unit_id})
        for name, content in files.items():
            self._session.insert(
                import_files,
                {
                    "import_id": upload.import_id,
                    "name": name,
                    "business_unit_id": upload.business_unit_id,
                    "content": content,
                },
            )

    async def claim(self, worker: UUID) -> Import | None:
        """See the port."""
        # One at a time: two workers cannot both find the oldest import unclaimed.
        if not await self._session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('claim import'))")):
            return None
        row = await self._session.fetch_one(
            select(
                imports,
                (imports.c.claimed_at < func.now() - text(f"interval '{CLAIM_SECONDS} seconds'")).label("is_stale"),
            )
            .where(imports.c.state.not_in([state.value for state in FINISHED]))
            .order_by(imports.c.import_id)
            .limit(1)
        )
        if row is None or (row["claimed_by"] not in {None, worker} and not row["is_stale"]):
            return None
        await self._session.execute(
            update(imports)
            .where(imports.c.import_id == row["import_id"])
            .values(claimed_by=worker, claimed_at=func.now())
        )
        return rows.import_of(row)

    def save(self, upload: Import) -> None:
        """See the port."""
        values = rows.import_values(upload)
        self._session.update(imports, {"import_id": values.pop("import_id")}, values)

    async def files(self, import_id: UUID) -> dict[str, bytes]:
        """See the port."""
        found = await self._session.fetch_all(
            select(import_files.c.name, import_files.c.content).where(import_files.c.import_id == import_id)
        )
        return {row["name"]: row["content"] for row in found}

    async def restart_staging(self, import_id: UUID) -> None:
        """See the port."""
        await self._session.execute(delete(import_findings).where(import_findings.c.import_id == import_id))
        await self._session.execute(delete(import_changes).where(import_changes.c.import_id == import_id))

    async def add_findings(self, upload: Import, findings: Sequence[RowFinding]) -> None:
        """See the port."""
        await self._session.execute(
            insert(import_findings),
            [
                {
                    "finding_id": uuid7(),
                    "import_id": upload.import_id,
                    "business_unit_id": upload.business_unit_id,
                    "file": finding.file,
                    "row_number": finding.row,
                    "field": finding.field,
                    "severity": finding.severity.value,
                    "code": finding.code,
                    "message": finding.message,
                    "remedy": finding.remedy,
                }
                for finding in findings
            ],
        )

    async def stage(self, upload: Import, first: int, changes: Sequence[Change]) -> None:
        """See the port."""
        await self._session.execute(
            insert(import_changes),
            [
                {
                    "import_id": upload.import_id,
                    "place": first + offset,
                    "business_unit_id": upload.business_unit_id,
                    "change": rows.plain_change(change),
                }
                for offset, change in enumerate(changes)
            ],
        )

    async def staged(self, import_id: UUID, first: int, limit: int) -> list[Change]:
        """See the port."""
        found = await self._session.fetch_all(
            select(import_changes.c.change)
            .where(import_changes.c.import_id == import_id, import_changes.c.place >= first)
            .order_by(import_changes.c.place)
            .limit(limit)
        )
        return [rows.change_of(row["change"]) for row in found]

    async def unstage(self, import_id: UUID, before: int) -> None:
        """See the port."""
        await self._session.execute(
            delete(import_changes).where(import_changes.c.import_id == import_id, import_changes.c.place < before)
        )

    async def purge(self, import_id: UUID) -> None:
        """See the port."""
        await self._session.execute(delete(import_files).where(import_files.c.import_id == import_id))
        await self._session.execute(delete(import_changes).where(import_changes.c.import_id == import_id))
