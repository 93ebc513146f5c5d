"""Repositories upon a write session: they load with a lock and stage what is to be written at the commit."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.database import WriteSession
from contracts.identifiers import uuid7
from sqlalchemy import ARRAY, Integer, Uuid, and_, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upserting

from enrollment.adapters import rows
from enrollment.adapters.tables import (
    business_units,
    cohort_keys,
    cohorts,
    life_experiences,
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
from enrollment.domain.cohorts import PAST_MATCHING, Cohort, CohortState
from enrollment.domain.life_experience import KEY_BYTES, LifeExperience
from enrollment.domain.participations import HOLDS_A_PLACE, Participation, ParticipationState, Role, WaitlistQueue
from enrollment.domain.people import UnitPolicy
from enrollment.domain.programs import Program
from enrollment.domain.reporting_lines import LineFinding, LineNode

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
_SAVED = [
    column.name for column in participations.columns if column.name not in {"participation_id", "highest_queue_number"}
]
_SAVE_PARTICIPATION = (
    update(participations)
    .where(participations.c.participation_id == bindparam("of_participation", type_=Uuid))
    .values(
        {name: bindparam(f"new_{name}", type_=participations.c[name].type) for name in _SAVED}
        | {
            "highest_queue_number": func.coalesce(
                bindparam("new_queue_number", type_=Integer), participations.c.highest_queue_number
            )
        }
    )
)
_PUT_NOTES = upserting(screening_notes)
_PUT_NOTES = _PUT_NOTES.on_conflict_do_update(
    index_elements=[screening_notes.c.participation_id], set_={"notes": _PUT_NOTES.excluded.notes}
)
_PASSED = and_(
    participations.c.state.in_([ParticipationState.SCREENED.value, ParticipationState.WAITLISTED.value]),
    participations.c.screening_passed,
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

    async def key(self, cohort_id: UUID) -> bytes:
        """See the port."""
        of_cohort = select(cohort_keys.c.key).where(cohort_keys.c.cohort_id == cohort_id)
        key: bytes | None = await self._session.scalar(of_cohort)
        if key is None:
            # Two may come first: one row is kept, and both read it.
            owner = select(cohorts.c.cohort_id, cohorts.c.business_unit_id, literal(secrets.token_bytes(KEY_BYTES)))
            await self._session.execute(
                upserting(cohort_keys)
                .from_select(["cohort_id", "business_unit_id", "key"], owner.where(cohorts.c.cohort_id == cohort_id))
                .on_conflict_do_nothing()
            )
            key = await self._session.scalar(of_cohort)
        if key is None:
            raise ValueError("no such cohort")
        return key

    async def forget_experiences(self, cohort_id: UUID) -> None:
        """See the port."""
        await self._session.execute(delete(cohort_keys).where(cohort_keys.c.cohort_id == cohort_id))
        of_cohort = select(participations.c.participation_id).where(participations.c.cohort_id == cohort_id)
        await self._session.execute(delete(life_experiences).where(life_experiences.c.participation_id.in_(of_cohort)))

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

    async def add_all(self, added: Sequence[Participation]) -> None:
        """See the port."""
        if added:
            await self._session.execute(insert(participations), [rows.participation_values(each) for each in added])

    async def found(self, cohort_id: UUID, people: Collection[UUID]) -> list[Participation]:
        """See the port."""
        keys = bindparam("people", list(people), ARRAY(Uuid))
        found = await self._session.fetch_all(
            select(participations)
            .where(participations.c.cohort_id == cohort_id, participations.c.person_id == func.any(keys))
            .order_by(participations.c.participation_id)
            .with_for_update()
        )
        return [rows.participation_of(row) for row in found]

    async def by_ids(self, cohort_id: UUID, participation_ids: Collection[UUID]) -> list[Participation]:
        """See the port."""
        wanted = bindparam("wanted", list(participation_ids), ARRAY(Uuid))
        found = await self._session.fetch_all(
            select(participations)
            .where(participations.c.cohort_id == cohort_id, participations.c.participation_id == func.any(wanted))
            .order_by(participations.c.participation_id)
            .with_for_update()
        )
        return [rows.participation_of(row) for row in found]

    async def ready(self, cohort_id: UUID, role: Role, limit: int) -> list[Participation]:
        """See the port."""
        found = await self._session.fetch_all(
            select(participations)
            .where(participations.c.cohort_id == cohort_id, participations.c.role == role.value, _PASSED)
            .order_by(participations.c.queue_number.nulls_last(), participations.c.participation_id)
            .limit(limit)
            .with_for_update()
        )
        return [rows.participation_of(row) for row in found]

    async def count_ready(self, cohort_id: UUID) -> int:
        """See the port."""
        counted = (
            select(func.count()).select_from(participations).where(participations.c.cohort_id == cohort_id, _PASSED)
        )
        return int(await self._session.scalar(counted))

    async def save_all(self, changed: Sequence[Participation]) -> None:
        """See the port."""
        values = [rows.participation_values(participation) for participation in changed]
        if values:
            await self._session.execute(
                _SAVE_PARTICIPATION,
                [
                    {"of_participation": row["participation_id"]} | {f"new_{name}": row[name] for name in _SAVED}
                    for row in values
                ],
            )

    async def waited_in_vain(self, program_id: UUID, people: Collection[UUID], cohort_id: UUID) -> set[UUID]:
        """See the port."""
        if not people:
            return set()
        earlier = cohorts.alias("earlier")
        opened = select(cohorts.c.enrollment_opens_on).where(cohorts.c.cohort_id == cohort_id).scalar_subquery()
        left_waiting = and_(
            func.cardinality(participations.c.pair_ids) == 0,
            func.cardinality(participations.c.past_pair_ids) == 0,
            participations.c.state.in_([ParticipationState.ADMITTED.value, ParticipationState.WAITLISTED.value]),
        )
        found = await self._session.fetch_all(
            select(participations.c.person_id)
            .join(earlier, earlier.c.cohort_id == participations.c.cohort_id)
            .where(
                participations.c.program_id == program_id,
                participations.c.person_id == func.any(bindparam("people", list(people), ARRAY(Uuid))),
                participations.c.cohort_id != cohort_id,
                earlier.c.enrollment_opens_on <= opened,
                earlier.c.state.in_([state.value for state in PAST_MATCHING]),
                left_waiting,
            )
        )
        return {row["person_id"] for row in found}

    def keep_experience(self, participation: Participation, experience: LifeExperience, now: datetime) -> None:
        """See the port."""
        self._session.upsert(
            life_experiences,
            {
                "participation_id": participation.participation_id,
                "business_unit_id": participation.business_unit_id,
                "purpose": experience.purpose.value,
                "experiences": list(experience.experiences),
                "consented_at": now,
            },
            key=["participation_id"],
        )

    def forget_experience(self, participation: Participation) -> None:
        """See the port."""
        self._session.delete(life_experiences, {"participation_id": participation.participation_id})

    async def forget_experiences(self, about: Sequence[Participation]) -> None:
        """See the port."""
        keys = bindparam("about", [each.participation_id for each in about], ARRAY(Uuid))
        if about:
            await self._session.execute(
                delete(life_experiences).where(life_experiences.c.participation_id == func.any(keys))
            )

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

    async def keep_all_notes(self, screened: Sequence[Participation]) -> None:
        """See the port."""
        if screened:
            await self._session.execute(
                _PUT_NOTES,
                [
                    {
                        "participation_id": participation.participation_id,
                        "business_unit_id": participation.business_unit_id,
                        "notes": participation.screening_notes,
                    }
                    for participation in screened
                ],
            )
