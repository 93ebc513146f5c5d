"""A pair ends before its time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engagement.application.access import pair_to_act_on
from engagement.application.ending import dissolve
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import PairView, pair_view


@dataclass(frozen=True, slots=True)
class DissolvePair:
    """End a pair. There is nowhere to put a reason, so that nobody can ask for one."""

    pair_id: UUID


async def dissolve_pair(command: DissolvePair, uow: EngagementUnitOfWork) -> PairView:
    """Dissolve it: the right of either side and of the program manager, without fault. Who asked for it is not
    recorded.

    :raises NotVisible: no pair the principal may act on.
    :raises Conflict: the pair is over already.
    """
    pair, _ = await pair_to_act_on(command.pair_id, uow)
    await dissolve(pair, uow)
    return pair_view(pair, uow.now)
