"""Who may act on which pair. What somebody may not see does not exist for them.

The transaction's business unit has already limited what can be loaded; these rules narrow it to the person.
"""

from __future__ import annotations

from uuid import UUID

from chassis.ports import NotVisible, Principal

from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.meeting import Meeting
from engagement.domain.pair import Pair
from engagement.domain.vocabulary import Side


def acting_side(pair: Pair | None, principal: Principal) -> Side | None:
    """The side on which the principal acts; None for a program manager, who acts for the program.

    :raises NotVisible: neither one of the two people nor a program manager.
    """
    side = None if pair is None else pair.side_of(principal.person_id)
    if pair is None or (side is None and not principal.has("program_manager")):
        raise NotVisible("no such pair")
    return side


async def pair_to_act_on(pair_id: UUID, uow: EngagementUnitOfWork) -> tuple[Pair, Side | None]:
    """The pair, locked, and the side on which the principal acts (None: for the program).

    :raises NotVisible: there is none, or not for this principal.
    """
    pair = await uow.pairs.get(pair_id)
    side = acting_side(pair, uow.principal)
    if pair is None:
        raise NotVisible("no such pair")
    return pair, side


async def own_pair(pair_id: UUID, uow: EngagementUnitOfWork) -> tuple[Pair, Side]:
    """The pair, locked, and the principal's side, for what only the two people may do.

    :raises NotVisible: there is none, or it is not the principal's own.
    """
    pair = await uow.pairs.get(pair_id)
    side = None if pair is None else pair.side_of(uow.principal.person_id)
    if pair is None or side is None:
        raise NotVisible("no such pair")
    return pair, side


async def meeting_to_act_on(meeting_id: UUID, uow: EngagementUnitOfWork) -> tuple[Meeting, Pair, Side | None]:
    """The meeting and its pair, both locked, and the side on which the principal acts (None: for the program).

    :raises NotVisible: there is none, or not for this principal.
    """
    found = await uow.meetings.with_pair(meeting_id)
    if found is None:
        raise NotVisible("no such meeting")
    meeting, pair = found
    try:
        return meeting, pair, acting_side(pair, uow.principal)
    except NotVisible:
        raise NotVisible("no such meeting") from None
