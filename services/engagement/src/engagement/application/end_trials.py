"""The schedule ends trials whose days are over and that nobody has left."""

from __future__ import annotations

from contracts.engagement import PairTrialEnded

from engagement.application.activation import activate_if_ready
from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork

BATCH = 200


async def end_trials(uow: EngagementUnitOfWork) -> bool:
    """Let one batch go on; who has signed and is trained becomes active. True when there may be more."""
    pairs = await uow.pairs.past_trial(uow.now, BATCH)
    for pair in pairs:
        pair.pass_trial(uow.now)
        publish_pair(PairTrialEnded, pair, uow)
        activate_if_ready(pair, uow)
        uow.pairs.save(pair)
    return len(pairs) == BATCH
