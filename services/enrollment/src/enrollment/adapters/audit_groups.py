"""Audit groups in their table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chassis.database import WriteSession
from sqlalchemy import select

from enrollment.adapters import rows
from enrollment.adapters.tables import audit_groups, participations
from enrollment.domain.audit_groups import AuditGroups
from enrollment.domain.participations import Participation


class DeclaredGroups:
    """See `application.ports.DeclaredGroupsRepository`."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    def keep(self, participation: Participation, groups: AuditGroups, now: datetime) -> None:
        """See the port."""
        self._session.upsert(
            audit_groups,
            {
                "participation_id": participation.participation_id,
                "business_unit_id": participation.business_unit_id,
                "groups": dict(groups.groups),
                "consented_at": now,
            },
            key=["participation_id"],
        )

    def forget(self, participation: Participation) -> None:
        """See the port."""
        self._session.delete(audit_groups, {"participation_id": participation.participation_id})

    async def declaring(self, cohort_id: UUID) -> list[Participation]:
        """See the port."""
        found = await self._session.fetch_all(
            select(participations)
            .where(participations.c.cohort_id == cohort_id, participations.c.declares_groups)
            .order_by(participations.c.participation_id)
            .with_for_update()
        )
        return [rows.participation_of(row) for row in found]
