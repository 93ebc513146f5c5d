"""What may be looked at of the register, of waivers and of notices, by whom: the program managers of the unit that owns it, and the
two people of a pair what is for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import and_, func, or_, select

from matching.adapters import guard_rows, rows
from matching.adapters.tables import conflicts, known_pairs, notices, pairs, waivers
from matching.adapters.visibility import owned_by, page_of, require_own_cohort
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


class GuardViews:
    """Reads of one transaction."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def conflicts(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[ConflictView]:
        """At most `limit` entries of the unit's register that count, in the order of their ids."""
        statement = select(conflicts).where(owned_by(conflicts, principal), conflicts.c.removed_at.is_(None))
        found = await self._session.fetch_all(page_of(statement, conflicts.c.conflict_id, after, limit))
        return [conflict_view(guard_rows.conflict_of(row)) for row in found]

    async def conflict(self, conflict_id: UUID, principal: Principal) -> ConflictView:
        """An entry of the unit's register.

        :raises NotVisible: there is none, or it was removed.
        """
        row = await self._session.fetch_one(
            select(conflicts).where(
                conflicts.c.conflict_id == conflict_id,
                conflicts.c.removed_at.is_(None),
                owned_by(conflicts, principal),
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
        await require_own_cohort(self._session, cohort_id, principal)
        paged = page_of(select(waivers).where(waivers.c.cohort_id == cohort_id), waivers.c.waiver_id, after, limit)
        return [waiver_view(guard_rows.waiver_of(row)) for row in await self._session.fetch_all(paged)]

    async def waiver(self, waiver_id: UUID, principal: Principal) -> WaiverView:
        """A waiver in any state.

        :raises NotVisible: the unit has none.
        """
        row = await self._session.fetch_one(
            select(waivers).where(waivers.c.waiver_id == waiver_id, owned_by(waivers, principal))
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
            owned_by(pairs, principal), pairs.c.state == PairState.QUARANTINED.value, ~ended.exists()
        )
        if cohort_id is not None:
            statement = statement.where(pairs.c.cohort_id == cohort_id)
        found = await self._session.fetch_all(page_of(statement, pairs.c.pair_id, after, limit))
        return [quarantine_view(rows.pair_of(row)) for row in found]

    async def notices(
        self, principal: Principal, *, cohort_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[NoticeView]:
        """At most `limit` notices about pairs of the unit's cohorts, in the order of their ids; of one cohort where named."""
        statement = select(notices).where(owned_by(notices, principal), notices.c.addressee_id.is_(None))
        if cohort_id is not None:
            statement = statement.where(notices.c.cohort_id == cohort_id)
        found = await self._session.fetch_all(page_of(statement, notices.c.notice_id, after, limit))
        return [notice_view(guard_rows.notice_of(row)) for row in found]

    async def own_notices(self, principal: Principal, *, after: UUID | None, limit: int) -> Sequence[OwnNoticeView]:
        """At most `limit` notices to the principal, in the order of their ids."""
        if principal.person_id is None:
            return []
        mine = and_(
            or_(notices.c.mentor_id == principal.person_id, notices.c.mentee_id == principal.person_id),
            func.coalesce(notices.c.addressee_id, principal.person_id) == principal.person_id,
        )
        found = await self._session.fetch_all(page_of(select(notices).where(mine), notices.c.notice_id, after, limit))
        return [own_notice_view(guard_rows.notice_of(row)) for row in found]
