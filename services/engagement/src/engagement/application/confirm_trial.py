"""One of the two wants to go on after the trial."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts.engagement import PairTrialEnded

from engagement.application.access import own_pair
from engagement.application.activation import activate_if_ready
from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import PairView, pair_view


@dataclass(frozen=True, slots=True)
class ConfirmTrial:
    """The principal wants to go on with the pair."""

    pair_id: UUID


async def confirm_trial(command: ConfirmTrial, uow: EngagementUnitOfWork) -> PairView:
    """Keep it to oneself until the other has confirmed too; then the trial is over. Confirming again changes nothing.

    :raises NotVisible: the pair is not the principal's own.
    :raises Conflict: the pair is not on trial, or paused.
    """
    pair, side = await own_pair(command.pair_id, uow)
    if pair.confirm_trial(side):
        publish_pair(PairTrialEnded, pair, uow)
        activate_if_ready(pair, uow)
    uow.pairs.save(pair)
    return pair_view(pair, uow.now, viewer=side)
