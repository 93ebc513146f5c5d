"""What may be looked at of the register, of waivers and of notices, by whom: the program managers of the unit that owns it, and the
two people of a pair what is for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import ColumnElement, Table, and_, false, func, or_, select

from matching.adapters import guard_rows, rows
from matching.adapters.tables import conflicts, known_cohorts, known_pairs, notices, pairs, waivers
from matching.application.guard_views import (
    ConflictView,
    NoticeView,
    OwnNoticeView,
    QuarantineView,
    WaiverView,
    conflict_view,
    notice_view,
    own_notice_view,
    quarantine_view,
    waiver_view,
)
from matching.domain.pair import PairState


def _owned_by(table: Table, principal: Principal) -> ColumnElement[bool]:
    """Rows of the principal's own unit, for those who run its programs. What names the unit as a guest is not among them."""
    if principal.business_unit_id is None or not principal.has("program_manager"):
        return false()
    return table.c.business_unit_id == principal.business_unit_id


class GuardViews:
    """Reads of one transaction."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def conflicts(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[ConflictView]:
        """At most `limit` entries of the unit's register that count, in the order of their ids."""
        statement = select(conflicts).where(_owned_by(conflicts, principal), conflicts.c.removed_at.is_(None))
        if after is not None:
            statement = statement.where(conflicts.c.conflict_id > after)
        found = await self._session.fetch_all(statement.order_by(conflicts.c.conflict_id).limit(limit))
        return [conflict_view(guard_rows.conflict_of(row)) for row in found]

    async def conflict(self, conflict_id: UUID, principal: Principal) -> ConflictView:
        """An entry of the unit's register.

        :raises NotVisible: there is none, or it was removed.
        """
        row = await self._session.fetch_one(
            select(conflicts).where(
                conflicts.c.conflict_id == conflict_id,
                conflicts.c.removed_at.is_(None),
                _owned_by(conflicts, principal),
            )
        )
        if row is None:
            raise NotVisible("no such conflict")
        return conflict_view(guard_rows.conflict_of(row))

    async def waivers_of_cohort(
        self, cohort_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[WaiverView]:
        """At most `limit` waivers of a cohort in any state, in the order of their ids.

        :raises NotVisible: no such cohort of the principal's unit.
        """
        cohort = await self._session.fetch_one(
            select(known_cohorts.c.cohort_id).where(
                known_cohorts.c.cohort_id == cohort_id, _owned_by(known_cohorts, principal)
            )
        )
        if cohort is None:
            raise NotVisible("no such cohort")
        statement = select(waivers).where(waivers.c.cohort_id == cohort_id).order_by(waivers.c.waiver_id).limit(limit)
        if after is not None:
            statement = statement.where(waivers.c.waiver_id > after)
        return [waiver_view(guard_rows.waiver_of(row)) for row in await self._session.fetch_all(statement)]

    async def waiver(self, waiver_id: UUID, principal: Principal) -> WaiverView:
        """A waiver in any state.

        :raises NotVisible: the unit has none.
        """
        row = await self._session.fetch_one(
            select(waivers).where(waivers.c.waiver_id == waiver_id, _owned_by(waivers, principal))
        )
        if row is None:
            raise NotVisible("no such waiver")
        return waiver_view(guard_rows.waiver_of(row))

    async def quarantine(
        self, principal: Principal, *, cohort_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[QuarantineView]:
        """At most `limit` paused pairs of the unit's cohorts, in the order of their ids; of one cohort where named."""
        ended = select(known_pairs.c.pair_id).where(known_pairs.c.pair_id == pairs.c.pair_id, known_pairs.c.ended)
        statement = select(pairs).where(
            _owned_by(pairs, principal), pairs.c.state == PairState.QUARANTINED.value, ~ended.exists()
        )
        if cohort_id is not None:
            statement = statement.where(pairs.c.cohort_id == cohort_id)
        if after is not None:
            statement = statement.where(pairs.c.pair_id > after)
        found = await self._session.fetch_all(statement.order_by(pairs.c.pair_id).limit(limit))
        return [quarantine_view(rows.pair_of(row)) for row in found]

    async def notices(
        self, principal: Principal, *, cohort_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[NoticeView]:
        """At most `limit` notices about pairs of the unit's cohorts, in the order of their ids; of one cohort where named."""
        statement = select(notices).where(_owned_by(notices, principal), notices.c.addressee_id.is_(None))
        statement = statement.order_by(notices.c.notice_id).limit(limit)
        if cohort_id is not None:
            statement = statement.where(notices.c.cohort_id == cohort_id)
        if after is not None:
            statement = statement.where(notices.c.notice_id > after)
        return [notice_view(guard_rows.notice_of(row)) for row in await self._session.fetch_all(statement)]

    async def own_notices(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[OwnNoticeView]:
        """At most `limit` notices to the principal, in the order of their ids."""
        if principal.person_id is None:
            return []
        mine = and_(
            or_(notices.c.mentor_id == principal.person_id, notices.c.mentee_id == principal.person_id),
            func.coalesce(notices.c.addressee_id, principal.person_id) == principal.person_id,
        )
        later = notices.c.notice_id > after if after is not None else None
        statement = select(notices).where(mine if later is None else and_(mine, later))
        found = await self._session.fetch_all(statement.order_by(notices.c.notice_id).limit(limit))
        return [own_notice_view(guard_rows.notice_of(row)) for row in found]
