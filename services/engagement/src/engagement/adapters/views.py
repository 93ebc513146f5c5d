"""What may be looked at, by whom. Row-level security has limited everything to the business unit before."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chassis.clock import Clock
from chassis.database import ReadSession
from chassis.ports import NotVisible, Principal
from sqlalchemy import ColumnElement, any_, false, func, literal, or_, select, true

from engagement.adapters import rows
from engagement.adapters.tables import agreement_terms, known_programs, meetings, pairs
from engagement.application.views import AgreementView, PairView, agreement_view, pair_view
from engagement.domain.meeting import Meeting

_HELD_AT = (
    select(func.array_agg(meetings.c.held_at))
    .where(meetings.c.pair_id == pairs.c.pair_id, meetings.c.state == "held")
    .scalar_subquery()
    .label("held_at")
)


def _is_one_of_the_two(principal: Principal) -> ColumnElement[bool]:
    if principal.person_id is None:
        return false()
    return or_(pairs.c.mentor_id == principal.person_id, pairs.c.mentee_id == principal.person_id)


def _seen_by(principal: Principal) -> ColumnElement[bool]:
    """Whose pair it is: everybody's for a program manager, a facilitator's where the program names them, else one's own."""
    if principal.has("program_manager"):
        return true()
    seen = [_is_one_of_the_two(principal)]
    if principal.has("facilitator") and principal.person_id is not None:
        seen.append(
            select(known_programs.c.program_id)
            .where(
                known_programs.c.program_id == pairs.c.program_id,
                literal(principal.person_id) == any_(known_programs.c.facilitator_ids),
            )
            .exists()
        )
    return or_(*seen)


class EngagementViews:
    """Reads of one transaction."""

    def __init__(self, session: ReadSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def pair(self, pair_id: UUID, principal: Principal) -> PairView:
        """A pair with its regularity.

        :raises NotVisible: there is none, or not for this principal.
        """
        row = await self._session.fetch_one(
            select(pairs, _HELD_AT).where(pairs.c.pair_id == pair_id, _seen_by(principal))
        )
        if row is None:
            raise NotVisible("no such pair")
        return self._pair_view(row, principal)

    async def pairs(
        self, principal: Principal, *, cohort_id: UUID | None, state: str | None, after: UUID | None, limit: int
    ) -> Sequence[PairView]:
        """At most `limit` pairs in the order of their ids, after the id `after`; of one cohort or in one state where named."""
        statement = select(pairs, _HELD_AT).where(_seen_by(principal)).order_by(pairs.c.pair_id).limit(limit)
        if cohort_id is not None:
            statement = statement.where(pairs.c.cohort_id == cohort_id)
        if state is not None:
            statement = statement.where(pairs.c.state == state)
        if after is not None:
            statement = statement.where(pairs.c.pair_id > after)
        return [self._pair_view(row, principal) for row in await self._session.fetch_all(statement)]

    async def agreement(self, pair_id: UUID, principal: Principal) -> AgreementView:
        """The current agreement of the principal's own pair; pair-private, whatever the principal's roles.

        :raises NotVisible: the pair is not the principal's own.
        """
        pair = await self._session.fetch_one(
            select(pairs).where(pairs.c.pair_id == pair_id, _is_one_of_the_two(principal))
        )
        if pair is None:
            raise NotVisible("no such pair")
        terms = await self._session.fetch_one(
            select(agreement_terms).where(
                agreement_terms.c.pair_id == pair_id,
                agreement_terms.c.agreement_version == pair["agreement_version"],
            )
        )
        if terms is None:
            raise NotVisible("no such agreement")
        return agreement_view(rows.pair_of(pair), rows.agreement_of(terms))

    async def meeting(self, meeting_id: UUID, principal: Principal) -> Meeting:
        """A meeting.

        :raises NotVisible: there is none, or not for this principal.
        """
        row = await self._session.fetch_one(
            select(meetings)
            .join(pairs, pairs.c.pair_id == meetings.c.pair_id)
            .where(meetings.c.meeting_id == meeting_id, _seen_by(principal))
        )
        if row is None:
            raise NotVisible("no such meeting")
        return rows.meeting_of(row)

    async def meetings(
        self, pair_id: UUID, principal: Principal, *, after: UUID | None, limit: int
    ) -> Sequence[Meeting]:
        """At most `limit` meetings of a pair in the order of their ids, after the id `after`.

        :raises NotVisible: there is no such pair, or not for this principal.
        """
        pair = await self._session.fetch_one(
            select(pairs.c.pair_id).where(pairs.c.pair_id == pair_id, _seen_by(principal))
        )
        if pair is None:
            raise NotVisible("no such pair")
        statement = select(meetings).where(meetings.c.pair_id == pair_id).order_by(meetings.c.meeting_id).limit(limit)
        if after is not None:
            statement = statement.where(meetings.c.meeting_id > after)
        return [rows.meeting_of(row) for row in await self._session.fetch_all(statement)]

    def _pair_view(self, row: rows.Row, principal: Principal) -> PairView:
        pair = rows.pair_of(row)
        return pair_view(pair, self._clock.now(), row["held_at"] or (), viewer=pair.side_of(principal.person_id))
