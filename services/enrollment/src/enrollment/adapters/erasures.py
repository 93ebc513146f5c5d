"""People who are erased: the request in its table, and what goes of the person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import ARRAY, RowMapping, Uuid, and_, any_, bindparam, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upserting

from enrollment.adapters import rows
from enrollment.adapters.tables import erasures, participations, people, people_identities, screening_notes
from enrollment.domain.erasures import ErasedPerson, Erasure, ErasureReason
from enrollment.domain.participations import Participation


def erasure_of(row: RowMapping) -> Erasure:
    """An erasure."""
    return Erasure(
        row["person_id"], row["business_unit_id"], ErasureReason(row["reason"]), row["requested_at"], row["erased_at"]
    )


class Erasures:
    """See `application.ports.ErasureRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def of_person(self, person_id: UUID) -> Erasure | None:
        """See the port."""
        row = await self._session.fetch_one(select(erasures).where(erasures.c.person_id == person_id))
        return None if row is None else erasure_of(row)

    async def oldest_open(self) -> Erasure | None:
        """See the port."""
        row = await self._session.fetch_one(
            select(erasures)
            .where(erasures.c.erased_at.is_(None))
            .order_by(erasures.c.requested_at, erasures.c.person_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return None if row is None else erasure_of(row)

    async def add(self, erasure: Erasure) -> bool:
        """See the port."""
        values = {
            "person_id": erasure.person_id,
            "business_unit_id": erasure.business_unit_id,
            "reason": erasure.reason.value,
            "requested_at": erasure.requested_at,
        }
        fresh = upserting(erasures).values(**values).on_conflict_do_nothing().returning(erasures.c.person_id)
        return await self._session.scalar(fresh) is not None

    def save(self, erasure: Erasure) -> None:
        """See the port."""
        self._session.update(erasures, {"person_id": erasure.person_id}, {"erased_at": erasure.erased_at})

    async def has_person(self, person_id: UUID, unit_id: UUID) -> bool:
        """See the port."""
        of_unit = and_(people.c.person_id == person_id, people.c.business_unit_id == unit_id)
        return await self._session.scalar(select(people.c.person_id).where(of_unit)) is not None

    async def erase_person(self, person_id: UUID, now: datetime) -> ErasedPerson:
        """See the port."""
        below = people.alias("below")
        own = literal(person_id, Uuid)
        reports = or_(below.c.manager_id == own, own == any_(below.c.dotted_line_manager_ids))
        runs_through = select(below.c.person_id).where(below.c.employed, reports).exists()
        nobody = literal([], ARRAY(Uuid))
        await self._session.execute(delete(people_identities).where(people_identities.c.person_id == person_id))
        row = await self._session.fetch_one(
            update(people)
            .where(people.c.person_id == person_id)
            .values(
                employed=False,
                manager_id=case((runs_through, people.c.manager_id)),
                dotted_line_manager_ids=case((runs_through, people.c.dotted_line_manager_ids), else_=nobody),
                manager_unknown=False,
                ancestor_ids=[],
                team=None,
                function=None,
                region=None,
                country=None,
                projects=[],
                reviewer_ids=[],
                tenure_band=None,
                time_zone="UTC",
                languages=[],
                joined_on=None,
                version=people.c.version + 1,
                changed_at=now,
            )
            .returning(*people.columns)
        )
        if row is None:
            raise ValueError("no such person")
        return ErasedPerson(
            person_id=row["person_id"],
            business_unit_id=row["business_unit_id"],
            grade=row["grade"],
            grade_rank=row["grade_rank"],
            manager_id=row["manager_id"],
            dotted_line_manager_ids=tuple(row["dotted_line_manager_ids"]),
            version=row["version"],
        )

    async def participations_of(self, person_id: UUID) -> list[Participation]:
        """See the port."""
        found = await self._session.fetch_all(
            select(participations)
            .where(participations.c.person_id == person_id)
            .order_by(participations.c.participation_id)
            .with_for_update()
        )
        return [rows.participation_of(row) for row in found]

    async def forget_notes(self, about: Sequence[Participation]) -> None:
        """See the port."""
        keys = bindparam("about", [each.participation_id for each in about], ARRAY(Uuid))
        await self._session.execute(delete(screening_notes).where(screening_notes.c.participation_id == func.any(keys)))
