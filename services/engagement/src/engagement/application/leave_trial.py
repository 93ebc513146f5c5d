"""One of the two does not want to go on after the trial."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engagement.application.access import own_pair
from engagement.application.ending import dissolve
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import PairView, pair_view


@dataclass(frozen=True, slots=True)
class LeaveTrial:
    """The principal does not want to go on with the pair. There is nowhere to put a reason."""

    pair_id: UUID


async def leave_trial(command: LeaveTrial, uow: EngagementUnitOfWork) -> PairView:
    """Dissolve the pair, without fault: that its trial has ended it is all that is recorded, never who left.

    :raises NotVisible: the pair is not the principal's own.
    :raises Conflict: the pair is not on trial.
    """
    pair, _ = await own_pair(command.pair_id, uow)
    pair.require_trial()
    await dissolve(pair, uow)
    return pair_view(pair, uow.now)
