"""A participant has done a module of their training path."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engagement.application.access import own_pair
from engagement.application.activation import activate_if_ready
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import PairView, pair_view
from engagement.domain.vocabulary import TrainingModule


@dataclass(frozen=True, slots=True)
class RecordTraining:
    """The principal has done `module`."""

    pair_id: UUID
    module: TrainingModule


async def record_training(command: RecordTraining, uow: EngagementUnitOfWork) -> PairView:
    """Record it, once, also while the pair is paused; activate it where nothing else is missing. Doing a module again changes nothing.

    :raises NotVisible: the pair is not the principal's own.
    :raises Conflict: the pair is over.
    :raises InvalidInput: the module belongs to the other side's path.
    """
    pair, side = await own_pair(command.pair_id, uow)
    if pair.complete_training(side, command.module):
        activate_if_ready(pair, uow)
        uow.pairs.save(pair)
    return pair_view(pair, uow.now, viewer=side)
