"""One of the two people declines a proposal. Nobody is told which, nor why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.ports import NotVisible
from contracts.matching import PairDeclined

from matching.application.facts import publish_pair
from matching.application.ports import MatchingUnitOfWork
from matching.domain.pair import Pair


@dataclass(frozen=True, slots=True)
class DeclineProposal:
    """The principal declines."""

    pair_id: UUID


async def decline_proposal(command: DeclineProposal, uow: MatchingUnitOfWork) -> Pair:
    """End the proposal; both places are free again.

    :raises NotVisible: no released proposal of the principal's own.
    :raises Conflict: the pair is formed or the proposal has expired.
    """
    pair = await uow.pairs.get(command.pair_id)
    if pair is None:
        raise NotVisible("no such proposal")
    pair.side_of(uow.principal.person_id)
    if pair.decline(uow.now):
        uow.pairs.save(pair)
        publish_pair(PairDeclined, pair, uow)
    return pair
