"""A pair becomes active as soon as its gate stands open, whatever opened it last."""

from __future__ import annotations

from contracts.engagement import PairActivated

from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.domain.pair import Pair


def activate_if_ready(pair: Pair, uow: EngagementUnitOfWork) -> None:
    """Activate the pair and publish it where nothing is missing. Saving the pair is the caller's."""
    if pair.may_activate:
        pair.activate(uow.now)
        publish_pair(PairActivated, pair, uow)
