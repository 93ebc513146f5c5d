"""What all views of matching share: whose rows somebody who runs programs sees, and how a list is cut into pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import ColumnElement, Select, Table, false, select

from matching.adapters.tables import known_cohorts


def owned_by(table: Table, principal: Principal) -> ColumnElement[bool]:
    """Rows of the principal's own unit, for those who run its programs. What names the unit as a guest is not among them."""
    if principal.business_unit_id is None or not principal.has("program_manager"):
        return false()
    return table.c.business_unit_id == principal.business_unit_id


async def require_own_cohort(session: ReadSession, cohort_id: UUID, principal: Principal) -> None:
    """Refuse a cohort that the principal does not run.

    :raises NotVisible: no such cohort of the principal's unit.
    """
    cohort = await session.fetch_one(
        select(known_cohorts.c.cohort_id).where(
            known_cohorts.c.cohort_id == cohort_id, owned_by(known_cohorts, principal)
        )
    )
    if cohort is None:
        raise NotVisible("no such cohort")


def page_of(statement: Select[Any], column: ColumnElement[UUID], after: UUID | None, limit: int) -> Select[Any]:
    """At most `limit` rows in the order of an id, after the one named."""
    if after is not None:
        statement = statement.where(column > after)
    return statement.order_by(column).limit(limit)
