"""The schedule reminds the two of a pair, once, that their trial is about to end."""

from __future__ import annotations

from engagement.application.ports import EngagementUnitOfWork

BATCH = 200


async def remind_of_trials(uow: EngagementUnitOfWork) -> bool:
    """Remind one batch; both see it at their pair. True when there may be more."""
    pairs = await uow.pairs.trials_to_remind_of(uow.now, BATCH)
    for pair in pairs:
        if pair.remind_of_trial(uow.now):
            uow.pairs.save(pair)
    return len(pairs) == BATCH
